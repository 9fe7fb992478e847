// What is there, what is under way, what needs somebody, and what is paid next.
import { OWN, api } from "../api.js";
import { html, useEffect, useRef } from "../lib.js";
import { useLive } from "../live.js";
import { useSession } from "../session.js";
import {
    ButtonLink, Empty, Icon, Loaded, Money, Page, Pill, Progress, Section, Table, Time, cardName, count, formatMoney, useEvery, useLoad,
} from "../ui/index.js";

const ORDERS = 6;
const REFRESH_MS = 30_000; // of what no event tells: how far an order is
const SETTLE_MS = 1000; // events come in bursts

const total = (steps) => steps.done + steps.open + steps.retrying + steps.failed;
const isOpen = ({ steps }) => steps.open + steps.retrying > 0;

/** "acme.com, acme.net and 3 more". */
function sayDomains(order) {
    if (!order.domains.length) return "Nothing was ordered";
    const more = order.n_domains - order.domains.length;
    return order.domains.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function OrderProgress({ order }) {
    if (order.state !== "placed") return html`<${Pill} state=${order.state} />`;
    const { done, failed, retrying } = order.steps;
    if (!isOpen(order)) return html`<${Pill} state=${failed ? "partial" : "ready"}>${failed ? "ended with failures" : "done"}<//>`;
    return html`<${Progress} label=${sayDomains(order)} done=${done} failed=${failed} retrying=${retrying} total=${total(order.steps)} />`;
}

const orderColumns = [
    { key: "domains", title: "Order", head: true, cell: (order) => html`<a href=${`/orders/${order.id}`}>${sayDomains(order)}</a>` },
    { key: "n_mailboxes", title: "Mailboxes", align: "end" },
    { key: "progress", title: "Progress", cell: (order) => html`<${OrderProgress} order=${order} />` },
    { key: "total_price", title: "Price", align: "end", cell: (order) => html`<${Money} amount=${order.state === "placed" ? order.total_price : null} />` },
    { key: "created", title: "Placed", align: "end", cell: (order) => html`<${Time} at=${order.timestamp_created} style="ago" />` },
];

function Orders({ orders }) {
    return html`<${Section} title="Latest orders" actions=${html`<${ButtonLink} kind="quiet" small href="/orders">All orders<//>`}>
        <${Table} caption="Latest orders" columns=${orderColumns} rows=${orders} />
    <//>`;
}

const Figure = ({ name, href, value, note }) => html`<a href=${href}>
    <span class="figure-name">${name}</span><span class="figure">${value}</span><span class="figure-note">${note}</span></a>`;

const sayCard = ({ brand, last_4_digits: digits }) => (digits ? `${cardName(brand)} ending in ${digits}` : "on account");

function Figures({ summary, upcoming, card }) {
    const { domains, mailboxes } = summary;
    const going = domains.provisioning ? `${domains.provisioning} being set up` : "none being set up";
    const [next] = upcoming;
    const year = upcoming.reduce((sum, { amount }) => sum + Math.round(amount * 100), 0) / 100;
    const paidBy = card ? sayCard(card) : "no card is on file";
    return html`<div class="figures">
        <${Figure} name="Domains" href="/domains" value=${domains.ready + domains.partial + domains.provisioning} note=${going} />
        <${Figure} name="Mailboxes" href="/mailboxes" value=${mailboxes.ready}
            note=${mailboxes.pending ? `${mailboxes.pending} more on their way` : "ready to use"} />
        <${Figure} name="Next payment" href="/money" value=${next ? formatMoney(next.amount) : "—"}
            note=${next ? html`<${Time} at=${next.day} style="day" />, ${paidBy}` : paidBy} />
        <${Figure} name="Next 12 months" href="/money" value=${formatMoney(year)} note="if everything stays as it is" />
    </div>`;
}

/** What somebody has to look at: rows of {key, text, href, action}. */
function attention({ domains, mailboxes }, renewals, card) {
    const unpaid = renewals.filter(({ state, failures }) => state === "suspended" || (state === "due" && failures > 0));
    const rows = [
        { n: unpaid.length, key: "unpaid", text: `could not be paid: ${unpaid[0]?.reason}`, what: ["renewal"], href: "/money" },
        { n: mailboxes.suspended, key: "suspended", text: "suspended until paid", what: ["mailbox", "mailboxes"], href: "/money" },
        { n: domains.drifted, key: "drifted", text: "not as it was set up", what: ["domain"], href: "/domains?drift=true" },
        { n: domains.partial, key: "partial", text: "working only in part", what: ["domain"], href: "/domains?state=partial" },
    ].filter(({ n }) => n > 0);
    const shown = rows.map(({ n, key, text, what, href }) => ({ key, text: `${count(n, ...what)} ${text}`, href }));
    if (!card) shown.push({ key: "card", text: "No card is on file to pay renewals with", href: "/money" });
    return shown;
}

function Attention({ rows }) {
    if (!rows.length) return null;
    return html`<${Section} title="Needs attention">
        <ul class="attention">${rows.map(({ key, text, href }) => html`<li key=${key}>
            <${Icon} name="alert" /><a href=${href}>${text}</a></li>`)}</ul>
    <//>`;
}

const Welcome = () => html`<${Empty} title="No mailboxes yet" action=${html`<${ButtonLink} kind="primary" icon="plus" href="/order">Order mailboxes<//>`}>
    Start with a brand name: you get similar names that are free, say who needs a mailbox, and see the price before you pay.
<//>`;

const fetchAll = (signal) =>
    Promise.all([
        api.get(`${OWN}/summary`, { signal }),
        api.get(`${OWN}/orders`, { query: { limit: ORDERS }, signal }),
        api.get(`${OWN}/renewals`, { query: { limit: 10 }, signal }),
    ]).then(([summary, orders, renewals]) => ({ summary, orders: orders.items, renewals: renewals.items, upcoming: renewals.upcoming }));

/** A look at everything soon after something happened, once for all that happens until then. */
function useReloadAtEvents(reload) {
    const timer = useRef(null);
    const soon = () => {
        timer.current ??= setTimeout(() => {
            timer.current = null;
            reload();
        }, SETTLE_MS);
    };
    useLive(null, undefined, soon);
    useEffect(() => () => clearTimeout(timer.current), []);
}

export default function Overview() {
    const { card } = useSession();
    const load = useLoad(fetchAll);
    useEvery(REFRESH_MS, load.reload);
    useReloadAtEvents(load.reload);
    const isNew = load.data && !load.data.orders.length;
    const order = html`<${ButtonLink} kind="primary" icon="plus" href="/order">Order mailboxes<//>`;
    return html`<${Page} title="Overview" actions=${!isNew && order}>
        <${Loaded} load=${load} rows=${8}>${({ summary, orders, renewals, upcoming }) => (orders.length
            ? html`<${Figures} summary=${summary} upcoming=${upcoming} card=${card} />
                <${Attention} rows=${attention(summary, renewals, card)} />
                <${Orders} orders=${orders} />`
            : html`<${Welcome} />`)}<//>
    <//>`;
}
