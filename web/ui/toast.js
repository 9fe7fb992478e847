import { createStore, html } from "../lib.js";
import { Button } from "./button.js";
import { Icon } from "./icons.js";
import { useStore } from "./store.js";

const SHOWN_MS = 6000;
const toasts = createStore([]);
const spoken = createStore("");
let last = 0;

const drop = (id) => toasts.write(toasts.read().filter((one) => one.id !== id));

/** Says that something is done, for some seconds. tone: "good", "bad" (stays until closed) or "info". */
export function toast(text, { tone = "good" } = {}) {
    const id = ++last;
    toasts.write([...toasts.read(), { id, text, tone }]);
    if (tone !== "bad") setTimeout(drop, SHOWN_MS, id);
}

/** Says something to screen readers alone: results of a search, a state that changed. */
export function announce(text) {
    spoken.write("");
    requestAnimationFrame(() => spoken.write(text));
}

/** Where toasts appear and announcements are read; once, in the shell. */
export function Toasts() {
    const shown = useStore(toasts);
    const words = useStore(spoken);
    return html`<div class="sr" aria-live="polite" role="status">${words}</div>
        <div class="toasts" role="status" aria-live="polite">${shown.map(({ id, text, tone }) => html`<div key=${id} class=${`toast ${tone}`}>
            <${Icon} name=${tone === "good" ? "check" : "alert"} /><span>${text}</span>
            <${Button} kind="quiet" small icon="close" label="Dismiss" onClick=${() => drop(id)} />
        </div>`)}</div>`;
}
