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
let wantsFocus = false;

/** Goes to HREF (path and query). `replace`: back does not lead here again. `state`: kept with the entry of the history. */
export function navigate(href, { replace = false, state = null } = {}) {
    const isOtherPage = new URL(href, location.href).pathname !== location.pathname;
    history[replace ? "replaceState" : "pushState"](state, "", href);
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

function linkOf(event) {
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    const isModified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    const isPlain = event.button === 0 && !event.defaultPrevented && !isModified;
    if (!link || !isPlain || link.hasAttribute("download") || (link.target && link.target !== "_self")) return null;
    const url = new URL(link.href);
    if (url.origin !== location.origin || url.hash || !match(url.pathname)) return null;
    return url;
}

export function startRouter() {
    addEventListener("popstate", () => {
        wantsFocus = location.pathname !== locationStore.read().path;
        locationStore.write(here());
    });
    document.addEventListener("click", (event) => {
        const url = linkOf(event);
        if (!url) return;
        event.preventDefault();
        navigate(url.pathname + url.search);
    });
}
