import { html } from "../lib.js";

const sayParts = ({ done, failed, retrying, total }) =>
    [`${done} of ${total} done`, retrying && `${retrying} being tried again`, failed && `${failed} failed`].filter(Boolean).join(", ");

/**
 * How much of `total` is done; what failed or waits to be tried again has its own part.
 * label: what it is about. text: said instead of "3 of 5 done".
 */
export function Progress({ done = 0, failed = 0, retrying = 0, total, label, text }) {
    const open = Math.max(0, total - done - failed - retrying);
    const parts = [["done", done], ["retrying", retrying], ["failed", failed], ["open", open]];
    return html`<div class="progress" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax=${total} aria-valuenow=${done}
        aria-valuetext=${text ?? sayParts({ done, failed, retrying, total })}>
        ${parts.map(([kind, n]) => n > 0 && html`<span key=${kind} class=${kind} style=${{ flexGrow: n }}></span>`)}
    </div>`;
}
