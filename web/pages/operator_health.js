// Whether what dfyd depends on answers: drivers, payments, nodes, the database, webhooks.
import { api } from "../api.js";
import { html } from "../lib.js";
import { OPERATOR } from "../operator/parts.js";
import { Empty, Facts, Loaded, Money, Page, Pill, Section, Table, Time, count, formatNumber, useEvery, useLoad } from "../ui/index.js";

const REFRESH_MS = 15000;
const kinds = { registrar: "Registrar", dns: "DNS host", mailbox: "Mail host", payment: "Payments" };

const calls = ({ done, refused, unknown }) => done + refused + unknown;

/** A driver's last hour as a state. A refusal is an answer: only silence is a fault of the driver. */
function Answers({ hour }) {
    if (!calls(hour)) return html`<${Pill} tone="none">not asked<//>`;
    if (!hour.unknown) return html`<${Pill} tone="good">answers<//>`;
    return hour.unknown === calls(hour) ? html`<${Pill} tone="bad">silent<//>` : html`<${Pill} tone="warn">answers in part<//>`;
}

const saySlowest = (span) => (calls(span) ? sayMs(span.slowest_ms) : "—");
const sayMs = (ms) => (ms < 1000 ? `${formatNumber(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** A column with a driver's last hour, and its last day below. */
const spans = (title, say) => ({
    key: title, title, align: "end",
    cell: ({ hour, day }) => html`${say(hour)}<div class="muted small">${say(day)}</div>`,
});

const driverColumns = [
    { key: "kind", title: "What", head: true, cell: (row) => html`${kinds[row.kind] ?? row.kind}<div class="muted small">${row.driver}</div>` },
    { key: "state", title: "State", cell: (row) => html`<${Answers} hour=${row.hour} />` },
    spans("Done", (span) => formatNumber(span.done)),
    spans("Refused", (span) => formatNumber(span.refused)),
    spans("Unanswered", (span) => formatNumber(span.unknown)),
    spans("Slowest", saySlowest),
    { key: "reason", title: "Last trouble", wide: true, cell: (row) => row.reason && html`${row.reason}
        ${row.timestamp_reason && html`<div class="muted small"><${Time} at=${row.timestamp_reason} style="ago" /></div>`}` },
];

const tones = { paid: "good", declined: "warn", refunded: "none", refund_refused: "bad", unknown: "bad" };

const paymentColumns = [
    { key: "outcome", title: "Outcome", head: true, cell: (row) => html`<${Pill} tone=${tones[row.outcome]} state=${row.outcome} />` },
    { key: "count", title: "Payments", align: "end", cell: (row) => formatNumber(row.count) },
    { key: "amount", title: "Amount", align: "end", cell: (row) => html`<${Money} amount=${row.amount} />` },
];

const nodeColumns = [
    { key: "name", title: "Node", head: true, cell: (row) => row.name },
    { key: "state", title: "State", cell: (row) => html`<${Pill} tone=${row.is_alive ? "good" : "bad"}>${row.is_alive ? "lives" : "away"}<//>` },
    { key: "roles", title: "Does" },
    { key: "version", title: "Version" },
    { key: "started", title: "Since", cell: (row) => html`<${Time} at=${row.timestamp_started} />` },
    { key: "seen", title: "Seen", align: "end", cell: (row) => html`<${Time} at=${row.timestamp_seen} style="ago" ofMachine />` },
];

function Outside({ drivers, payments }) {
    return html`
        <${Section} title="Drivers" lede="What was asked of the world outside in the last hour; small, in the last day.">
            ${drivers.length
                ? html`<${Table} caption="Drivers" rows=${drivers} rowKey=${(row) => row.kind + row.driver} columns=${driverColumns} />`
                : html`<${Empty} title="Nothing was asked in the last day">Calls are counted by the minute: the next order shows here a minute later.<//>`}
        <//>
        <${Section} title="Payments of the last day">
            ${payments.length
                ? html`<${Table} caption="Payments by outcome" rows=${payments} rowKey=${(row) => row.outcome} columns=${paymentColumns} />`
                : html`<${Empty} title="No payments in the last day" />`}
        <//>`;
}

function Inside({ nodes, database, webhooks }) {
    const waiting = webhooks.waiting ? `${count(webhooks.waiting, "event")}, the oldest ${formatNumber(webhooks.oldest_seconds)} s` : "nothing";
    return html`
        <div class="columns">
            <${Section} title="Database"><${Facts} items=${[
                ["Engine", database.engine],
                ["State", html`<${Pill} tone=${database.is_up ? "good" : "bad"}>${database.is_up ? "answers" : "away"}<//>`],
                ["Schema", database.schema],
                ["Size", database.detail],
            ]} /><//>
            <${Section} title="Webhooks"><${Facts} items=${[
                ["Active", formatNumber(webhooks.active)],
                ["Switched off", formatNumber(webhooks.off)],
                ["Waiting", waiting],
            ]} /><//>
        </div>
        ${nodes.length > 0 && html`<${Section} title="Nodes"><${Table} caption="Nodes" rows=${nodes} rowKey=${(row) => row.name} columns=${nodeColumns} /><//>`}`;
}

export default function OperatorHealth() {
    const load = useLoad((signal) => api.get(`${OPERATOR}/health`, { signal }));
    useEvery(REFRESH_MS, load.reload);
    return html`<${Page} title="Health" lede="Whether what everything depends on answers.">
        <${Loaded} load=${load} rows=${10}>${(data) => html`<${Outside} ...${data} /><${Inside} ...${data} />`}<//>
    <//>`;
}
