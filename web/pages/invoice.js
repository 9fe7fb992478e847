// One invoice or credit note as it was issued; paper gets the document alone.
import { html } from "../lib.js";
import { OWN, api } from "../api.js";
import { formatDay } from "../money/days.js";
import { Button, ButtonLink, Facts, Loaded, Money, Page, Pill, cardName, formatMoney, useLoad } from "../ui/index.js";

function Seller({ text }) {
    const [name, ...rest] = text.split(",").map((part) => part.trim()).filter(Boolean);
    return name ? html`<address class="seller"><b>${name}</b>${rest.map((line) => html`<span key=${line}>${line}</span>`)}</address>` : null;
}

function Lines({ document }) {
    const { items, subject, reason } = document;
    const rows = items?.length ? items : [{ description: subject || reason || "Domains and mailboxes", note: subject ? reason : "", amount: document.total }];
    const isSplit = Boolean(items?.length);
    const discount = document.total_discount > 0;
    const width = isSplit ? (discount ? 4 : 3) : 1;
    return html`<table class="lines">
        <caption class="sr">What it charges for</caption>
        <thead><tr><th scope="col">Item</th>${isSplit && html`<th scope="col">Quantity</th><th scope="col">Price</th>${discount && html`<th scope="col">Discount</th>`}`}<th scope="col">Amount</th></tr></thead>
        <tbody>${rows.map((line, i) => html`<tr key=${i}>
            <th scope="row">${line.domain ?? line.description}<span class="below">${line.domain ? `${line.description}, ${formatDay(line.period_start)} to ${formatDay(line.period_end)}` : line.note}</span></th>
            ${isSplit && html`<td data-label="Quantity">${line.quantity}</td><td data-label="Price"><${Money} amount=${line.unit_price} /></td>
                ${discount && html`<td data-label="Discount">${line.discount ? html`<${Money} amount=${-line.discount} />` : "—"}</td>`}`}
            <td data-label="Amount"><${Money} amount=${line.amount} /></td>
        </tr>`)}</tbody>
        <tfoot>
            ${discount && html`<tr><th scope="row" colspan=${width}>Sum</th><td><${Money} amount=${document.list_price} /></td></tr>
                <tr><th scope="row" colspan=${width}>Discount</th><td><${Money} amount=${-document.total_discount} /></td></tr>`}
            <tr class="total"><th scope="row" colspan=${width}>Total (USD)</th><td><${Money} amount=${document.total} /></td></tr>
        </tfoot>
    </table>`;
}

/** How it was paid, or is to be. */
function paymentText({ kind, state, total, amount_owed, timestamp_paid, document: { payment } }) {
    if (state === "owed") return `On account. To be paid: ${formatMoney(amount_owed)}.`;
    if (state === "credited") return "On account. All of it was given back: nothing is to be paid.";
    if (total === 0) return "Nothing is to be paid.";
    const card = kind === "invoice" && payment.method === "card" && payment.brand
        ? ` by ${cardName(payment.brand)}${payment.last_4_digits ? ` ending in ${payment.last_4_digits}` : ""}` : "";
    return `${kind === "credit_note" ? "Given back" : "Paid"} on ${formatDay(timestamp_paid)}${card}.`;
}

function Sheet({ invoice }) {
    const { document, kind } = invoice;
    const facts = [
        ["Customer", html`${document.customer.name}<span class="below mono">${document.customer.workspace_id}</span>`],
        ["Date", formatDay(document.timestamp_issued)],
        ["Order", document.order_id ? html`<a class="mono small" href=${`/orders/${document.order_id}`}>${document.order_id}</a>` : undefined],
        ["Renewal", document.renewal_id ? html`<span class="mono small">${document.renewal_id}</span>` : undefined],
        ["Credits", document.credits_invoice ? html`<a href=${`/invoices/${document.credits_invoice}`}>Invoice ${document.credits_invoice}</a>` : undefined],
    ];
    return html`<article class="sheet panel" aria-label=${kind === "credit_note" ? "Credit note" : "Invoice"}>
        <${Seller} text=${document.seller} />
        <${Facts} items=${facts} />
        <${Lines} document=${document} />
        <p class="row"><span class="no-print">${kind === "credit_note" && invoice.state === "paid" ? html`<${Pill} tone="good">given back<//>` : html`<${Pill} state=${invoice.state} />`}</span>${paymentText(invoice)}</p>
    </article>`;
}

export default function Invoice({ params }) {
    const path = `${OWN}/invoices/${encodeURIComponent(params.number)}`;
    const load = useLoad((signal) => api.get(path, { signal }), [path]);
    const name = load.data?.kind === "credit_note" ? "Credit note" : "Invoice";
    const actions = load.data && html`<${ButtonLink} icon="page" href=${`${path}/page`} target="_blank">Plain page<//>
        <${Button} kind="primary" icon="print" onClick=${() => window.print()}>Print<//>`;
    return html`<${Page} title=${`${name} ${params.number}`} back=${{ href: "/invoices", text: "Invoices" }} actions=${actions}>
        <${Loaded} load=${load} rows=${8}>${(invoice) => html`<${Sheet} invoice=${invoice} />`}<//>
    <//>`;
}
