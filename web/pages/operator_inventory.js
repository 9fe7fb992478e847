// Pre-warmed domains: what is for sale, what was sold to whom, and lists that are read in after a look at them.
import { api } from "../api.js";
import { html, useState } from "../lib.js";
import { Import } from "../operator/import.js";
import { OPERATOR } from "../operator/parts.js";
import { Button, Empty, Field, Loaded, Page, Pager, Pill, Search, Table, Time, Toolbar, confirm, toast, useList } from "../ui/index.js";

const PATH = `${OPERATOR}/inventory`;
const providers = { 1: "Google", 2: "AirMail", 3: "Microsoft" };
const states = [["", "Every state"], ["for_sale", "For sale"], ["sold", "Sold"]];

async function remove(domain, reload) {
    const done = await confirm({
        title: `Take ${domain} off sale?`,
        body: html`<p>Nobody can order it any more. It can be put up for sale again by importing it anew.</p>`,
        action: "Take it off sale",
        danger: true,
        run: () => api.delete(`${PATH}/${encodeURIComponent(domain)}`),
    });
    if (!done) return;
    toast(`${domain} is no longer for sale`);
    reload();
}

const sayMailboxes = ({ accounts }) => accounts.map((account) => account.email_address_prefix).join(", ");

const columns = (reload) => [
    { key: "domain", title: "Domain", head: true },
    { key: "provider", title: "Provider", cell: (row) => providers[row.email_provider] },
    { key: "accounts", title: "Mailboxes", cell: sayMailboxes },
    { key: "state", title: "State", cell: (row) => html`<${Pill} tone=${row.state === "for_sale" ? "good" : "none"} state=${row.state} />` },
    { key: "workspace", title: "Sold to", cell: (row) => row.workspace ?? row.workspace_id },
    { key: "created", title: "Since", cell: (row) => html`<${Time} at=${row.timestamp_created} style="day" />` },
    { key: "act", title: "Actions", hidden: true, cell: (row) => row.state === "for_sale" && html`<div class="actions">
        <${Button} small kind="danger" label=${`Remove ${row.domain} from sale`} onClick=${() => remove(row.domain, reload)}>Remove<//></div>` },
];

export default function OperatorInventory() {
    const list = useList(PATH);
    const [isImporting, setImporting] = useState(false);
    const add = html`<${Button} kind="primary" icon="upload" onClick=${() => setImporting(true)}>Import domains<//>`;
    const nothing = list.isFiltered ? html`<${Empty} title="No domain matches" />`
        : html`<${Empty} title="No pre-warmed domains" action=${add}>Import a list of domains with their mailboxes, and they are for sale.<//>`;
    return html`<${Page} title="Inventory" lede="Pre-warmed domains with their mailboxes, for sale or sold." actions=${add}>
        <${Toolbar}>
            <${Search} label="Search domains" value=${list.query.search} onSearch=${(search) => list.setFilter({ search })} />
            <${Field} hidden label="State" type="select" options=${states} value=${list.query.state ?? ""} onInput=${(state) => list.setFilter({ state })} />
        <//>
        <${Loaded} load=${list}>${({ items }) => (items.length
            ? html`<${Table} caption="Pre-warmed domains" rows=${items} rowKey=${(row) => row.domain} columns=${columns(list.reload)} busy=${list.loading} />`
            : nothing)}<//>
        <${Pager} ...${list.pager} />
        ${isImporting && html`<${Import} path=${PATH} onClose=${() => setImporting(false)} onDone=${() => (setImporting(false), list.reload())} />`}
    <//>`;
}
