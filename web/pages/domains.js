import { html, useCallback, useState } from "../lib.js";
import { OWN } from "../api.js";
import { CancelDialog } from "../list/cancel.js";
import { Forwarding } from "../list/forwarding.js";
import { ListPage } from "../list/list_page.js";
import { Day } from "../money/days.js";
import { Button, ButtonLink, Pill, count, toast } from "../ui/index.js";

const spec = {
    title: "Domains",
    path: `${OWN}/domains`,
    rowKey: (domain) => domain.id,
    noun: ["domain", "domains"],
    search: "Search domains",
    filters: [{
        name: "state", label: "State",
        options: [["", "Every state"], ["provisioning", "Provisioning"], ["ready", "Ready"], ["partial", "Partial"], ["failed", "Failed"], ["cancelled", "Cancelled"]],
    }],
    empty: {
        title: "No domains yet",
        text: "Give a brand name, pick from the names like it that are free, and say who gets a mailbox.",
        action: html`<${ButtonLink} href="/order" kind="primary" icon="plus">Order mailboxes<//>`,
    },
};

const isOver = ({ state }) => state === "cancelled" || state === "failed";
const address = (domain) => `/domains/${encodeURIComponent(domain)}`;

/** How many there are, and a way to more; a Microsoft domain is full as it was ordered. */
function Mailboxes({ row: { domain, provider, state, n_mailboxes } }) {
    const name = encodeURIComponent(domain);
    const hasRoom = provider !== "Microsoft" && state !== "cancelled" && state !== "failed";
    return html`<div class="mailboxes">
        ${hasRoom && html`<${ButtonLink} small kind="quiet" href=${`/order?type=extra_accounts&domain=${name}`} aria-label=${`Add mailboxes to ${domain}`}>Add<//>`}
        ${n_mailboxes ? html`<a class="target" href=${`/mailboxes?domain=${name}`} aria-label=${`${count(n_mailboxes, "mailbox", "mailboxes")} of ${domain}`}>${n_mailboxes}</a>` : "0"}
    </div>`;
}

const columns = (update, ask) => [
    {
        key: "domain", title: "Domain", head: true, width: "2.2fr",
        cell: ({ domain, provider, is_pre_warmed }) => html`<div><a href=${address(domain)}>${domain}</a><span class="below">${provider}${is_pre_warmed ? ", pre-warmed" : ""}</span></div>`,
    },
    {
        key: "state", title: "State", width: "1.3fr",
        cell: ({ state, drift }) => html`<div class="state"><${Pill} state=${state} />${drift && html`<${Pill} state="drifted">differs<//>`}</div>`,
    },
    {
        key: "mailboxes", title: "Mailboxes", align: "end", width: "1.1fr",
        cell: (row) => html`<${Mailboxes} row=${row} />`,
    },
    {
        key: "forwarding", title: "Visitors go to", width: "2.4fr",
        cell: (row) => html`<${Forwarding} domain=${row.domain} target=${row.forwarding} mode=${row.forwarding_mode} fixed=${isOver(row)}
            onChange=${(forwarding, forwarding_mode) => update(row.id, { forwarding, forwarding_mode })} />`,
    },
    { key: "renews", title: "Renews", width: "0.9fr", nowrap: true, cell: ({ timestamp_renews }) => html`<${Day} at=${timestamp_renews} />` },
    {
        key: "act", title: "", align: "end", width: "84px",
        cell: (row) => (isOver(row) ? "" : html`<${Button} small kind="quiet" label=${`Cancel ${row.domain}`} onClick=${() => ask({ row, update })}>Cancel<//>`),
    },
];

export default function Domains() {
    const [asked, ask] = useState(null);
    const makeColumns = useCallback((update) => columns(update, ask), []);
    const done = () => {
        asked.update(asked.row.id, { state: "cancelled", drift: false, n_mailboxes: 0, timestamp_renews: null });
        toast(`${asked.row.domain} is cancelled`);
        ask(null);
    };
    return html`<${ListPage} spec=${spec} makeColumns=${makeColumns} actions=${html`<${ButtonLink} href="/order" kind="primary" icon="plus">Order mailboxes<//>`}>
        ${asked && html`<${CancelDialog} domain=${asked.row.domain} onDone=${done} onClose=${() => ask(null)} />`}
    <//>`;
}
