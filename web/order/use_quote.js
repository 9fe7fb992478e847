// The price while somebody fills in: asked a moment after the last key, and only the last answer counts.
import { useEffect, useRef, useState } from "../lib.js";
import { V2, api } from "../api.js";

export const ORDERS = `${V2}/dfy-email-account-orders`;
const PAUSE_MS = 300;
const RETRY_SECONDS = 3;

/** What ORDER would cost and what is wrong with it, as the server says now. */
export const simulate = (order, signal) => api.post(ORDERS, { ...order.body, simulation: true }, { signal });

const isPassing = (error) => error.status === 0 || error.status === 429 || error.status === 503;

/**
 * {answer, order, error, busy, isCurrent, retry, accept} for ORDER (of makeOrder), null when there is nothing to ask yet.
 * `order` is the one that `answer` is about. accept(answer, order) takes an answer that came another way.
 */
export function useQuote(order) {
    const text = order && JSON.stringify(order.body);
    const [state, setState] = useState({ answer: null, order: null, error: null, text: null });
    const [turn, setTurn] = useState(0);
    const latest = useRef(order);
    latest.current = order;
    useEffect(() => {
        if (!text) {
            setState({ answer: null, order: null, error: null, text: null });
            return undefined;
        }
        const abort = new AbortController();
        let timer = 0;
        const ask = async () => {
            const asked = latest.current;
            try {
                const answer = await simulate(asked, abort.signal);
                if (!abort.signal.aborted) setState({ answer, order: asked, error: null, text });
            } catch (error) {
                if (abort.signal.aborted) return;
                setState((now) => ({ ...now, error, text }));
                if (isPassing(error)) timer = setTimeout(ask, (error.retryAfter ?? RETRY_SECONDS) * 1000);
            }
        };
        timer = setTimeout(ask, PAUSE_MS);
        return () => {
            clearTimeout(timer);
            abort.abort();
        };
    }, [text, turn]);
    return {
        ...state,
        busy: Boolean(text) && state.text !== text,
        isCurrent: Boolean(text) && state.text === text && !state.error,
        retry: () => setTurn((now) => now + 1),
        accept: (answer, accepted) => setState({ answer, order: accepted, error: null, text: JSON.stringify(accepted.body) }),
    };
}
