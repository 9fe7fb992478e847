// The parts of the page about money.
import { useToday } from "../clock.js";
import { html, useMemo, useState } from "../lib.js";
import { Button, Empty, Failed, Money, Notice, Pill, Section, Table, Time, cardName, count, formatMoney, formatNumber } from "../ui/index.js";
import { Plot } from "../ui/plot.js";
import { Day, formatDay, formatMonth, formatShortMonth } from "./days.js";
import { dueWithin, sumByMonth, sumMoney } from "./months.js";
import { isOpen, linesOf, reasonSentence, trouble } from "./next.js";

const FIRST_DAYS = 6;
const MONTH_DAYS = 30;

/** On an axis there is room for whole dollars. */
const formatDollars = (amount) => `$${formatNumber(amount)}`;

/** What failed, why, and what happens next. */
export function Troubles({ renewals, card }) {
    return renewals.map((renewal) => {
        const { tone, title, what, next } = trouble(renewal, formatMoney);
        const help = card ? `The card of this workspace is now ${cardName(card.brand)} ending in ${card.last_4_digits}. If the bank still refuses it, ask the operator to set another one.`
            : "There is no card now: ask the operator to set one.";
        return html`<${Notice} key=${renewal.id} tone=${tone} title=${title}>${what} ${next} ${help}<//>`;
    });
}

/** What is owed on account. */
export function Owed({ invoices, more }) {
    if (!invoices.length) return null;
    const title = `${more ? "More than " : ""}${formatMoney(sumMoney(invoices.map((invoice) => invoice.amount_owed)))} is owed on account`;
    return html`<${Notice} tone="info" title=${title}><a href="/invoices?state=owed">${more ? "More than " : ""}${count(invoices.length, "invoice")} ${invoices.length === 1 ? "waits" : "wait"} for a payment</a><//>`;
}

export function Figures({ upcoming, card }) {
    const next = upcoming[0];
    const today = useToday();
    return html`<div class="figures">
        <div><span class="figure-name">Next charge</span><span class="figure">${next ? formatMoney(next.amount) : "—"}</span>
            <span class="figure-note">${next ? html`on <${Day} at=${next.day} />` : "nothing renews"}</span></div>
        <div><span class="figure-name">Next ${MONTH_DAYS} days</span><span class="figure">${formatMoney(dueWithin(upcoming, today, MONTH_DAYS))}</span>
            <span class="figure-note">if nothing changes</span></div>
        <div><span class="figure-name">Next 12 months</span><span class="figure">${formatMoney(sumMoney(upcoming.map((day) => day.amount)))}</span>
            <span class="figure-note">if nothing changes</span></div>
        <div><span class="figure-name">Card</span><span class="figure">${card ? `•••• ${card.last_4_digits}` : "none"}</span>
            <span class="figure-note">${card ? `${cardName(card.brand)}, ${card.name_on_card}` : "the operator sets one"}</span></div>
    </div>`;
}

/** Due by month, as a plot and as the same numbers. */
export function Months({ upcoming }) {
    const today = useToday();
    const { months, x, series } = useMemo(() => {
        const rows = sumByMonth(upcoming, Date.parse(today));
        return { months: rows, x: rows.map((row) => row.ms), series: [{ name: "Due", values: rows.map((row) => row.amount) }] };
    }, [upcoming, today]);
    return html`<${Section} title="Due by month" lede="What the next 12 months cost if everything stays as it is. Days are days in UTC.">
        <${Plot} label="Due by month" bars x=${x} series=${series} formatX=${formatShortMonth} formatY=${formatMoney} formatTick=${formatDollars} hasTable=${false} />
        <table class="months">
            <caption class="sr">Due by month</caption>
            <thead><tr><th scope="col">Month</th><th scope="col">Domains</th><th scope="col">Mailboxes</th><th scope="col">Due</th></tr></thead>
            <tbody>${months.map((row) => html`<tr key=${row.ms}><th scope="row">${formatMonth(row.ms)}</th><td>${row.domains || "—"}</td>
                <td>${row.mailboxes || "—"}</td><td><${Money} amount=${row.amount} /></td></tr>`)}</tbody>
            <tfoot><tr><th scope="row" colspan="3">All</th><td><${Money} amount=${sumMoney(months.map((row) => row.amount))} /></td></tr></tfoot>
        </table>
    <//>`;
}

export function Upcoming({ upcoming }) {
    const [isAll, setAll] = useState(false);
    const columns = [
        { key: "day", title: "Day", head: true, cell: (row) => formatDay(row.day) },
        { key: "what", title: "For", wide: true, cell: (row) => linesOf(row).join(", ") },
        { key: "amount", title: "Amount", align: "end", cell: (row) => html`<${Money} amount=${row.amount} />` },
    ];
    const more = upcoming.length > FIRST_DAYS;
    return html`<${Section} title="Next charges" lede="All that renews on one day is one charge and one invoice."
        actions=${more && html`<${Button} small onClick=${() => setAll(!isAll)}>${isAll ? `Only the next ${FIRST_DAYS}` : `All ${upcoming.length} days`}<//>`}>
        ${upcoming.length ? html`<${Table} caption="Next charges" columns=${columns} rows=${isAll ? upcoming : upcoming.slice(0, FIRST_DAYS)} rowKey=${(row) => row.day} />`
            : html`<${Empty} title="Nothing renews">What you order is renewed until you cancel it, and then stands here.<//>`}
    <//>`;
}

function Older({ list, what }) {
    if (list.error) return html`<${Failed} error=${list.error} retry=${list.retry} title=${`Older ${what} could not be loaded`} />`;
    return list.hasMore && html`<div class="list-end"><${Button} small busy=${list.loading} onClick=${list.more}>Older ${what}<//></div>`;
}

const kinds = { domain_year: ["domain", "domains", "year"], domain_month: ["domain", "domains", "month"], mailbox_month: ["mailbox", "mailboxes", "month"] };

function line({ kind, quantity }) {
    const [one, many, period] = kinds[kind] ?? ["thing", "things", "period"];
    return `${count(quantity, one, many)} for a ${period}`;
}

function RenewalLines({ renewal }) {
    if (!renewal.items.length) return "nothing is wanted any more";
    const many = `${count(new Set(renewal.items.map(({ domain }) => domain)).size, "domain")}, ${count(renewal.items.length, "line")}`;
    return html`<details><summary>${many}<span class="sr"> of ${formatDay(renewal.day)}</span></summary>
        <ul class="bill">${renewal.items.map((item, i) => html`<li key=${i}><span>${item.domain}: ${line(item)}</span><${Money} amount=${item.amount} /></li>`)}</ul></details>`;
}

/** When something happens next, or happened last. */
const renewalWhen = (renewal) => (isOpen(renewal)
    ? html`${renewal.next === "cancel" ? "cancelled on" : renewal.state === "charging" ? "asked again" : "next try"} <${Time} at=${renewal.timestamp_next} />`
    : html`<${Time} at=${renewal.timestamp_ended} />`);

const renewalColumns = [
    { key: "day", title: "Day", head: true, cell: ({ day }) => formatDay(day) },
    { key: "state", title: "State", cell: ({ state, reason, failures }) => html`<div class="state"><${Pill} state=${state} />${failures > 0 && reason && html`<p class="muted small">${reasonSentence(reason)}</p>`}</div>` },
    { key: "for", title: "For", wide: true, cell: (renewal) => html`<${RenewalLines} renewal=${renewal} />` },
    { key: "when", title: "When", cell: renewalWhen },
    { key: "amount", title: "Amount", align: "end", cell: ({ amount }) => html`<${Money} amount=${amount} />` },
];

export function Renewals({ list }) {
    return html`<${Section} title="Renewals so far">
        ${list.count ? html`<${Table} caption="Renewals so far" columns=${renewalColumns} rows=${list.chunks.flat()} busy=${list.loading} />`
            : html`<${Empty} title="None yet">Each day on which something renewed will stand here, with its lines.<//>`}
        <${Older} list=${list} what="renewals" />
    <//>`;
}

/** What came of a payment; of one that failed also what follows. */
function Outcome({ payment, renewals }) {
    const { kind, state, payment_failure_reason, reason, renewal_id, order_id } = payment;
    if (state !== "failed") return html`<${Pill} tone="good">${kind === "refund" ? "given back" : "paid"}<//>`;
    const renewal = renewals.find(({ id }) => id === renewal_id);
    const next = renewal ? (isOpen(renewal) ? "It is tried again: see above." : renewal.state === "paid" ? "Paid later." : "Not tried any more.")
        : order_id && kind === "charge" ? "Nothing was ordered or charged." : "";
    return html`<div class="state"><${Pill} state="failed" /><p class="muted small">${reasonSentence(payment_failure_reason ?? reason)}. ${next}</p></div>`;
}

const paymentColumns = (renewals) => [
    { key: "when", title: "When", head: true, cell: ({ timestamp_created }) => html`<${Time} at=${timestamp_created} />` },
    {
        key: "for", title: "For",
        cell: ({ kind, order_id }) => html`${kind === "refund" ? "Refund" : order_id ? "" : "Renewal"}${order_id && html`${kind === "refund" ? " of an " : ""}<a href=${`/orders/${order_id}`}>${kind === "refund" ? "order" : "Order"}</a>`}`,
    },
    { key: "what", title: "Outcome", cell: (payment) => html`<${Outcome} payment=${payment} renewals=${renewals} />` },
    { key: "card", title: "Card", cell: ({ payment_method_brand: brand, payment_method_last_4_digits: digits, driver }) => (digits ? `${cardName(brand)} •••• ${digits}` : driver === "invoice" ? "on account" : "—") },
    { key: "amount", title: "Amount", align: "end", cell: ({ kind, amount }) => html`<${Money} amount=${kind === "refund" ? -amount : amount} />` },
];

export function Payments({ list, renewals }) {
    const columns = useMemo(() => paymentColumns(renewals), [renewals]);
    return html`<${Section} title="Payments" actions=${html`<a href="/invoices">Invoices</a>`}>
        ${list.count ? html`<${Table} caption="Payments" columns=${columns} rows=${list.chunks.flat()} busy=${list.loading} />`
            : html`<${Empty} title="Nothing was charged yet">Each charge and each refund will stand here.<//>`}
        <${Older} list=${list} what="payments" />
    <//>`;
}
