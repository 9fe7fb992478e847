// The box that ticks a row, and the bar with what can be done with those that are ticked.
import { html, useEffect, useRef, useState } from "../lib.js";
import { Button, announce, count, useStore } from "../ui/index.js";
import { TICKED_MAX } from "./selection.js";

const BAR = "ticked-bar";

/** selection: of createSelection; name: what the row is called. Enter leads to the bar. */
export function Tick({ selection, row, name }) {
    const [isOn, setOn] = useState(() => selection.has(row));
    useEffect(() => {
        setOn(selection.has(row)); // it may have been ticked since it was drawn
        return selection.watch(row, setOn);
    }, [row]);
    const change = (event) => {
        const box = event.currentTarget;
        if (selection.tick([row], box.checked)) return;
        box.checked = false;
        announce(`Not ticked: ${TICKED_MAX} is the most at a time.`);
    };
    const key = (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault(); // or the same key presses the button, too
        document.querySelector(`.${BAR} button`)?.focus();
    };
    return html`<input type="checkbox" class="tick" aria-label=${`Tick ${name}`} checked=${isOn} onChange=${change} onKeyDown=${key} />`;
}

const words = (number, [one, many]) => `${count(number, one, many)} ticked`;

/** As long as something is ticked. noun: ["mailbox", "mailboxes"]. children: the buttons of what can be done. */
export function TickedBar({ selection, noun, children }) {
    const { size } = useStore(selection.store);
    const shown = useStore(selection.shown);
    const cameFrom = useRef();
    useEffect(() => {
        if (size) announce(`${words(size, noun)}${size === 1 ? ". Enter on a tick box leads to what can be done" : ""}`);
    }, [size]);
    useEffect(() => {
        const remember = ({ target }) => target.classList.contains("tick") && (cameFrom.current = target);
        document.addEventListener("focusin", remember);
        return () => document.removeEventListener("focusin", remember);
    }, []);
    if (!size) return null;
    const others = shown.filter((row) => !selection.has(row));
    const isTooMany = size + others.length > TICKED_MAX;
    const clear = () => {
        (cameFrom.current?.isConnected ? cameFrom.current : document.querySelector("h1")).focus();
        selection.clear();
    };
    return html`<div class=${BAR} role="region" aria-label=${`Ticked ${noun[1]}`}>
        <b>${words(size, noun)}</b>
        ${children}
        ${others.length > 0 && !isTooMany && html`<${Button} small onClick=${() => selection.tick(others, true)}>Tick all ${shown.length} shown<//>`}
        <${Button} small kind="quiet" onClick=${clear}>Untick all<//>
        ${isTooMany ? html`<span class="muted small">${TICKED_MAX} at a time at most.</span>` : html`<span class="muted small for-keys">Enter on a tick box leads here.</span>`}
    </div>`;
}
