// Places an order once, however often it is pressed and whatever answer is lost.
import { useEffect, useRef, useState } from "../lib.js";
import { OWN, api } from "../api.js";
import { readAnswer, readFailure } from "./outcome.js";
import { ORDERS, simulate } from "./use_quote.js";

const ANSWER_MS = 60000;
const STILL_RUNNING_MAX = 10;

/** 32 hexadecimal digits; crypto.randomUUID is not there without https. */
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

const post = async (attempt) => {
    const options = { headers: { "idempotency-key": attempt.key }, signal: AbortSignal.timeout(ANSWER_MS) };
    try {
        return readAnswer(await api.post(ORDERS, { ...attempt.body, simulation: false }, options));
    } catch (error) {
        return readFailure(error);
    }
};

/** While the first request with this key runs, its answer is waited for. */
const ask = async (attempt) => {
    let outcome = await post(attempt);
    for (let i = 0; outcome.kind === "running" && i < STILL_RUNNING_MAX; i++) {
        await pause(outcome.retryAfter ?? 1);
        outcome = await post(attempt);
    }
    if (outcome.kind === "running") outcome = { ...outcome, kind: "unsure", message: "The order is still being worked on." };
    return { ...outcome, orderId: outcome.orderId ?? attempt.orderId ?? null };
};

/** The id of the order of `body` that was just placed; null when it cannot be seen. */
const findOrder = async ({ order_type: type, items }) => {
    try {
        const { orders } = await api.get(`${OWN}/domains/${encodeURIComponent(items[0].domain)}`);
        return orders.find((order) => order.order_type === type)?.id ?? null;
    } catch {
        return null;
    }
};

/** What a page begins with that was loaded anew after ATTEMPT was sent. */
const left = (attempt) => (attempt && attempt.kind !== "not_now"
    ? { kind: "unsure", message: "This order was sent, and its answer did not come back.", retryAfter: null, orderId: attempt.orderId ?? null }
    : null);

/**
 * {busy, outcome, place, askAgain, giveUp, forget}. drafts: of draftsOf. place(order, shown) looks at the price first: SHOWN
 * is the total that stood on the button, null for none. onPlaced gets {id, total, shown}; onPriced an answer and its
 * order; onAway the outcome when the page has been left meanwhile.
 */
export function usePlacing({ drafts, onPlaced, onPriced, onAway }) {
    const kept = useRef(drafts.loadAttempt());
    const [state, setState] = useState({ busy: false, outcome: left(kept.current) });
    const running = useRef(false);
    const gone = useRef(false);
    useEffect(() => () => (gone.current = true), []);
    const keep = (attempt) => {
        kept.current = attempt;
        drafts.saveAttempt(attempt);
    };

    const end = async (outcome, attempt, order) => {
        if (outcome.kind === "placed" || outcome.kind === "checkout") drafts.clear();
        else keep(outcome.kind === "unsure" || outcome.kind === "not_now" ? { ...attempt, kind: outcome.kind, orderId: outcome.orderId } : null);
        if (gone.current) return onAway(outcome);
        if (outcome.kind === "placed")
            return onPlaced({ id: await findOrder(attempt.body), total: outcome.answer.total_price, shown: attempt.total });
        if (outcome.answer && order) onPriced(outcome.answer, order);
        return setState({ busy: false, outcome });
    };

    const send = async (attempt, order) => {
        keep({ ...attempt, kind: "unsure" }); // before it is sent: a reload must not lose the key
        await end(await ask(attempt), attempt, order);
    };

    /** What keeps the order from being sent as it is: an outcome, or null. */
    const lookAtPrice = async (order, shown) => {
        const answer = await simulate(order, AbortSignal.timeout(ANSWER_MS));
        onPriced(answer, order);
        if (!answer.order_is_valid) return { kind: "refused", answer };
        return shown === answer.total_price ? null : { kind: "new_price", answer, shown };
    };

    const once = async (work) => {
        if (running.current) return;
        running.current = true;
        setState((now) => ({ ...now, busy: true }));
        try {
            await work();
        } catch (error) {
            const failed = readFailure(error); // only the price was asked for, so nothing was done
            setState({ busy: false, outcome: { ...failed, kind: failed.kind === "unsure" ? "not_now" : failed.kind, message: failed.kind === "unsure" ? "The server did not answer. Nothing was placed or charged." : failed.message } });
        } finally {
            running.current = false;
        }
    };

    const place = (order, shown) => once(async () => {
        const last = kept.current;
        const isSame = Boolean(last) && JSON.stringify(last.body) === JSON.stringify(order.body);
        const hindrance = await lookAtPrice(order, shown);
        // What was sent before may itself hold the names: the server knows by the key.
        if (hindrance && !(isSame && hindrance.kind === "refused")) return setState({ busy: false, outcome: hindrance });
        return send({ key: isSame ? last.key : newKey(), body: order.body, total: shown }, order);
    });

    const giveUp = () => {
        keep(null);
        setState({ busy: false, outcome: null });
    };
    return {
        ...state,
        place,
        askAgain: () => once(() => send(kept.current, null)),
        giveUp,
        /** The order was changed: what was said about the one before no longer counts. */
        forget: () => setState((now) => (now.outcome && !now.busy && !["unsure", "checkout"].includes(now.outcome.kind) ? { ...now, outcome: null } : now)),
    };
}
