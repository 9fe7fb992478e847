import { html, useUid } from "../lib.js";
import { refusal } from "../session.js";
import { Icon } from "./icons.js";

/**
 * kind: "plain", "primary", "danger" or "quiet" (no frame). busy: still focused, says that it works, does nothing.
 * reason: why it cannot be pressed, shown beside it. needs: the scope it takes, "resource:action".
 */
export function Button({ kind = "plain", icon, busy, reason, needs, disabled, small, label, onClick, type = "button", children, ...rest }) {
    const id = useUid();
    const why = reason || refusal(needs);
    const isOff = Boolean(busy || why || disabled);
    const press = (event) => (isOff ? event.preventDefault() : onClick?.(event));
    const button = html`<button type=${type} class=${`button ${kind}${small ? " small" : ""}`} aria-disabled=${isOff ? "true" : undefined}
        aria-busy=${busy ? "true" : undefined} aria-label=${label} title=${label} aria-describedby=${why ? id : undefined} onClick=${press} ...${rest}>
        ${busy ? html`<span class="spin" aria-hidden="true"></span>` : icon && html`<${Icon} name=${icon} />`}${children}
    </button>`;
    return why ? html`<span class="with-reason">${button}<span class="reason" id=${id}>${why}</span></span>` : button;
}

/** A link that looks like a button. `download` as for any link. */
export function ButtonLink({ href, kind = "plain", icon, small, children, ...rest }) {
    return html`<a class=${`button ${kind}${small ? " small" : ""}`} href=${href} ...${rest}>
        ${icon && html`<${Icon} name=${icon} />`}${children}
    </a>`;
}
