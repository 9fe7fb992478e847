// A page that is a list: search, filters, page by page or all in one that grows as it is scrolled, and the same rows as CSV.
// All of that is in the address.
import { html, useCallback, useEffect, useMemo, useRef } from "../lib.js";
import { withQuery } from "../api.js";
import { useQuery } from "../router.js";
import { Button, ButtonLink, Empty, Failed, Field, Loaded, Loading, Page, Pager, Search, Table, Toolbar, announce, formatNumber, useList } from "../ui/index.js";
import { ROWS_MAX, useGrowing } from "./growing.js";
import { LongTable } from "./long_table.js";
import { useLeftPlace, usePlace } from "./place.js";

/** Where the rows that are searched and filtered for are as CSV. */
export const csvLink = (path, filters) => withQuery(path, { ...filters, format: "csv" });

function useSaid(rows, noun) {
    const [one, many] = noun;
    useEffect(() => {
        if (rows !== null) announce(rows === 0 ? `No ${many} found` : `${formatNumber(rows)} ${rows === 1 ? one : many} shown`);
    }, [rows]);
}

function None({ spec, isFiltered, clear }) {
    if (!isFiltered) return html`<${Empty} title=${spec.empty.title} action=${spec.empty.action}>${spec.empty.text}<//>`;
    return html`<${Empty} title=${`No ${spec.noun[1]} match`} action=${html`<${Button} onClick=${clear}>Clear search and filters<//>`}>Search for less, or take a filter away.<//>`;
}

function Paged({ spec, makeColumns, clear }) {
    const list = useList(spec.path, { names: spec.names });
    const update = useCallback((key, changes) => list.setData((page) => page && {
        ...page, items: page.items.map((row) => (spec.rowKey(row) === key ? { ...row, ...changes } : row)),
    }), [spec]);
    const columns = useMemo(() => makeColumns(update), [makeColumns, update]);
    useSaid(list.loading || !list.items ? null : list.items.length, spec.noun);
    return html`<${Loaded} load=${list} rows=${8}>${() => (list.items.length
        ? html`<${Table} caption=${spec.title} columns=${columns} rows=${list.items} rowKey=${spec.rowKey} busy=${list.loading} />
            <${Pager} ...${list.pager} />`
        : html`<${None} spec=${spec} isFiltered=${list.isFiltered || list.query.after} clear=${clear} />`)}<//>`;
}

/** Calls `more` while its element is near to what is seen. */
function useNear(more, isOn) {
    const end = useRef();
    const latest = useRef(more);
    latest.current = more;
    useEffect(() => {
        if (!isOn || !end.current) return undefined;
        const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && latest.current(), { rootMargin: "1200px" });
        observer.observe(end.current);
        return () => observer.disconnect();
    }, [isOn]);
    return end;
}

function Whole({ spec, makeColumns, filters, isFiltered, clear }) {
    const place = useLeftPlace();
    const list = useGrowing(spec.path, { filters, rowKey: spec.rowKey, begin: place ? place.chunk + 2 : 1 }); // one more: rows may have come before it
    usePlace(place, list);
    const columns = useMemo(() => makeColumns(list.update), [makeColumns, list.update]);
    const end = useNear(list.more, list.hasMore && !list.loading && !list.error);
    useSaid(list.loading ? null : list.count, spec.noun);
    if (!list.first) return list.error ? html`<${Failed} error=${list.error} retry=${list.retry} />` : html`<${Loading} rows=${8} />`;
    if (!list.count) return html`<${None} spec=${spec} isFiltered=${isFiltered} clear=${clear} />`;
    const [, many] = spec.noun;
    return html`<${LongTable} caption=${spec.title} columns=${columns} chunks=${list.chunks} rowKey=${spec.rowKey} busy=${list.loading && !list.next} isWhole=${!list.next} />
        ${list.error && html`<${Failed} error=${list.error} retry=${list.retry} title="The rest could not be loaded" />`}
        <div class="list-end" ref=${end}>
            <p class="muted small">${list.isFull
                ? `These are the newest ${formatNumber(ROWS_MAX)}. Search or filter for others, or take them all as CSV.`
                : `${formatNumber(list.count)} ${many}${list.hasMore ? " so far" : ""}`}</p>
            ${list.hasMore && !list.error && html`<div class="actions"><${Button} small busy=${list.loading} onClick=${list.more}>Load more<//>
                <${Button} small disabled=${list.loading} onClick=${list.all}>Load all<//></div>`}
        </div>`;
}

function View({ isWhole, setQuery }) {
    const choose = (view) => setQuery({ view, after: "" }, { replace: false });
    return html`<div class="segments words" role="group" aria-label="How the list is shown">
        <button type="button" aria-pressed=${isWhole ? "false" : "true"} onClick=${() => choose("")}>Pages</button>
        <button type="button" aria-pressed=${isWhole ? "true" : "false"} onClick=${() => choose("all")}>One list</button>
    </div>`;
}

/**
 * spec, the same at each drawing: {title, lede, path, rowKey, noun: ["mailbox", "mailboxes"], search: what can be searched for, filters:
 * [{name, label, options}], others: names of filters that have no field, empty: {title, text, action}}. makeColumns(update), the same
 * too: the columns; update(key, changes) changes a row that is shown. chosen: what to say of filters that have no field.
 */
export function ListPage({ spec: given, makeColumns, actions, chosen, children }) {
    const [query, setQuery] = useQuery();
    const spec = useMemo(() => ({ ...given, names: ["search", ...given.filters.map(({ name }) => name), ...(given.others ?? [])] }), []);
    const filters = Object.fromEntries(spec.names.map((name) => [name, query[name]]));
    const setFilter = (changes) => setQuery({ ...changes, after: "" });
    const clear = () => setFilter(Object.fromEntries(spec.names.map((name) => [name, ""])));
    const isWhole = query.view === "all";
    const isFiltered = spec.names.some((name) => query[name]);
    return html`<${Page} title=${spec.title} lede=${spec.lede} actions=${actions}>
        <${Toolbar}>
            <${Search} label=${spec.search} value=${query.search} onSearch=${(search) => setFilter({ search })} />
            ${spec.filters.map(({ name, label, options }) => html`<${Field} key=${name} hidden label=${label} type="select"
                options=${options} value=${query[name] ?? ""} onInput=${(value) => setFilter({ [name]: value })} />`)}
            ${chosen?.(query, setFilter)}
            <div class="push row">
                <${View} isWhole=${isWhole} setQuery=${setQuery} />
                <${ButtonLink} icon="download" href=${csvLink(spec.path, filters)} download>CSV<//>
            </div>
        <//>
        ${isWhole
            ? html`<${Whole} spec=${spec} makeColumns=${makeColumns} filters=${filters} isFiltered=${isFiltered} clear=${clear} />`
            : html`<${Paged} spec=${spec} makeColumns=${makeColumns} clear=${clear} />`}
        ${children}
    <//>`;
}
