import { html } from "../lib.js";
import { Money, Pill, Section, Table, Time, cardName } from "../ui/index.js";
import { formatDay } from "../money/days.js";
import { RefundWords } from "./refund.js";

const lines = [
    { key: "what", title: "What", head: true, cell: (line) => html`${line.description} <span class="muted">${line.domain}</span>` },
    { key: "period", title: "For", cell: (line) => `${formatDay(line.period_start)} – ${formatDay(line.period_end)}` },
    { key: "quantity", title: "Quantity", align: "end" },
    { key: "unit", title: "Price", align: "end", cell: (line) => html`<${Money} amount=${line.unit_price} />` },
    { key: "discount", title: "Discount", align: "end", cell: (line) => (line.discount ? html`−<${Money} amount=${line.discount} />` : "—") },
    { key: "amount", title: "Amount", align: "end", cell: (line) => html`<${Money} amount=${line.amount} />` },
];

function Total({ order }) {
    const row = (name, value) => html`<tr role="row"><th scope="row" role="rowheader" colspan="5">${name}</th><td role="cell" class="end">${value}</td></tr>`;
    return html`<tfoot role="rowgroup">
        ${order.total_discount > 0 && row(order.promotion?.name ? `Discount: ${order.promotion.name}` : "Discount", html`−<${Money} amount=${order.total_discount} />`)}
        ${row("Total", html`<${Money} amount=${order.total_price} />`)}
    </tfoot>`;
}

export function paidWith({ payment_method_brand: brand, payment_method_last_4_digits: digits, payment_driver: driver }) {
    if (driver === "invoice") return "on account";
    return brand ? `${cardName(brand)} ending in ${digits ?? "…"}` : "—";
}

const payments = [
    { key: "when", title: "When", head: true, cell: (payment) => html`<${Time} at=${payment.timestamp_created} />` },
    { key: "kind", title: "What", cell: (payment) => (payment.kind === "refund" ? "Given back" : "Charged") },
    { key: "how", title: "By", cell: paidWith },
    { key: "state", title: "State", cell: (payment) => html`<${Pill} state=${payment.state} />${payment.reason && html` <span class="small">${payment.reason}</span>`}` },
    { key: "amount", title: "Amount", align: "end", cell: (payment) => html`<${Money} amount=${payment.amount} />` },
];

const refunds = [
    { key: "for", title: "For", head: true, cell: (refund) => refund.email ?? refund.domain ?? "A part of the order" },
    { key: "why", title: "Why", cell: (refund) => refund.why },
    { key: "next", title: "What becomes of it", wide: true, cell: (refund) => html`It <${RefundWords} refund=${refund} />.` },
    { key: "amount", title: "Amount", align: "end", cell: (refund) => html`<${Money} amount=${refund.amount} />` },
];

const invoices = [
    { key: "number", title: "Number", head: true, cell: (invoice) => html`<a href=${`/invoices/${invoice.number}`}>${invoice.kind === "credit_note" ? "Credit note" : "Invoice"} ${invoice.number}</a>` },
    { key: "issued", title: "Issued", cell: (invoice) => html`<${Time} at=${invoice.timestamp_issued} style="day" />` },
    { key: "state", title: "State", cell: (invoice) => html`<${Pill} state=${invoice.state} />` },
    { key: "total", title: "Total", align: "end", cell: (invoice) => html`<${Money} amount=${invoice.total} />` },
];

const Part = ({ title, rows, columns, rowKey, foot }) =>
    rows.length > 0 && html`<div class="stack tight parts"><h3>${title}</h3><${Table} caption=${title} columns=${columns} rows=${rows} rowKey=${rowKey} foot=${foot} /></div>`;

/** What an order costs, what was paid, what goes back, and the documents about it. */
export function OrderMoney({ order }) {
    const foot = html`<${Total} order=${order} />`;
    const isEmpty = !order.items.length && !order.payments.length && !order.refunds.length && !order.invoices.length;
    return html`<${Section} title="Money">
        ${isEmpty && html`<p class="muted">Nothing was charged.</p>`}
        <${Part} title="Items" columns=${lines} rows=${order.items} rowKey=${(line) => `${line.kind} ${line.domain} ${line.period_start}`} foot=${foot} />
        <${Part} title="Payments" columns=${payments} rows=${order.payments} />
        <${Part} title="Refunds" columns=${refunds} rows=${order.refunds} />
        <${Part} title="Invoices" columns=${invoices} rows=${order.invoices} rowKey=${(invoice) => invoice.number} />
    <//>`;
}
