// Addresses and history. A link is a plain <a href>: clicks on those that lead to a page are taken over here.
import { createStore } from "./lib.js";
import { withQuery } from "./api.js";
import { match } from "./routes.js";
import { useStore } from "./ui/store.js";

const here = () => ({
    path: location.pathname,
    query: Object.fromEntries(new URLSearchParams(location.search)),
    state: history.state ?? {},
});

const locationStore = createStore(here());
const leaving = new Set();
let wantsFocus = false;

/** What is kept with the entry of the history that is shown. `from`: the path of the one before, when that is a page, too. */
export const entryState = () => history.state ?? {};

/** Adds to that; nothing is drawn anew. */
export const amendEntry = (changes) => history.replaceState({ ...entryState(), ...changes }, "");

/** SAVE is called before `navigate` leaves the entry. Answers how to stop. */
export function beforeLeaving(save) {
    leaving.add(save);
    return () => leaving.delete(save);
}

/** Goes to HREF (path and query). `replace`: back does not lead here again. `state`: kept with the entry of the history. */
export function navigate(href, { replace = false, state = null } = {}) {
    const isOtherPage = new URL(href, location.href).pathname !== location.pathname;
    for (const save of leaving) save();
    const from = replace ? entryState().from : location.pathname;
    history[replace ? "replaceState" : "pushState"]({ ...state, from }, "", href);
    if (isOtherPage) {
        wantsFocus = true;
        scrollTo(0, 0);
    }
    locationStore.write(here());
}

/** {path, query, state} of the page that is shown. */
export const useLocation = () => useStore(locationStore);

/** The query as an object, and how to change some of it: setQuery({search: "acme"}). Empty values go. */
export function useQuery() {
    const { query } = useLocation();
    const setQuery = (changes, options) => {
        const now = here();
        navigate(withQuery(now.path, { ...now.query, ...changes }), { replace: true, ...options });
    };
    return [query, setQuery];
}

/** True once after each change of the page: its heading then takes the focus. */
export function takeFocus() {
    const wanted = wantsFocus;
    wantsFocus = false;
    return wanted;
}

/** Where `next` of the sign-in page leads: only to pages of this console. */
export function safeNext(next) {
    const isPage = next && next.startsWith("/") && match(next.split(/[?#]/)[0]);
    return isPage && isPage.route.path !== "/sign-in" ? next : "/";
}

/** The link that EVENT follows to a page, or null. */
function linkOf(event) {
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    const isModified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    const isPlain = event.button === 0 && !event.defaultPrevented && !isModified;
    if (!link || !isPlain || link.hasAttribute("download") || (link.target && link.target !== "_self")) return null;
    const url = new URL(link.href);
    return url.origin === location.origin && !url.hash && match(url.pathname) ? link : null;
}

export function startRouter() {
    addEventListener("popstate", () => {
        wantsFocus = location.pathname !== locationStore.read().path;
        locationStore.write(here());
    });
    document.addEventListener("click", (event) => {
        const link = linkOf(event);
        if (!link) return;
        event.preventDefault();
        // What leads back to where somebody came from finds it as it was left.
        if (link.dataset.back !== undefined && entryState().from === link.pathname) history.back();
        else navigate(link.pathname + link.search);
    });
}
