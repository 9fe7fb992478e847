import { html } from "../lib.js";
import { OWN } from "../api.js";
import { ListPage } from "../list/list_page.js";
import { Day } from "../money/days.js";
import { ButtonLink, Money, Pill } from "../ui/index.js";

const spec = {
    title: "Invoices",
    lede: "Numbers are counted over all workspaces, so yours have gaps.",
    path: `${OWN}/invoices`,
    rowKey: (invoice) => invoice.number,
    noun: ["invoice", "invoices"],
    search: "Search number or domain",
    filters: [{ name: "state", label: "State", options: [["", "Every state"], ["paid", "Paid"], ["owed", "Owed"], ["credited", "Credited"]] }],
    empty: {
        title: "No invoices yet",
        text: "Each order and each renewal that is paid has one.",
        action: html`<${ButtonLink} href="/order" kind="primary" icon="plus">Order mailboxes<//>`,
    },
};

export const nameOf = ({ kind, number }) => `${kind === "credit_note" ? "Credit note" : "Invoice"} ${number}`;

function About({ invoice: { kind, order_id, renewal_id } }) {
    const what = kind === "credit_note" ? "Refund" : renewal_id ? "Renewal" : "Order";
    return order_id ? html`<a href=${`/orders/${order_id}`} aria-label=${`${what} that it is about`}>${what}</a>` : what;
}

const columns = [
    { key: "number", title: "Invoice", head: true, width: "1.6fr", cell: (invoice) => html`<a href=${`/invoices/${invoice.number}`}>${nameOf(invoice)}</a>` },
    { key: "issued", title: "Issued", cell: ({ timestamp_issued }) => html`<${Day} at=${timestamp_issued} />` },
    { key: "about", title: "For", cell: (invoice) => html`<${About} invoice=${invoice} />` },
    { key: "state", title: "State", cell: ({ kind, state }) => (kind === "credit_note" && state === "paid" ? html`<${Pill} tone="good">given back<//>` : html`<${Pill} state=${state} />`) },
    { key: "owed", title: "Owed", align: "end", width: "0.8fr", cell: ({ amount_owed }) => (amount_owed ? html`<${Money} amount=${amount_owed} />` : "—") },
    { key: "total", title: "Total", align: "end", width: "0.8fr", cell: ({ kind, total }) => html`<${Money} amount=${kind === "credit_note" ? -total : total} />` },
];

const makeColumns = () => columns;

export default function Invoices() {
    return html`<${ListPage} spec=${spec} makeColumns=${makeColumns} />`;
}
