// Who did what, in all workspaces.
import { html } from "../lib.js";
import { OPERATOR, words } from "../operator/parts.js";
import { Empty, Field, Loaded, Page, Pager, Search, Table, Time, Toolbar, useList } from "../ui/index.js";

const activities = [
    "order_placed", "accounts_cancelled", "forwarding_set", "forwarding_removed", "domain_swapped", "domain_retried", "domain_repaired",
    "domain_checked", "dkim_rotated", "records_published", "key_created", "key_revoked", "signed_in", "signed_out",
    "workspace_created", "workspace_changed", "card_set", "card_removed",
    "webhook_created", "webhook_changed", "webhook_removed", "webhook_secret_rotated", "password_shown",
    "price_set", "price_ended", "promotion_added", "promotion_ended", "inventory_added", "inventory_removed",
    "restriction_set", "restriction_removed", "refund_made", "invoice_paid", "work_retried",
];

const isTime = (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);

function sayValue(value) {
    if (isTime(value)) return html`<${Time} at=${value} />`;
    if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return value.join(", ");
    return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function Detail({ detail }) {
    const entries = Object.entries(detail).filter(([, value]) => value !== null);
    if (!entries.length) return "—";
    return html`<dl class="details">${entries.map(([name, value]) => html`<div key=${name}><dt>${words(name)}</dt><dd>${sayValue(value)}</dd></div>`)}</dl>`;
}

const Who = ({ row }) => html`${row.api_key_name ?? (row.api_key_id ? "a key without a name" : "command line")}
    ${row.ip_address && html`<div class="muted small" title=${row.user_agent}>${row.ip_address}</div>`}`;

const columns = [
    { key: "timestamp", title: "When", head: true, cell: (row) => html`<${Time} at=${row.timestamp} />` },
    { key: "workspace", title: "Workspace", cell: (row) => row.workspace ?? row.workspace_id },
    { key: "activity", title: "What", cell: (row) => words(row.activity) },
    { key: "who", title: "Who", cell: (row) => html`<${Who} row=${row} />` },
    { key: "detail", title: "Details", wide: true, cell: (row) => html`<${Detail} detail=${row.detail} />` },
];

export default function OperatorAudit() {
    const list = useList(`${OPERATOR}/audit-logs`, { names: ["search", "activity", "workspace"] });
    return html`<${Page} title="Audit log" lede="What was changed with a key or on the command line, and who signed in, in all workspaces; newest first.">
        <${Toolbar}>
            <${Search} label="Search the log" placeholder="Workspace, key, address, detail" value=${list.query.search}
                onSearch=${(search) => list.setFilter({ search })} />
            <${Field} hidden label="What" type="select" options=${[["", "Every change"], ...activities.map((name) => [name, words(name)])]}
                value=${list.query.activity ?? ""} onInput=${(activity) => list.setFilter({ activity })} />
        <//>
        <${Loaded} load=${list} rows=${10}>${({ items }) => (items.length
            ? html`<${Table} caption="Audit log" rows=${items} columns=${columns} busy=${list.loading} />`
            : html`<${Empty} title=${list.isFiltered ? "No record matches" : "No records yet"}>Every change leaves one.<//>`)}<//>
        <${Pager} ...${list.pager} />
    <//>`;
}
