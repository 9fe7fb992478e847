// The right-hand side: the price as it stands, the card, the button, and what came of pressing it.
import { html, useEffect, useRef } from "../lib.js";
import { Button, ButtonLink, Failed, Icon, Loading, Notice, Section, count, formatMoney } from "../ui/index.js";
import { NO_CARD } from "./outcome.js";
import { QuoteLines, paidWith } from "./quote_lines.js";

const wait = ({ retryAfter }) => (retryAfter ? ` Wait ${retryAfter} s first.` : "");

function Checkout({ answer }) {
    return html`<${Notice} tone="info" title="One step is left: pay" action=${html`<${ButtonLink} kind="primary" href=${answer.checkout_url}>Pay ${formatMoney(answer.total_price)}<//>`}>
        The names are held for you meanwhile, and the order is placed once it is paid. <a href=${`/orders/${answer.cart_order_id}`}>See the order</a>.
    <//>`;
}

function Unsure({ outcome, busy, onAskAgain, onGiveUp }) {
    return html`<${Notice} tone="warn" title="Not known yet whether it was placed">
        ${outcome.message} It is safe to ask again: the order is placed and paid at most once.
        ${outcome.orderId && html` <a href=${`/orders/${outcome.orderId}`}>See the order</a>.`}
    <//>
    <div class="actions">
        <${Button} kind="primary" icon="redo" busy=${busy} onClick=${onAskAgain}>Ask again<//>
        <${Button} kind="quiet" disabled=${busy} onClick=${onGiveUp}>Change the order instead<//>
    </div>`;
}

const notices = {
    new_price: ({ answer, shown }) => ({
        tone: "warn",
        title: shown === null ? "This is the price" : "The price has changed",
        text: shown === null
            ? `The order costs ${formatMoney(answer.total_price)} now. Nothing was placed yet: press again to place it.`
            : `It was ${formatMoney(shown)} and is ${formatMoney(answer.total_price)} now. Nothing was placed: press again to place it at the new price.`,
    }),
    refused: () => ({ tone: "bad", title: "Nothing was placed or charged", text: "What has to be mended stands beside the fields that it is about." }),
    declined: ({ message }) => ({ tone: "bad", title: "Not paid, so nothing was placed", text: message }),
    not_now: (outcome) => ({ tone: "bad", title: "Not now", text: `${outcome.message}${wait(outcome)}` }),
    stopped: ({ status, message }) => ({
        tone: "bad",
        title: "Nothing was placed or charged",
        text: status === 402 ? `${message}. Ask whoever runs this server to make its plan active, then press again.` : message,
    }),
};

/** What came of the last press. */
function Outcome({ placing }) {
    const { outcome, busy } = placing;
    const box = useRef();
    useEffect(() => {
        if (outcome && !busy && outcome.kind !== "refused") box.current?.focus();
    }, [outcome]);
    if (!outcome) return null;
    if (outcome.kind === "checkout") return html`<div ref=${box} tabindex="-1" role="status"><${Checkout} answer=${outcome.answer} /></div>`;
    if (outcome.kind === "unsure")
        return html`<div ref=${box} tabindex="-1" role="status" class="stack tight"><${Unsure} outcome=${outcome} busy=${busy} onAskAgain=${placing.askAgain} onGiveUp=${placing.giveUp} /></div>`;
    const { tone, title, text } = notices[outcome.kind](outcome);
    return html`<div ref=${box} tabindex="-1"><${Notice} tone=${tone} title=${title}>${text}<//></div>`;
}

function Card({ answer }) {
    const words = paidWith(answer);
    if (!words) return html`<${Notice} tone="warn" title="No card">${NO_CARD}<//>`;
    return html`<p class="paid-with"><${Icon} name="money" /><span>${words}</span></p>`;
}

function Price({ quote, hint }) {
    if (quote.error && !quote.answer)
        return html`<${Failed} error=${quote.error} retry=${quote.retry} title="No price at the moment" />`;
    if (hint) return html`<p class="muted">${hint}</p>`;
    if (!quote.answer) return html`<${Loading} rows=${3} what="Working out the price" />`;
    return html`${quote.error && html`<${Failed} error=${quote.error} retry=${quote.retry} title="This price may be out of date" />`}
        <div class="quote-body" aria-busy=${quote.busy ? "true" : "false"}><${QuoteLines} answer=${quote.answer} isStock=${quote.order.body.order_type === "pre_warmed_up"} /></div>
        <${Card} answer=${quote.answer} />`;
}

const label = (quote, hint) => {
    if (hint || !quote.isCurrent || !quote.answer.order_is_valid) return "Place order";
    return quote.answer.checkout_required ? `Place order and pay ${formatMoney(quote.answer.total_price)}` : `Place order for ${formatMoney(quote.answer.total_price)}`;
};

/** The total that stands on the button, null for none. */
export const shownTotal = (quote, hint) => (!hint && quote.isCurrent && quote.answer.order_is_valid ? quote.answer.total_price : null);

/** hint: what is still needed for a price, or null. n: how many things have to be mended. onPlace, onShow(): to the first of them. */
export function QuotePart({ quote, hint, n, placing, onPlace, onShow }) {
    const isOver = placing.outcome?.kind === "unsure" || placing.outcome?.kind === "checkout";
    const spoken = !hint && quote.isCurrent && quote.answer.order_is_valid ? `Due now ${formatMoney(quote.answer.total_price)}` : "";
    const working = !hint && quote.busy && html`<span class="spin" aria-hidden="true"></span>`;
    return html`<${Section} title="Price" actions=${working}>
        <p class="sr" role="status">${spoken}</p>
        ${placing.outcome?.kind !== "checkout" && html`<${Price} quote=${quote} hint=${hint} />`}
        ${n > 0 && !isOver && html`<p class="mend"><${Icon} name="alert" size=${14} /><span>${count(n, "thing has", "things have")} to be mended before this can be placed.</span>
            <${Button} small kind="quiet" onClick=${onShow}>Show ${n > 1 ? "the first" : "it"}<//></p>`}
        ${!isOver && html`<${Button} kind="primary" busy=${placing.busy} needs="dfy_email_account_orders:create" onClick=${onPlace}>${label(quote, hint)}<//>`}
        <${Outcome} placing=${placing} />
    <//>`;
}
