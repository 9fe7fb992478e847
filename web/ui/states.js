// What a page shows before, instead of and without its data.
import { html } from "../lib.js";
import { Button } from "./button.js";
import { Icon } from "./icons.js";

/** Grey lines where `rows` lines will be. */
export function Loading({ rows = 5, what = "Loading" }) {
    const lines = Array.from({ length: rows }, (_, i) => html`<div key=${i} class="bone"></div>`);
    return html`<div class="skeleton"><p class="sr" role="status">${what}…</p>${lines}</div>`;
}

/** Nothing there: what that means and what to do next (children: a sentence; action: a button or link). */
export function Empty({ title, action, children }) {
    return html`<div class="empty"><p class="empty-title">${title}</p>${children && html`<p>${children}</p>`}${action}</div>`;
}

/** What happened, in the server's own words, and a way to try again. */
export function Failed({ error, retry, title = "This could not be loaded" }) {
    const wait = error.retryAfter ? ` It can be tried again in ${error.retryAfter} s.` : "";
    return html`<div class="notice bad" role="alert" tabindex="-1">
        <${Icon} name="alert" />
        <div><p class="notice-title">${title}</p><p>${error.message}${wait}</p></div>
        ${retry && html`<${Button} icon="redo" onClick=${retry}>Try again<//>`}
    </div>`;
}

/** A notice. tone: "info", "good", "warn" or "bad". */
export function Notice({ tone = "info", title, action, children }) {
    const icon = { info: "page", good: "check", warn: "alert", bad: "alert" }[tone];
    return html`<div class=${`notice ${tone}`} role=${tone === "bad" ? "alert" : undefined} tabindex=${tone === "bad" ? "-1" : undefined}>
        <${Icon} name=${icon} />
        <div>${title && html`<p class="notice-title">${title}</p>`}${children && html`<p>${children}</p>`}</div>
        ${action}
    </div>`;
}

/** Draws children(data) once useLoad's answer is there; until then its skeleton, after an error what went wrong. */
export function Loaded({ load, rows, children }) {
    const failed = (title) => html`<${Failed} error=${load.error} retry=${load.reload} title=${title} />`;
    if (load.data === undefined) return load.error ? failed() : html`<${Loading} rows=${rows} />`;
    return html`${load.error && failed("This may be out of date")}${children(load.data)}`;
}
