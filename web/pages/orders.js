import { html } from "../lib.js";
import { OWN } from "../api.js";
import { ListPage } from "../list/list_page.js";
import { reasonSentence } from "../money/next.js";
import { ButtonLink, Money, Pill, Progress, Time, count } from "../ui/index.js";

const spec = {
    title: "Orders",
    path: `${OWN}/orders`,
    rowKey: (order) => order.id,
    noun: ["order", "orders"],
    search: "Search domain, address or order",
    filters: [{ name: "state", label: "State", options: [["", "Every state"], ["reserved", "Waiting for payment"], ["placed", "Placed"], ["payment_failed", "Payment failed"]] }],
    empty: {
        title: "No orders yet",
        text: "Your first one takes a minute: a name, some people, and a card that is charged once.",
        action: html`<${ButtonLink} href="/order" kind="primary" icon="plus">Order mailboxes<//>`,
    },
};

const TYPES = { dfy: "New domains", pre_warmed_up: "Pre-warmed domains", extra_accounts: "More mailboxes" };

function names({ domains, n_domains }) {
    if (!domains.length) return "Nothing was ordered";
    const more = n_domains - domains.length;
    return `${domains.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

const kindOf = ({ order_type, n_mailboxes }) => [TYPES[order_type], n_mailboxes && count(n_mailboxes, "mailbox", "mailboxes")].filter(Boolean).join(", ");

function Work({ order }) {
    const { done, open, retrying, failed } = order.steps;
    const total = done + open + retrying + failed;
    if (!total) return "—";
    const words = [done < total ? `${done} of ${total} done` : "All done", retrying && `${retrying} being tried again`, failed && `${failed} failed`].filter(Boolean).join(", ");
    return html`<div class="work"><${Progress} label=${`Work of ${names(order)}`} done=${done} retrying=${retrying} failed=${failed} total=${total} text=${words} />
        <span class="muted small">${words}</span></div>`;
}

const columns = [
    {
        key: "domains", title: "Order", head: true, width: "3fr",
        cell: (order) => html`<div><a href=${`/orders/${order.id}`}>${names(order)}</a><span class="below">${kindOf(order)}</span></div>`,
    },
    { key: "when", title: "Ordered", width: "1.3fr", cell: ({ timestamp_created }) => html`<${Time} at=${timestamp_created} />` },
    { key: "state", title: "State", width: "1.4fr", cell: ({ state, reason }) => html`<div class="state"><${Pill} state=${state} />${reason && html`<p class="muted small">${reasonSentence(reason)}</p>`}</div>` },
    { key: "work", title: "Work", width: "1.6fr", cell: (order) => html`<${Work} order=${order} />` },
    { key: "total", title: "Total", align: "end", width: "0.8fr", cell: ({ total_price }) => html`<${Money} amount=${total_price} />` },
];

const makeColumns = () => columns;

export default function Orders() {
    return html`<${ListPage} spec=${spec} makeColumns=${makeColumns} actions=${html`<${ButtonLink} href="/order" kind="primary" icon="plus">Order mailboxes<//>`} />`;
}
