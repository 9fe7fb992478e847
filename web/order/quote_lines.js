// What an order costs: for each domain, now, and from then on.
import { html } from "../lib.js";
import { Money, cardName, count, formatMoney } from "../ui/index.js";
import { providerName } from "./refusals.js";

const addresses = (item) => item.accounts.map((account) => `${account.email_address_prefix}@${item.domain}`).join(", ");

const parts = (item, isStock) => [
    item.domain_price > 0 && `Domain, first year ${formatMoney(item.domain_price)}`,
    `${count(item.accounts.length, "mailbox", "mailboxes")} at ${providerName(item.email_provider)}${item.accounts_price > 0 ? `, first month ${formatMoney(item.accounts_price)}` : ""}`,
    isStock && addresses(item),
    item.domain_monthly_price > 0 && `Domain, first month ${formatMoney(item.domain_monthly_price)}`,
].filter(Boolean);

const Line = ({ item, isStock }) => html`<li class="quote-line">
    <span class="quote-name">${item.domain}</span><${Money} amount=${item.total_price} />
    <ul class="quote-parts">${parts(item, isStock).map((part) => html`<li key=${part}>${part}</li>`)}</ul>
</li>`;

const later = ({ total_price_per_month: month, total_price_per_year: year }) => [
    month > 0 && `${formatMoney(month)} each month, on the 15th`,
    year > 0 && `${formatMoney(year)} each year`,
].filter(Boolean).join(", and ");

const SHOWN = 20;

/** answer: of an order that was simulated. isStock: its mailboxes are there already, and nobody has seen which. */
export function QuoteLines({ answer, isStock }) {
    const items = answer.order_items;
    if (!items.length) return html`<p class="muted">The price shows here once what is wrong is mended.</p>`;
    return html`<ul class="quote-lines">${items.slice(0, SHOWN).map((item) => html`<${Line} key=${item.domain} item=${item} isStock=${isStock} />`)}</ul>
        ${items.length > SHOWN && html`<p class="muted">and ${count(items.length - SHOWN, "more domain")}</p>`}
        <dl class="quote-totals">
            ${answer.total_discount > 0 && html`<div><dt>Discount, taken off already</dt><dd><${Money} amount=${answer.total_discount} /></dd></div>`}
            <div class="quote-due"><dt>${answer.order_is_valid ? "Due now" : "Due for the rest"}</dt><dd><${Money} amount=${answer.total_price} /></dd></div>
        </dl>
        ${answer.free_domains.length > 0 && html`<p class="muted">First year free: ${answer.free_domains.join(", ")}</p>`}
        ${later(answer) && html`<p class="muted">Then ${later(answer)}, until you cancel.</p>`}`;
}

/** How ANSWER says it is paid, in words; null when there is no way. */
export const paidWith = (answer) => {
    const brand = answer.payment_method_brand;
    if (answer.checkout_required) return "No card yet: after placing it you pay on a page of the payment provider’s.";
    if (brand === "invoice") return `On account: an invoice to ${answer.payment_method_name_on_card}.`;
    if (brand) return `${cardName(brand)} ending in ${answer.payment_method_last_4_digits}, ${answer.payment_method_name_on_card}`;
    return answer.total_price > 0 ? null : "Nothing is due, so no card is needed.";
};
