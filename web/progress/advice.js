// What failed, why, what happens next, and the button that helps.
import { html, useState } from "../lib.js";
import { OWN, api } from "../api.js";
import { Button, Failed, Notice, count, toast, useAction } from "../ui/index.js";
import { In } from "./in.js";
import { RefundSentence, refundFor } from "./refund.js";
import { Repair } from "./repair.js";
import { SwapDialog } from "./swap.js";
import { lostStep, retriesOf, titleOf } from "./work.js";

const UPDATE = "dfy_email_account_orders:update";
const post = (domain, action) => api.post(`${OWN}/domains/${encodeURIComponent(domain)}/${action}`);

/** Within a notice: tries again what waits, with the server's words when it does not. */
function TryNow({ domain, onDone }) {
    const [run, { busy, error }] = useAction(async () => {
        await post(domain, "retry");
        toast("It is being tried again");
        onDone();
    });
    return html`<${Button} small icon="redo" busy=${busy} needs=${UPDATE} onClick=${run}>Try now<//>
        ${error && html`<div class="whole"><${Failed} error=${error} title="Nothing was changed" /></div>`}`;
}

const WHAT_WAS_LOST = { register_domain: "could not be registered", publish_dns: "could not be set up: its DNS records were refused" };

function Lost({ domain, step, refund, onChange }) {
    const [isOpen, setOpen] = useState(false);
    const swap = refund?.state === "waiting" && html`<${Button} small kind="primary" needs=${UPDATE} onClick=${() => setOpen(true)}>Take another name<//>`;
    const done = () => {
        setOpen(false);
        onChange();
    };
    return html`<${Notice} tone="bad" title=${`${domain} ${WHAT_WAS_LOST[step?.kind] ?? "failed"}`} action=${swap}>
            ${step?.reason && html`Why: ${step.reason}. `}${refund ? html`<${RefundSentence} refund=${refund} />` : "Nothing was paid for it, so nothing goes back."}
        <//>
        ${isOpen && html`<${SwapDialog} domain=${domain} onClose=${() => setOpen(false)} onDone=${done} />`}`;
}

/** Somebody else was at the records: they are not overwritten unasked. */
const needsRepair = (step) => Boolean(step.reason?.includes("dfyd domain repair"));

function Retrying({ domain, steps, onChange }) {
    const [next] = steps;
    const others = steps.length > 1 ? ` ${count(steps.length - 1, "more step")} ${steps.length === 2 ? "waits" : "wait"}, too.` : "";
    const isStopped = steps.some(needsRepair);
    const action = isStopped ? html`<${Repair} domain=${domain} onDone=${onChange} />` : html`<${TryNow} domain=${domain} onDone=${onChange} />`;
    return html`<${Notice} tone="warn" title=${`${titleOf(next.kind)}: not yet`} action=${action}>
        Why: ${next.email && `${next.email}: `}${next.reason ?? "there was no clear answer"}. ${isStopped ? "You decide whether that is overwritten. It is looked at again" : "It is tried again by itself"}
        ${" "}<${In} at=${next.timestamp_next_try} />.${others}
    <//>`;
}

function MailboxesLost({ domain, accounts, refunds }) {
    return html`<${Notice} tone="warn" title=${`${count(accounts.length, "mailbox was", "mailboxes were")} refused`}>
        ${accounts.map((account) => {
            const refund = refundFor(refunds, domain, account.email);
            return html`<span class="line" key=${account.email}>${account.email}: ${account.reason ?? "refused"}. ${refund && html`<${RefundSentence} refund=${refund} />`}</span>`;
        })}
    <//>`;
}

const ForwardingLost = ({ domain, step }) => html`<${Notice} tone="warn" title="The website is not forwarded">
    ${step.reason}. Mail works. <a href=${`/domains/${encodeURIComponent(domain)}`}>Set another forwarding</a>.
<//>`;

/**
 * All there is to say about DOMAIN ({domain, state, swapped_for, accounts, steps}), of whose order REFUNDS are. onChange: something was done.
 */
export function Advice({ domain: { domain, state, swapped_for: swapped, accounts, steps }, refunds, onChange }) {
    if (state === "cancelled") return html`<${Notice} title="Cancelled">Nothing more is done for it, and it is not renewed.<//>`;
    if (swapped) return html`<${Notice} title=${`${swapped} took its place`}>${domain} could not be registered. What was paid for it is used for ${swapped}.<//>`;
    if (state === "failed") return html`<${Lost} domain=${domain} step=${lostStep(steps)} refund=${refundFor(refunds, domain)} onChange=${onChange} />`;
    const retrying = retriesOf(steps);
    const lost = accounts.filter((account) => account.state === "failed");
    const forwarding = steps.find((step) => step.kind === "set_forwarding" && step.state === "failed");
    return html`
        ${retrying.length > 0 && html`<${Retrying} domain=${domain} steps=${retrying} onChange=${onChange} />`}
        ${lost.length > 0 && html`<${MailboxesLost} domain=${domain} accounts=${lost} refunds=${refunds} />`}
        ${forwarding && html`<${ForwardingLost} domain=${domain} step=${forwarding} />`}`;
}
