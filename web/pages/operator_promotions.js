// What is taken off first charges: what runs, what is planned, how far it is used.
import { api } from "../api.js";
import { html, useState } from "../lib.js";
import { OPERATOR, WorkspaceField, forWhom, fromLocal } from "../operator/parts.js";
import {
    Button, Empty, Field, FormDialog, Loaded, Page, Pager, Pill, Search, Table, Time, Toolbar, confirm, count, formatMoney, formatNumber,
    toast, useAction, useList,
} from "../ui/index.js";

const PATH = `${OPERATOR}/promotions`;
const kinds = [["percent", "A percentage"], ["amount", "An amount"], ["free_domains", "First year of some domains"], ["first_month", "First month of mailboxes"]];
const valueNames = { percent: "Percent", amount: "Dollars", free_domains: "Domains a workspace" };
const tones = { planned: "going", open: "good", used_up: "warn", over: "none" };

function saySaving({ kind, value }) {
    return {
        percent: () => `${value}% off`,
        amount: () => `${formatMoney(value)} off`,
        free_domains: () => `${count(value, "domain")} free for a year`,
        first_month: () => "first month free",
    }[kind]();
}

const sayUse = ({ used_orders: used, max_orders: most, max_orders_each: each }) =>
    `${formatNumber(used)}${most ? ` of ${formatNumber(most)}` : ""}${each ? `, ${formatNumber(each)} a workspace` : ""}`;

const number = (text) => (text.trim() === "" ? null : Number(text));

function problemsOf({ name, kind, value }) {
    return {
        name: /^[\w.-]{1,60}$/.test(name) ? null : "Enter 1 to 60 letters, digits, hyphens, dots and underscores.",
        value: kind === "first_month" || number(value) > 0 ? null : "Enter a number above 0.",
    };
}

function AddPromotion({ onClose, onDone }) {
    const [form, setForm] = useState({ name: "", kind: "percent", value: "", workspace: "", start: "", end: "", most: "", each: "" });
    const [problems, setProblems] = useState({});
    const put = (name) => (value) => setForm((now) => ({ ...now, [name]: value }));
    const [save, { busy, error }] = useAction(async () => {
        const made = await api.post(PATH, {
            name: form.name,
            kind: form.kind,
            value: form.kind === "first_month" ? null : number(form.value),
            workspace: form.workspace || null,
            timestamp_start: fromLocal(form.start),
            timestamp_end: fromLocal(form.end),
            max_orders: number(form.most) ?? 0,
            max_orders_each: number(form.each) ?? 0,
        });
        toast(`${made.name} is there: ${saySaving(made)}`);
        onDone();
    });
    const submit = async () => {
        const found = problemsOf(form);
        setProblems(found);
        if (!found.name && !found.value) await save();
    };
    const field = (name, rest) => html`<${Field} value=${form[name]} onInput=${put(name)} error=${problems[name]} ...${rest} />`;
    return html`<${FormDialog} wide title="Add a promotion" action="Add the promotion" onClose=${onClose} onSubmit=${submit} busy=${busy} error=${error}
        lede="It lowers the first charge of orders, never renewals. Of all that an order could use, the one that takes off most applies.">
        <div class="columns">${field("name", { label: "Name" })}${field("kind", { label: "Takes off", type: "select", options: kinds })}</div>
        <div class="columns">
            ${form.kind !== "first_month" && field("value", { label: valueNames[form.kind], inputmode: "decimal" })}
            <${WorkspaceField} optional hint="Empty: for everyone" value=${form.workspace} onInput=${put("workspace")} />
        </div>
        <div class="columns">
            ${field("start", { label: "From", type: "datetime-local", optional: true, hint: "In your time zone. Empty: now" })}
            ${field("end", { label: "Until", type: "datetime-local", optional: true, hint: "The first moment without it. Empty: open" })}
        </div>
        <div class="columns">
            ${field("most", { label: "Orders in all", inputmode: "numeric", optional: true, hint: "Empty: any number" })}
            ${field("each", { label: "Orders of one workspace", inputmode: "numeric", optional: true, hint: "Empty: any number" })}
        </div>
    <//>`;
}

async function end(promotion, reload) {
    const done = await confirm({
        title: `End ${promotion.name}?`,
        body: html`<p>New orders no longer get “${saySaving(promotion)}”. Those that had it keep it. A promotion that ended cannot be opened again.</p>`,
        action: "End the promotion",
        danger: true,
        run: () => api.post(`${PATH}/${promotion.id}/end`, {}),
    });
    if (!done) return;
    toast(`${promotion.name} has ended`);
    reload();
}

const columns = (reload) => [
    { key: "name", title: "Name", head: true },
    { key: "saving", title: "Takes off", cell: saySaving },
    { key: "whom", title: "For", cell: forWhom },
    { key: "start", title: "From", cell: (row) => html`<${Time} at=${row.timestamp_start} />` },
    { key: "end", title: "Until", cell: (row) => (row.timestamp_end ? html`<${Time} at=${row.timestamp_end} />` : "open") },
    { key: "used", title: "Orders", align: "end", cell: sayUse },
    { key: "state", title: "State", cell: (row) => html`<${Pill} tone=${tones[row.state]} state=${row.state} />` },
    { key: "act", title: "Actions", hidden: true, cell: (row) => row.state !== "over" && html`<div class="actions">
        <${Button} small kind="danger" label=${`End ${row.name}`} onClick=${() => end(row, reload)}>End<//></div>` },
];

export default function OperatorPromotions() {
    const list = useList(PATH);
    const [isAdding, setAdding] = useState(false);
    const add = html`<${Button} kind="primary" icon="plus" onClick=${() => setAdding(true)}>Add a promotion<//>`;
    const done = () => {
        setAdding(false);
        list.reload();
    };
    const nothing = list.isFiltered ? html`<${Empty} title="No promotion matches" />`
        : html`<${Empty} title="No promotion runs or is planned" action=${add}>One lowers the first charge of new orders for a while.<//>`;
    return html`<${Page} title="Promotions" lede="What is taken off the first charge of orders." actions=${add}>
        <${Toolbar}>
            <${Search} label="Search promotions" value=${list.query.search} onSearch=${(search) => list.setFilter({ search })} />
            <${Field} hidden label="Show" type="select" options=${[["", "Open and planned"], ["all", "All, ended too"]]} value=${list.query.state ?? ""}
                onInput=${(state) => list.setFilter({ state })} />
        <//>
        <${Loaded} load=${list}>${({ items }) => (items.length
            ? html`<${Table} caption="Promotions" rows=${items} columns=${columns(list.reload)} busy=${list.loading} />` : nothing)}<//>
        <${Pager} ...${list.pager} />
        ${isAdding && html`<${AddPromotion} onClose=${() => setAdding(false)} onDone=${done} />`}
    <//>`;
}
