// What happens, while it happens: the server's events, and what a page does without them.
import { useEffect, useRef, useState } from "./lib.js";
import { OWN, api, withQuery } from "./api.js";
import { can } from "./session.js";

const TYPES = [
    "dfy_order_placed", "dfy_domain_ready", "dfy_domain_failed", "dfy_domain_swapped", "dfy_domain_drifted", "dfy_domain_restored",
    "dfy_account_ready", "dfy_account_failed", "dfy_account_cancelled", "dfy_renewal_succeeded", "dfy_renewal_failed",
];
const AGAIN_MS = 1000;
const AGAIN_MAX_MS = 30_000;
const POLL_MS = 10_000;
const SETTLE_MS = 1000; // by then the server follows
// A browser opens few connections to a server, for all its tabs together: one that nobody looks at gives its own back.
const HIDDEN_MS = 20_000;

/**
 * Follows the workspace's events, and the progress of one order unless `order` is empty, until what it returns is called.
 * `tell` has `online(is)`, `progress()` (the order may be in another state) and `event(type, data)`; type "missed": look
 * at everything again. While there is no stream, progress is told every POLL_MS.
 */
export function follow(order, tell) {
    let source = null;
    let failures = 0;
    let wasOpen = false;
    let again = null;
    let leaving = null;

    const missed = () => {
        if (order) tell.progress();
        tell.event("missed", {});
    };

    const close = () => {
        source?.close();
        source = null;
        clearTimeout(again);
        tell.online(false);
    };

    // The browser does not say why: who is signed out is led to sign in by this question.
    const refused = async () => {
        close();
        failures += 1;
        again = setTimeout(open, Math.min(AGAIN_MS * 2 ** (failures - 1), AGAIN_MAX_MS) * (0.75 + Math.random() / 2));
        await api.get(`${OWN}/session`).catch(() => {});
    };

    function open() {
        close();
        const opening = new EventSource(withQuery(`${OWN}/events`, { order }));
        // The browser remembers from where a source goes on, but not another one. An order's progress begins with a look anyhow; what
        // happens in a workspace after a page was fetched, and before the server follows, nothing else tells.
        let goesOn = !wasOpen && Boolean(order);
        source = opening;
        opening.onopen = () => {
            failures = 0;
            tell.online(true);
            if (!goesOn) setTimeout(() => source === opening && tell.event("missed", {}), SETTLE_MS);
            goesOn = wasOpen = true;
        };
        opening.onerror = () => (opening.readyState === EventSource.CLOSED ? refused() : tell.online(false));
        opening.addEventListener("progress", () => tell.progress());
        opening.addEventListener("missed", missed);
        for (const type of TYPES) opening.addEventListener(type, ({ data }) => tell.event(type, JSON.parse(data)));
    }

    const look = () => {
        clearTimeout(leaving);
        if (document.hidden) leaving = setTimeout(close, HIDDEN_MS);
        else if (!source) open();
    };

    const poll = setInterval(() => {
        if (!document.hidden && source?.readyState !== EventSource.OPEN) missed();
    }, POLL_MS);
    document.addEventListener("visibilitychange", look);
    look();
    return () => {
        document.removeEventListener("visibilitychange", look);
        clearTimeout(leaving);
        clearInterval(poll);
        close();
    };
}

/**
 * The same for as long as the page is there: whether events arrive now. `onProgress()` for the order, once at the beginning,
 * too; `onEvent(type, data)` for the workspace; both may be left out. Without the right to read orders nothing is followed.
 */
export function useLive(order, onProgress = () => {}, onEvent = () => {}) {
    const [isOnline, setOnline] = useState(false);
    const latest = useRef({});
    latest.current = { onProgress, onEvent };
    useEffect(() => {
        if (!can("dfy_email_account_orders:read")) return undefined;
        let isHere = true;
        const end = follow(order, {
            online: (is) => isHere && setOnline(is),
            progress: () => isHere && latest.current.onProgress(),
            event: (type, data) => isHere && latest.current.onEvent(type, data),
        });
        return () => {
            isHere = false;
            end();
        };
    }, [order]);
    return isOnline;
}
