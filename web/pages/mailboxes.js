import { html, useCallback, useState } from "../lib.js";
import { OWN } from "../api.js";
import { CancelDialog } from "../list/cancel.js";
import { ListPage } from "../list/list_page.js";
import { Password } from "../list/password.js";
import { Day } from "../money/days.js";
import { Button, ButtonLink, Pill, toast } from "../ui/index.js";

const spec = {
    title: "Mailboxes",
    lede: "Passwords are shown one at a time, and each time is written to the audit log.",
    path: `${OWN}/mailboxes`,
    rowKey: (mailbox) => mailbox.id,
    noun: ["mailbox", "mailboxes"],
    search: "Search address or name",
    filters: [{ name: "state", label: "State", options: [["", "Every state"], ["pending", "Being made"], ["ready", "Ready"], ["failed", "Failed"], ["cancelled", "Cancelled"]] }],
    others: ["domain"],
    empty: {
        title: "No mailboxes yet",
        text: "They appear here as soon as they are ordered, on new domains or on those you have.",
        action: html`<${ButtonLink} href="/order" kind="primary" icon="plus">Order mailboxes<//>`,
    },
};

const State = ({ mailbox: { state, is_suspended, reason } }) => html`<div class="state">
    ${is_suspended ? html`<${Pill} state="suspended" />` : html`<${Pill} state=${state} />`}
    ${is_suspended && html`<p class="muted small">A renewal is unpaid: <a href="/money">what to do</a></p>`}
    ${reason && state !== "cancelled" && html`<p class="muted small">${reason}</p>`}
</div>`;

/** A Microsoft mailbox costs nothing by itself, and one that is unpaid waits for no day. */
function renews({ timestamp_renews, state, is_suspended }) {
    if (timestamp_renews) return html`<${Day} at=${timestamp_renews} />`;
    if (state !== "ready") return "—";
    return html`<span class="muted">${is_suspended ? "unpaid" : "with its domain"}</span>`;
}

const columns = (update, ask) => [
    { key: "email", title: "Address", head: true, width: "2.4fr", cell: ({ email, first_name, last_name }) => html`<div>${email}<span class="below">${first_name} ${last_name}</span></div>` },
    { key: "state", title: "State", width: "1.4fr", cell: (mailbox) => html`<${State} mailbox=${mailbox} />` },
    { key: "provider", title: "Provider", width: "0.8fr" },
    { key: "password", title: "Password", width: "2.2fr", cell: ({ email, state }) => (state === "ready" ? html`<${Password} email=${email} />` : "—") },
    { key: "renews", title: "Renews", width: "1.1fr", cell: renews },
    {
        key: "act", title: "", align: "end", width: "84px", cell: (mailbox) => (mailbox.state === "pending" || mailbox.state === "ready"
            ? html`<${Button} small kind="quiet" label=${`Cancel ${mailbox.email}`} onClick=${() => ask({ mailbox, update })}>Cancel<//>` : ""),
    },
];

function Chosen({ domain, onClear }) {
    return html`<span class="chosen">Only ${domain}<${Button} small kind="quiet" icon="close" label=${`All domains, not only ${domain}`} onClick=${onClear} /></span>`;
}

export default function Mailboxes() {
    const [asked, ask] = useState(null);
    const makeColumns = useCallback((update) => columns(update, ask), []);
    const chosen = ({ domain }, setFilter) => domain && html`<${Chosen} domain=${domain} onClear=${() => setFilter({ domain: "" })} />`;
    const done = () => {
        asked.update(asked.mailbox.id, { state: "cancelled", is_suspended: false, timestamp_renews: null });
        toast(`${asked.mailbox.email} is cancelled`);
        ask(null);
    };
    return html`<${ListPage} spec=${spec} makeColumns=${makeColumns} chosen=${chosen}
        actions=${html`<${ButtonLink} href="/order" kind="primary" icon="plus">Order mailboxes<//>`}>
        ${asked && html`<${CancelDialog} domain=${asked.mailbox.domain} email=${asked.mailbox.email} onDone=${done} onClose=${() => ask(null)} />`}
    <//>`;
}
