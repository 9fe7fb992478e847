// The price book: what everyone or one workspace pays, what is planned, and every version that ever was.
import { api } from "../api.js";
import { html, useState } from "../lib.js";
import { OPERATOR, WorkspaceField, forWhom, fromLocal, words } from "../operator/parts.js";
import {
    Button, Empty, Field, FormDialog, Loaded, Money, Page, Pager, Pill, Section, Table, Time, Toolbar, confirm, formatMoney, toast, useAction,
    useList,
} from "../ui/index.js";

const PATH = `${OPERATOR}/prices`;

const cents = (text) => (/^\d+(\.\d{1,2})?$/.test(text.trim()) ? Number(text) : null);

function SetPrice({ price, prices, workspace, onClose, onDone }) {
    const [name, setName] = useState(price ?? prices[0].name);
    const [amount, setAmount] = useState("");
    const [whom, setWhom] = useState(workspace ?? "");
    const [start, setStart] = useState("");
    const [problem, setProblem] = useState(null);
    const [save, { busy, error }] = useAction(async () => {
        const version = await api.post(PATH, { name, amount: cents(amount), workspace: whom || null, timestamp_start: fromLocal(start) });
        toast(`Version ${version.version}: ${words(version.name)} is ${formatMoney(version.amount)} for ${forWhom(version)}`);
        onDone();
    });
    const submit = async () => {
        const wrong = cents(amount) === null ? "Enter dollars, such as 4.50." : null;
        setProblem(wrong);
        if (!wrong) await save();
    };
    return html`<${FormDialog} title="Set a price" action="Set the price" onClose=${onClose} onSubmit=${submit} busy=${busy} error=${error}
        lede="For orders from then on. What was ordered before keeps its price, renewals too.">
        <${Field} label="Price" type="select" options=${prices.map((row) => [row.name, row.what])} value=${name} onInput=${setName} />
        <${Field} label="Dollars" inputmode="decimal" value=${amount} onInput=${setAmount} error=${problem} />
        <${WorkspaceField} optional hint="Empty: for everyone" value=${whom} onInput=${setWhom} />
        <${Field} label="From" optional type="datetime-local" hint="In your time zone. Empty: now" value=${start} onInput=${setStart} />
    <//>`;
}

/** Ends VERSION, or takes it back when it has not started. */
async function end(version, reload) {
    const isPlanned = version.state === "planned";
    const name = html`<b>${words(version.name)}</b> for ${forWhom(version)} at ${formatMoney(version.amount)}`;
    const done = await confirm({
        title: isPlanned ? "Take this change back?" : "End this price?",
        body: isPlanned
            ? html`<p>${name} will not begin. What holds until then goes on.</p>`
            : html`<p>${name} ends now. New orders pay what is set for everyone, else the standard price.</p>`,
        action: isPlanned ? "Take it back" : "End it",
        danger: true,
        run: () => api.post(`${PATH}/${version.version}/end`, {}),
    });
    if (!done) return;
    toast(isPlanned ? "Taken back" : "Ended");
    reload();
}

const nowColumns = (set) => [
    { key: "what", title: "What", head: true, cell: (row) => html`${row.what}<div class="muted small mono">${row.name}</div>` },
    { key: "amount", title: "Now", align: "end", cell: (row) => html`<${Money} amount=${row.amount} />` },
    { key: "standard", title: "Standard", align: "end", cell: (row) => html`<span class="muted"><${Money} amount=${row.standard_amount} /></span>` },
    { key: "follows", title: "Unless set, as", cell: (row) => (row.follows ? words(row.follows) : null) },
    { key: "set", title: "Actions", hidden: true, cell: (row) => html`<div class="actions"><${Button} small label=${`Set ${row.what}`} onClick=${() => set(row.name)}>Set<//></div>` },
];

const sayChanges = (changes) =>
    Object.entries(changes).map(([name, amount]) => html`<div key=${name}>${words(name)} <${Money} amount=${amount} /></div>`);

const plannedColumns = [
    { key: "start", title: "From", head: true, cell: (row) => html`<${Time} at=${row.timestamp_start} />` },
    { key: "prices", title: "Then", cell: (row) => sayChanges(row.prices) },
];

const tones = { planned: "going", in_force: "good", over: "none" };

const versionColumns = (reload) => [
    { key: "version", title: "Version", head: true },
    { key: "name", title: "Price", cell: (row) => words(row.name) },
    { key: "amount", title: "Amount", align: "end", cell: (row) => (row.amount === null ? "ends" : html`<${Money} amount=${row.amount} />`) },
    { key: "whom", title: "For", cell: forWhom },
    { key: "start", title: "From", cell: (row) => html`<${Time} at=${row.timestamp_start} />` },
    { key: "state", title: "State", cell: (row) => html`<${Pill} tone=${tones[row.state]} state=${row.state} />` },
    { key: "end", title: "Actions", hidden: true, cell: (row) => row.state !== "over" && html`<div class="actions">
        <${Button} small kind="danger" onClick=${() => end(row, reload)}>${row.state === "planned" ? "Take back" : "End"}<//></div>` },
];

function Book({ list, set }) {
    const { prices, planned, items, workspace } = list.data;
    return html`
        <${Section} title="Now" lede=${workspace ? `What ${workspace} pays` : "What everyone pays for whom nothing else is set"}>
            <${Table} caption="Prices now" rows=${prices} rowKey=${(row) => row.name} columns=${nowColumns(set)} busy=${list.loading} />
        <//>
        ${planned.length > 0 && html`<${Section} title="Planned">
            <${Table} caption="Planned changes" rows=${planned} rowKey=${(row) => row.timestamp_start} columns=${plannedColumns} />
        <//>`}
        <${Section} title="Versions" lede="Every change there ever was; nothing of it is removed.">
            ${items.length
                ? html`<${Table} caption="Versions" rows=${items} rowKey=${(row) => row.version} columns=${versionColumns(list.reload)} />`
                : html`<${Empty} title="Nothing was changed yet">The standard prices hold.<//>`}
        <//>
        <${Pager} ...${list.pager} />`;
}

export default function OperatorPrices() {
    const list = useList(PATH, { names: ["workspace"], limit: 25 });
    const [setting, setSetting] = useState(null); // {price} while the dialog is open
    const done = () => {
        setSetting(null);
        list.reload();
    };
    const add = html`<${Button} kind="primary" icon="plus" onClick=${() => setSetting({})}>Set a price<//>`;
    return html`<${Page} title="Price book" lede="Prices for everyone, and for single workspaces; now or from a later day on." actions=${list.data && add}>
        <${Toolbar}><${WhosePrices} value=${list.query.workspace} onChange=${(workspace) => list.setFilter({ workspace })} /><//>
        <${Loaded} load=${list} rows=${12}>${() => html`<${Book} list=${list} set=${(price) => setSetting({ price })} />`}<//>
        ${setting && html`<${SetPrice} price=${setting.price} prices=${list.data.prices} workspace=${list.data.workspace}
            onClose=${() => setSetting(null)} onDone=${done} />`}
    <//>`;
}

function WhosePrices({ value = "", onChange }) {
    const [text, setText] = useState(value);
    const show = (event) => {
        event.preventDefault();
        onChange(text.trim());
    };
    return html`<form class="row" onSubmit=${show}>
        <${WorkspaceField} label="Prices of workspace" placeholder="everyone" value=${text} onInput=${setText}
            after=${html`<${Button} type="submit">Show<//>`} />
    </form>`;
}
