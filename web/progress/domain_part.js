import { html, useEffect, useRef, useState } from "../lib.js";
import { CancelDialog } from "../list/cancel.js";
import { Button, Pill, Progress, Section, announce, toast } from "../ui/index.js";
import { Advice } from "./advice.js";
import { Steps } from "./steps.js";
import { barWords, countsOf, isMoving } from "./work.js";

const DELETE = "dfy_email_account_orders:delete";

/** The bar of one domain, with its words beside it. */
export function DomainBar({ domain, state, steps }) {
    const counts = countsOf(steps);
    if (!counts.total) return null;
    const words = state === "ready" ? "All done" : barWords(counts);
    return html`<div class="bar-line"><${Progress} ...${counts} label=${`Progress of ${domain}`} text=${words} /><span class="small muted">${words}</span></div>`;
}

/** Tells screen readers when the state of a domain changes. */
export function useTold(domain, state) {
    const last = useRef(state);
    useEffect(() => {
        if (last.current !== state) announce(`${domain} is ${state}`);
        last.current = state;
    }, [domain, state]);
}

/** A button that cancels DOMAIN, once it is said what is lost. */
export function Cancel({ domain, small, onDone }) {
    const [isOpen, setOpen] = useState(false);
    const done = () => {
        setOpen(false);
        toast(`${domain} is cancelled`);
        onDone();
    };
    return html`<${Button} small=${small} kind=${small ? "quiet" : "plain"} icon="trash" needs=${DELETE} onClick=${() => setOpen(true)}>Cancel ${domain}<//>
        ${isOpen && html`<${CancelDialog} domain=${domain} onDone=${done} onClose=${() => setOpen(false)} />`}`;
}

/** One domain of an order: how far it is, what is in the way, what can be done. */
export function DomainPart({ domain, order, onChange }) {
    useTold(domain.domain, domain.state);
    const mayCancel = isMoving(domain.steps) && ["provisioning", "ready", "partial"].includes(domain.state);
    const isMeant = !domain.swapped_for;
    const title = html`<a class="plain-link" href=${`/domains/${encodeURIComponent(domain.domain)}`}>${domain.domain}</a>`;
    return html`<${Section} title=${title} actions=${html`<${Pill} state=${isMeant ? domain.state : "skipped"}>${isMeant ? undefined : "swapped"}<//>`}>
        ${isMeant && html`<${DomainBar} ...${domain} />`}
        <${Advice} domain=${domain} refunds=${order.refunds} onChange=${onChange} />
        ${isMeant && domain.steps.length > 0 && html`<${Steps} steps=${domain.steps} label=${`Steps of ${domain.domain}`} />`}
        ${domain.state === "reserved" && html`<p class="muted">The name is held. Work on it begins once the order is paid.</p>`}
        ${mayCancel && html`<div class="row"><${Cancel} domain=${domain.domain} small onDone=${onChange} /></div>`}
    <//>`;
}
