import { html, useCallback, useMemo, useRef, useState } from "../lib.js";
import { OWN } from "../api.js";
import { CancelDialog, CancelManyDialog } from "../list/cancel.js";
import { ListPage } from "../list/list_page.js";
import { Password } from "../list/password.js";
import { createSelection } from "../list/selection.js";
import { Tick, TickedBar } from "../list/ticks.js";
import { Day } from "../money/days.js";
import { Button, ButtonLink, Pill, count, toast } from "../ui/index.js";

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

const mayBeCancelled = ({ state }) => state === "pending" || state === "ready";

const columns = (ask, selection) => [
    { key: "tick", title: "Tick", hidden: true, tick: true, width: "28px", cell: (mailbox) => (mayBeCancelled(mailbox) ? html`<${Tick} selection=${selection} row=${mailbox} name=${mailbox.email} />` : "") },
    { key: "email", title: "Address", head: true, width: "2.4fr", cell: ({ email, first_name, last_name }) => html`<div>${email}<span class="below">${first_name} ${last_name}</span></div>` },
    { key: "state", title: "State", width: "1.4fr", cell: (mailbox) => html`<${State} mailbox=${mailbox} />` },
    { key: "provider", title: "Provider", width: "0.8fr" },
    { key: "password", title: "Password", width: "2.2fr", cell: ({ email, state }) => (state === "ready" ? html`<${Password} email=${email} />` : "—") },
    { key: "renews", title: "Renews", width: "1.1fr", cell: renews },
    {
        key: "act", title: "", align: "end", width: "84px", cell: (mailbox) => (mayBeCancelled(mailbox)
            ? html`<${Button} small kind="quiet" label=${`Cancel ${mailbox.email}`} onClick=${() => ask([mailbox])}>Cancel<//>` : ""),
    },
];

function Chosen({ domain, onClear }) {
    return html`<span class="chosen">Only ${domain}<${Button} small kind="quiet" icon="close" label=${`All domains, not only ${domain}`} onClick=${onClear} /></span>`;
}

export default function Mailboxes() {
    const [asked, ask] = useState([]); // the mailboxes whose end is asked for
    const selection = useMemo(() => createSelection(spec.rowKey), []);
    const updateRow = useRef(); // of the list as it is shown now
    const makeColumns = useCallback((update) => {
        updateRow.current = update;
        return columns(ask, selection);
    }, []);
    const chosen = ({ domain }, setFilter) => domain && html`<${Chosen} domain=${domain} onClear=${() => setFilter({ domain: "" })} />`;
    const end = (words) => {
        for (const { id } of asked)
            updateRow.current(id, { state: "cancelled", is_suspended: false, timestamp_renews: null });
        selection.tick(asked, false);
        toast(words);
        ask([]);
    };
    const endMany = (emails, n) => end(`${count(emails.length, "mailbox is", "mailboxes are")} cancelled${n ? `, and ${count(n, "domain")} with them` : ""}`);
    const close = () => ask([]);
    return html`<${ListPage} spec=${spec} makeColumns=${makeColumns} chosen=${chosen}
        actions=${html`<${ButtonLink} href="/order" kind="primary" icon="plus">Order mailboxes<//>`}>
        <${TickedBar} selection=${selection} noun=${spec.noun}>
            <${Button} small kind="danger" needs="dfy_email_account_orders:delete" onClick=${() => ask([...selection.store.read().values()])}>Cancel them<//>
        <//>
        ${asked.length === 1 && html`<${CancelDialog} domain=${asked[0].domain} email=${asked[0].email} onDone=${([email]) => end(`${email} is cancelled`)} onClose=${close} />`}
        ${asked.length > 1 && html`<${CancelManyDialog} mailboxes=${asked} onDone=${endMany} onClose=${close} />`}
    <//>`;
}
