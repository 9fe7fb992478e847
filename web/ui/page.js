import { html, useLayoutEffect, useRef, useUid } from "../lib.js";
import { takeFocus } from "../router.js";
import { Icon } from "./icons.js";

/** A page: its title (also the window's), a sentence below it, what leads back, and what can be done with the whole. */
export function Page({ title, lede, back, actions, children }) {
    const heading = useRef();
    useLayoutEffect(() => {
        document.title = `${title} · dfyd`;
    }, [title]);
    useLayoutEffect(() => {
        if (takeFocus()) heading.current.focus({ preventScroll: true });
    }, []);
    return html`<div class="page">
        <header class="page-head">
            ${back && html`<a class="back" data-back href=${back.href}><${Icon} name="back" size=${14} />${back.text}</a>`}
            <div class="page-title">
                <h1 ref=${heading} tabindex="-1">${title}</h1>
                ${actions && html`<div class="actions">${actions}</div>`}
            </div>
            ${lede && html`<p class="lede">${lede}</p>`}
        </header>
        ${children}
    </div>`;
}

/** A part of a page with a heading. `plain`: without the panel around it. */
export function Section({ title, lede, actions, plain = false, children }) {
    const id = useUid();
    return html`<section class=${plain ? "section" : "section panel"} aria-labelledby=${id}>
        <div class="section-head">
            <h2 id=${id}>${title}</h2>
            ${actions && html`<div class="actions">${actions}</div>`}
            ${lede && html`<p class="lede">${lede}</p>`}
        </div>
        ${children}
    </section>`;
}

/** Names and values: items is a list of [name, value]; those whose value is undefined are left out. */
export function Facts({ items }) {
    const shown = items.filter(([, value]) => value !== undefined);
    return html`<dl class="facts">
        ${shown.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>`;
}
