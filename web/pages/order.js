import { html, useEffect, useMemo, useRef, useState } from "../lib.js";
import { makeOrder, missing, overfull } from "../order/basket.js";
import { DomainsPart, TypePart } from "../order/domains_part.js";
import { draftsOf } from "../order/draft.js";
import { ownPick } from "../order/known_names.js";
import { PeoplePart } from "../order/people_part.js";
import { QuotePart, shownTotal } from "../order/quote_part.js";
import { readRefusals } from "../order/refusals.js";
import { useDraft } from "../order/use_draft.js";
import { usePlacing } from "../order/use_placing.js";
import { useQuote } from "../order/use_quote.js";
import { navigate, useLocation } from "../router.js";
import { useSession } from "../session.js";
import { Page, formatMoney, toast } from "../ui/index.js";

const TYPES = ["dfy", "pre_warmed_up", "extra_accounts"];

/** Why there is no price yet, or null. */
const withoutPrice = (draft, order) => {
    if (!order.body.items.length) return "Choose a domain, and the price shows here.";
    if (draft.type !== "pre_warmed_up" && order.who.every((people) => !people.length)) return "Write down who gets a mailbox, and the price shows here.";
    return overfull(order).length ? "The price shows here once what is wrong is mended." : null;
};

const onPlaced = ({ id, total, shown }) => {
    if (shown === total) toast("Order placed");
    else toast(`Order placed. The price changed meanwhile: ${formatMoney(total)} was charged.`, { tone: "bad" });
    navigate(id ? `/orders/${id}` : "/orders", { replace: true });
};

const onAway = ({ kind }) => {
    if (kind === "placed") toast("Your order was placed");
    else toast("Your order was not placed: see “Order mailboxes”", { tone: "bad" });
};

/** Focus to what is wrong first on the page. */
const showFirst = (box) => requestAnimationFrame(() => box?.querySelector('[aria-invalid="true"], [data-error]')?.focus());

/** ?type=extra_accounts&domain=acme.com of a link to here. */
function useAsked(draft, change, picks) {
    const { query } = useLocation();
    useEffect(() => {
        if (TYPES.includes(query.type) && query.type !== draft.type) change({ type: query.type });
        if (query.type === "extra_accounts" && query.domain) ownPick(query.domain).then((pick) => picks.add([pick]));
    }, []);
}

function Wizard({ drafts }) {
    const { draft, change, picks, people } = useDraft(drafts);
    const [open, setOpen] = useState(null); // the row that somebody is just filling in
    const [isTried, setTried] = useState(false);
    const box = useRef();
    useAsked(draft, change, picks);

    const order = makeOrder(draft, new Set([open]));
    const hint = withoutPrice(draft, order);
    const quote = useQuote(hint ? null : order);
    const placing = usePlacing({ drafts, onPlaced, onAway, onPriced: quote.accept });
    useEffect(placing.forget, [JSON.stringify(order.body)]);

    const gaps = missing(draft);
    const refused = quote.answer ? readRefusals(quote.answer, quote.order) : [];
    const refusals = [...(isTried ? gaps : []), ...overfull(order), ...refused.filter(({ field }) => !gaps.some((gap) => gap.field === field))];
    const place = async () => {
        setTried(true);
        const whole = makeOrder(draft);
        if (!missing(draft).length && !overfull(whole).length) await placing.place(whole, shownTotal(quote, hint));
        showFirst(box.current);
    };
    const isLocked = placing.outcome?.kind === "unsure" || placing.outcome?.kind === "checkout";
    return html`<div class="order" ref=${box}>
        <fieldset class="order-parts" disabled=${isLocked}><legend class="sr">Your order</legend>
            <${TypePart} type=${draft.type} onChange=${change} />
            <${DomainsPart} draft=${draft} picks=${picks} refusals=${refusals} onChange=${change} />
            ${draft.type !== "pre_warmed_up" && html`<${PeoplePart} draft=${draft} people=${people} picks=${draft.picks[draft.type]} refusals=${refusals} onChange=${change} onFocus=${setOpen} />`}
        </fieldset>
        <div class="order-price"><${QuotePart} quote=${quote} hint=${hint} n=${refusals.length} placing=${placing} onPlace=${place} onShow=${() => showFirst(box.current)} /></div>
    </div>`;
}

export default function Order() {
    const session = useSession();
    const drafts = useMemo(() => draftsOf(sessionStorage, session.workspace.id), [session.workspace.id]);
    return html`<${Page} title="Order mailboxes" lede="Nothing is bought before you press “Place order”. What you fill in is kept in this tab.">
        <${Wizard} drafts=${drafts} />
    <//>`;
}
