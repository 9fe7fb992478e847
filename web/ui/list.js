// Lists that are fetched page by page, with their search, filters and place kept in the address.
import { html, useEffect, useRef, useState } from "../lib.js";
import { api } from "../api.js";
import { useLocation, useQuery } from "../router.js";
import { Button } from "./button.js";
import { Field } from "./field.js";
import { useLoad } from "./load.js";
import { Icon } from "./icons.js";

const SEARCH_PAUSE_MS = 250;

/**
 * A list of the server's, {items, next_starting_after}, as the address's query says: `names` are its filters there.
 * Answers what useLoad does, and: items, pager (for <Pager>), query, setFilter({search: "acme"}) (back to the first page).
 */
export function useList(path, { names = ["search", "state"], limit = 50, fixed = {} } = {}) {
    const [query, setQuery] = useQuery();
    const { state } = useLocation();
    const filters = Object.fromEntries(names.map((name) => [name, query[name]]));
    const asked = { ...fixed, ...filters, limit, starting_after: query.after };
    const loaded = useLoad((signal) => api.get(path, { query: asked, signal }), [path, JSON.stringify(asked)]);
    const trail = state.trail ?? [];
    const next = loaded.data?.next_starting_after;
    const go = (after, steps) => setQuery({ after }, { replace: false, state: { trail: steps } });
    const pager = {
        count: loaded.data?.items.length ?? 0,
        onNext: next ? () => go(next, [...trail, query.after ?? ""]) : null,
        onPrevious: query.after ? () => go(trail.at(-1) ?? "", trail.slice(0, -1)) : null,
        busy: loaded.isOther, // where these lead from has been left already
    };
    const setFilter = (changes) => setQuery({ ...changes, after: "" });
    const isFiltered = names.some((name) => query[name]);
    return { ...loaded, items: loaded.data?.items, pager, query, filters, setFilter, isFiltered };
}

/** Below a list: to the pages before and after. */
export function Pager({ count, onNext, onPrevious, busy }) {
    if (!onNext && !onPrevious) return null;
    const go = (move) => () => {
        move();
        document.querySelector("h1")?.focus();
        scrollTo(0, 0);
    };
    return html`<nav class="pager" aria-label="Pages of the list">
        <${Button} icon="back" disabled=${!onPrevious || busy} onClick=${go(onPrevious)}>Previous<//>
        <span class="muted">${count} on this page</span>
        <${Button} disabled=${!onNext || busy} onClick=${go(onNext)}>Next<${Icon} name="forward" /><//>
    </nav>`;
}

/** A search box; onSearch gets the text a moment after the last key. */
export function Search({ label, value = "", onSearch, placeholder }) {
    const [text, setText] = useState(value);
    const timer = useRef();
    const told = useRef(value);
    useEffect(() => {
        if (value !== told.current) setText(value);
        told.current = value;
    }, [value]);
    useEffect(() => () => clearTimeout(timer.current), []);
    const tell = (next) => {
        clearTimeout(timer.current);
        told.current = next.trim();
        onSearch(next.trim());
    };
    const type = (next) => {
        setText(next);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => tell(next), SEARCH_PAUSE_MS);
    };
    return html`<form role="search" class="search" onSubmit=${(event) => (event.preventDefault(), tell(text))}>
        <${Icon} name="search" />
        <${Field} hidden label=${label} type="search" value=${text} placeholder=${placeholder ?? label} onInput=${type} />
    </form>`;
}

/** Search, filters and downloads above a list. */
export function Toolbar({ children }) {
    return html`<div class="toolbar">${children}</div>`;
}
