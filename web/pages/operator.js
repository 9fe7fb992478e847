// What does not go on by itself, or not well: each with why, since when, what happens next, and what can be done.
import { api } from "../api.js";
import { html } from "../lib.js";
import { OPERATOR } from "../operator/parts.js";
import { Button, Empty, Field, Loaded, Page, Pager, Pill, Table, Time, Toolbar, toast, useAction, useEvery, useList } from "../ui/index.js";

const PATH = `${OPERATOR}/work`;
const REFRESH_MS = 15000;
const kinds = {
    step: "Step", order: "Order", renewal: "Renewal", refund: "Refund", webhook: "Webhook", domain: "Domain",
};
const filters = [["", "Everything"], ["step", "Steps"], ["order", "Orders"], ["renewal", "Renewals"], ["refund", "Refunds"],
    ["webhook", "Webhooks"], ["domain", "Domains"]];
const tones = { step: "warn", order: "warn", renewal: "warn", refund: "warn", webhook: "bad", domain: "warn" };

function Act({ row, reload }) {
    const [retry, { busy, error }] = useAction(async () => {
        await api.post(`${PATH}/retry`, { kind: row.kind, id: row.id });
        toast(`${row.what}: tried again now`);
        reload();
    });
    if (!row.action) return null;
    return html`<div class="actions"><${Button} small icon="redo" busy=${busy} label=${`${row.action_text}: ${row.what}`} onClick=${retry}>${row.action_text}<//></div>
        ${error && html`<p class="error" role="alert">${error.message}</p>`}`;
}

const columns = (reload) => [
    { key: "what", title: "What", head: true, cell: (row) => html`${row.what}<div class="muted small">${row.workspace ?? row.workspace_id}</div>` },
    { key: "kind", title: "Kind", cell: (row) => html`<${Pill} tone=${tones[row.kind]}>${kinds[row.kind] ?? row.kind}<//>` },
    { key: "why", title: "Why", wide: true, cell: (row) => row.why },
    { key: "since", title: "Since", cell: (row) => html`<${Time} at=${row.timestamp_since} style="ago" />` },
    { key: "next", title: "What happens next", wide: true, cell: (row) => html`${row.next}
        ${row.timestamp_next && html`<div class="muted small"><${Time} at=${row.timestamp_next} style="ago" /></div>`}` },
    { key: "act", title: "Actions", hidden: true, cell: (row) => html`<${Act} row=${row} reload=${reload} />` },
];

export default function Operator() {
    const list = useList(PATH, { names: ["kind"] });
    useEvery(REFRESH_MS, list.reload);
    const nothing = html`<${Empty} title="Nothing is stuck">Steps that fail, charges without an answer, unpaid renewals, refused refunds,
        webhooks that were switched off and domains that drifted appear here.<//>`;
    return html`<${Page} title="Stuck work" lede="What does not go on by itself, or not as it should.">
        <${Toolbar}><${Field} label="Show" type="select" options=${filters} value=${list.query.kind ?? ""} onInput=${(kind) => list.setFilter({ kind })} /><//>
        <${Loaded} load=${list}>${({ items }) => (items.length
            ? html`<${Table} caption="Stuck work" rows=${items} rowKey=${(row) => row.kind + row.id} columns=${columns(list.reload)} busy=${false} />`
            : nothing)}<//>
        <${Pager} ...${list.pager} />
    <//>`;
}
