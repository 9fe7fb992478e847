// What does not go on by itself, or not well: each with why, since when, what happens next, and what can be done.
import { api } from "../api.js";
import { html } from "../lib.js";
import { OPERATOR } from "../operator/parts.js";
import { Button, Empty, Field, Loaded, Page, Pager, Pill, Table, Time, Toolbar, count, toast, useAction, useEvery, useList } from "../ui/index.js";

const PATH = `${OPERATOR}/work`;
const REFRESH_MS = 15000;
const kinds = { step: "Step", order: "Order", renewal: "Renewal", refund: "Refund", webhook: "Webhook", domain: "Domain" };
const filters = [["", "Every kind"], ...Object.entries(kinds).map(([kind, name]) => [kind, `${name}s`])];

/** Of all kinds there are only the first ones: who wants more goes to the pages of one. */
function More({ kinds: more }) {
    if (!more.length) return null;
    return html`<p class="muted">There is more of some kinds: ${more.map((kind, i) => html`${i > 0 && ", "}
        <a href=${`/operator?kind=${kind}`}>all ${kinds[kind].toLowerCase()}s</a>`)}.</p>`;
}

function Act({ row, reload }) {
    const [retry, { busy, error }] = useAction(async () => {
        await api.post(`${PATH}/retry`, { kind: row.kind, id: row.id });
        toast(`${row.what}: it is being done`);
        reload();
    });
    if (!row.action) return null;
    return html`<div class="actions"><${Button} small icon="redo" busy=${busy} label=${`${row.action_text}: ${row.what}`} onClick=${retry}>${row.action_text}<//></div>
        ${error && html`<p class="error" role="alert">${error.message}</p>`}`;
}

const columns = (reload) => [
    { key: "what", title: "What", head: true, cell: (row) => html`${row.what}<div class="muted small">${row.workspace ?? row.workspace_id}</div>` },
    { key: "kind", title: "Kind", cell: (row) => html`<${Pill} tone=${row.timestamp_next ? "warn" : "bad"}>${kinds[row.kind]}<//>` },
    { key: "why", title: "Why", wide: true, cell: (row) => html`${row.why ?? "—"}
        ${row.attempts > 0 && html`<div class="muted small">${count(row.attempts, "try", "tries")}</div>`}` },
    { key: "since", title: "Since", cell: (row) => html`<${Time} at=${row.timestamp_since} style="ago" />` },
    { key: "next", title: "What happens next", wide: true, cell: (row) => html`${row.next ?? "—"}
        ${row.timestamp_next && html`<div class="muted small"><${Time} at=${row.timestamp_next} style="ago" /></div>`}` },
    { key: "act", title: "Actions", hidden: true, cell: (row) => html`<${Act} row=${row} reload=${reload} />` },
];

export default function Operator() {
    const list = useList(PATH, { names: ["kind"] });
    const kind = list.query.kind ?? "";
    useEvery(REFRESH_MS, list.reload);
    const nothing = html`<${Empty} title=${kind ? "Nothing of this kind is stuck" : "Nothing is stuck"}>Steps that fail, charges without an answer, unpaid renewals, refused refunds,
        webhooks that were switched off and domains that drifted appear here.<//>`;
    return html`<${Page} title="Stuck work" lede="What does not go on by itself, or not as it should.">
        <${Toolbar}><${Field} hidden label="Show" type="select" options=${filters} value=${kind} onInput=${(next) => list.setFilter({ kind: next })} /><//>
        <${Loaded} load=${list}>${({ items, more }) => (items.length
            ? html`<${Table} caption="Stuck work" rows=${items} rowKey=${(row) => row.kind + row.id} columns=${columns(list.reload)} />
                ${!kind && html`<${More} kinds=${more} />`}`
            : nothing)}<//>
        <${Pager} ...${list.pager} />
    <//>`;
}
