// A domain's DNS records: as they should be, as the name server has them, as the world sees them.
import { html } from "../lib.js";
import { OWN, api } from "../api.js";
import { Button, Copy, Loaded, Notice, Pill, Section, Table, count, useLoad } from "../ui/index.js";
import { Repair } from "./repair.js";

const words = {
    ok: ["good", "as it should be"],
    missing: ["going", "not there yet"],
    different: ["warn", "different"],
    by_hand: ["bad", "changed by hand"],
    unknown: ["none", "not known"],
};

const sorted = (values) => [...values].sort();
const same = (a, b) => a !== null && b !== null && a.length === b.length && sorted(a).every((value, i) => value === sorted(b)[i]);
const spoken = (values) => (values === null ? "not known" : values.length ? values.map((value) => `“${value}”`).join(" and ") : "nothing");

/** What is wrong with a record, as a sentence; null when it is as it should be. */
export function difference({ state, wanted, published, seen, reason }) {
    const should = wanted.length ? `it should be ${spoken(wanted)}` : "there should be none";
    if (state === "ok") return null;
    if (state === "unknown") return `it could not be looked up: ${reason ?? "there was no answer"}`;
    if (state === "by_hand") return `somebody changed it: the name server has ${spoken(published)}, ${should}`;
    if (!same(wanted, published)) return `the name server has ${spoken(published)}, ${should}`;
    return `the name server has it as it should be, but the world still sees ${spoken(seen)}`;
}

function Values({ values, of }) {
    if (values === null) return html`<span class="muted">not known</span>`;
    if (!values.length) return html`<span class="muted">nothing</span>`;
    return html`<ul class="values">${values.map((value) => html`<li key=${value}><span class="mono">${value}</span>${of && html`<${Copy} text=${value} label=${`Copy the value of ${of}`} />`}</li>`)}</ul>`;
}

const Compared = ({ values, wanted }) => (same(values, wanted) ? html`<span class="muted nowrap">the same</span>` : html`<${Values} values=${values} />`);
const nameOf = (record) => `${record.type} ${record.name}`;

const columns = [
    { key: "record", title: "Record", head: true, cell: (record) => html`<span class="record"><b>${record.type}</b> <span class="mono">${record.name}</span><${Copy} text=${record.name} label=${`Copy the name of ${nameOf(record)}`} /></span>` },
    { key: "state", title: "State", nowrap: true, cell: (record) => html`<${Pill} tone=${words[record.state][0]}>${words[record.state][1]}<//>` },
    { key: "wanted", title: "As it should be", wide: true, cell: (record) => html`<${Values} values=${record.wanted} of=${nameOf(record)} />` },
    { key: "published", title: "The name server", cell: (record) => html`<${Compared} values=${record.published} wanted=${record.wanted} />` },
    { key: "seen", title: "The world", cell: (record) => html`<${Compared} values=${record.seen} wanted=${record.wanted} />` },
];

function Summary({ dns, isPublishing, onRepair }) {
    const wrong = dns.records.filter((record) => record.state !== "ok");
    const byHand = wrong.filter((record) => record.state === "by_hand");
    if (isPublishing) return html`<${Notice} title="The records are being published">What is shown may change in a moment.<//>`;
    if (dns.reason && !dns.records.length) return html`<${Notice} tone="warn" title="The records could not be looked up">${dns.reason}.<//>`;
    if (!wrong.length) return html`<${Notice} tone="good" title=${`All ${count(dns.records.length, "record")} are as they should be`}>The name server has them, and the world sees them.<//>`;
    if (wrong.every((record) => record.state === "missing" && record.published?.length === 0))
        return html`<${Notice} title=${`${count(wrong.length, "record is", "records are")} not published yet`}>${wrong.length === dns.records.length ? "That is done" : "The others are as they should be. This is done"} by itself, as soon as nothing is in the way.<//>`;
    const action = byHand.length > 0 && html`<${Repair} domain=${dns.domain} lost=${byHand.map((record) => `${nameOf(record)}: ${spoken(record.published)}`)} onDone=${onRepair} />`;
    return html`<${Notice} tone=${byHand.length ? "warn" : "info"} title=${`${wrong.length} of ${count(dns.records.length, "record")} ${wrong.length === 1 ? "differs" : "differ"}`} action=${action}>
        ${wrong.map((record) => html`<span class="line" key=${nameOf(record)}><b>${nameOf(record)}</b>: ${difference(record)}.</span>`)}
        ${byHand.length > 0 && html`<span class="line">What was changed by hand stays as it is until you publish ours again.</span>`}
    <//>`;
}

/** The section on a domain's records. turn: looks again whenever it changes. onRepair: a repair was begun. */
export function Records({ domain, isPublishing, turn, onRepair }) {
    const load = useLoad((signal) => api.get(`${OWN}/domains/${encodeURIComponent(domain)}/dns`, { signal }), [domain, turn]);
    const again = html`<${Button} small icon="redo" busy=${load.loading} onClick=${load.reload}>Look again<//>`;
    return html`<${Section} title="DNS records" lede="As they should be, as the name server has them, and as a resolver anywhere sees them, just now." actions=${again}>
        <${Loaded} load=${load} rows=${6}>${(dns) => html`
            <${Summary} dns=${dns} isPublishing=${isPublishing} onRepair=${onRepair} />
            ${dns.records.length > 0 && html`<${Table} caption="DNS records" columns=${columns} rows=${dns.records} rowKey=${nameOf} busy=${load.loading} />`}`}<//>
    <//>`;
}
