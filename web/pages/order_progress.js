import { html } from "../lib.js";
import { OWN } from "../api.js";
import { ButtonLink, Empty, Facts, Loaded, Money, Notice, Page, Pill, Progress, Section, Time, count } from "../ui/index.js";
import { DomainPart } from "../progress/domain_part.js";
import { OrderMoney, paidWith } from "../progress/order_money.js";
import { In } from "../progress/in.js";
import { useFresh } from "../progress/use_fresh.js";
import { countsOf, isMoving } from "../progress/work.js";

const TYPES = { dfy: "New domains", pre_warmed_up: "Pre-warmed domains", extra_accounts: "More mailboxes" };
const READY = ["ready", "partial"];

const orderIsMoving = (order) => order.state === "reserved" || order.domains.some((domain) => isMoving(domain.steps)) || order.refunds.some((refund) => !refund.timestamp_ended);

function Payment({ order }) {
    if (order.state === "payment_failed")
        return html`<${Notice} tone="bad" title="The payment failed" action=${html`<${ButtonLink} small href="/order">Order again<//>`}>${order.reason ?? "The payment was refused"}. Nothing was ordered, and the names are free again.<//>`;
    if (order.state !== "reserved") return null;
    if (order.checkout_url)
        return html`<${Notice} tone="warn" title="Waiting for your payment" action=${html`<${ButtonLink} small kind="primary" href=${order.checkout_url}>Pay now<//>`}>
            The names are held for you. Without a payment they are free again <${In} at=${order.timestamp_checkout_ends} />.<//>`;
    return html`<${Notice} tone="warn" title="The payment is not known yet">${order.reason ?? "The bank is being asked"}. The names are held meanwhile; this page says how it ends.<//>`;
}

/** What it comes to: not the names that others were taken for. */
const meant = (order) => order.domains.filter((domain) => !domain.swapped_for);

function overall(domains) {
    const sums = domains.map((domain) => countsOf(domain.steps));
    const sum = (name) => sums.reduce((all, one) => all + one[name], 0);
    return { done: sum("done"), retrying: sum("retrying"), failed: sum("failed"), total: sum("total") };
}

function Overall({ order }) {
    const domains = meant(order);
    const having = (states) => domains.filter((domain) => states.includes(domain.state)).length;
    const partial = having(["partial"]);
    const failed = having(["failed"]);
    const words = [`${having(READY)} of ${count(domains.length, "domain")} ready`, partial && `${partial} with something missing`, failed && `${failed} failed`].filter(Boolean).join(", ");
    const counts = overall(domains);
    return html`<${Section} title="Progress">
        ${counts.total > 0 && html`<${Progress} ...${counts} label="Progress of the order" text=${words} />`}
        <p class="row between"><strong>${words}</strong>${isMoving(domains.flatMap((domain) => domain.steps)) && html`<span class="muted small">This page follows by itself.</span>`}</p>
        <${Facts} items=${[
            ["State", html`<${Pill} state=${order.state} />`],
            ["What", TYPES[order.order_type] ?? order.order_type],
            ["Ordered", html`<${Time} at=${order.timestamp_created} />`],
            ["Total", order.state === "payment_failed" ? undefined : html`<${Money} amount=${order.total_price} />`],
            ["Paid by", paidWith(order)],
        ]} />
    <//>`;
}

/** The progress of order ID, in any page: how it is paid, each domain, its money. */
export function OrderProgress({ load }) {
    return html`<${Loaded} load=${load} rows=${8}>${(order) => html`
        <${Payment} order=${order} />
        <${Overall} order=${order} />
        ${order.domains.map((domain) => html`<${DomainPart} key=${domain.domain} domain=${domain} order=${order} onChange=${load.reload} />`)}
        <${OrderMoney} order=${order} />`}<//>`;
}

/** {data, error, reload, …} of order ID, which follows it. */
export const useOrder = (id) => useFresh(`${OWN}/orders/${encodeURIComponent(id)}`, () => id, orderIsMoving);

function titleFor(order) {
    const [first, ...others] = order ? meant(order) : [];
    if (!first) return "Order";
    return others.length ? `Order of ${first.domain} and ${others.length} more` : `Order of ${first.domain}`;
}

export default function OrderPage({ params }) {
    const load = useOrder(params.id);
    const isMissing = load.error?.status === 404;
    return html`<${Page} title=${titleFor(load.data)} back=${{ href: "/orders", text: "Orders" }}>
        ${isMissing
            ? html`<${Empty} title="There is no such order" action=${html`<${ButtonLink} href="/orders">All orders<//>`}>It may belong to another workspace, or its address was mistyped.<//>`
            : html`<${OrderProgress} load=${load} />`}
    <//>`;
}
