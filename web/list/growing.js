// A list of the server's that grows at its end, page by page, up to as many rows as a browser shows without effort.
import { useCallback, useEffect, useMemo, useRef, useState } from "../lib.js";
import { api } from "../api.js";

export const ROWS_MAX = 10_000;
const PAGE_ROWS = 100;

const length = (chunks) => chunks.reduce((sum, chunk) => sum + chunk.length, 0);

/**
 * begin: how many pages are fetched at first.
 * {chunks, first, count, hasMore, isFull, loading, error, more, all, update}. chunks: the rows of each page, an array that is
 * the same until one of its rows changes. first: the first page's answer. more() fetches another page, all() what is left.
 * update(key, changes) changes a row that is shown. What was there stays until the first page of a new question is here.
 */
export function useGrowing(path, { filters = {}, size = PAGE_ROWS, rowKey = (row) => row.id, begin = 1 } = {}) {
    const [state, setState] = useState({ chunks: [], first: null, next: undefined, loading: true, error: null });
    const latest = useRef(state);
    const abort = useRef();
    const key = useRef(rowKey);
    const pages = useRef(begin);
    const asked = JSON.stringify(filters);

    const put = useCallback((changes) => setState((latest.current = { ...latest.current, ...changes })), []);

    const fetchUntil = useCallback(async (rows, isNew) => {
        abort.current?.abort();
        const { signal } = (abort.current = new AbortController());
        let { chunks, first, next } = isNew ? { chunks: [], first: null, next: undefined } : latest.current;
        put({ loading: true, error: null });
        try {
            do {
                const query = { ...JSON.parse(asked), limit: size, starting_after: next };
                const page = await api.get(path, { query, signal });
                if (chunks.length) chunks = latest.current.chunks; // rows may have changed meanwhile
                chunks = [...chunks, page.items];
                first ??= page;
                next = page.next_starting_after;
                put({ chunks, first, next, loading: Boolean(next) && length(chunks) < rows });
            } while (next && length(chunks) < rows);
        } catch (error) {
            if (!signal.aborted) put({ loading: false, error });
        }
    }, [path, asked, size]);

    useEffect(() => {
        fetchUntil(Math.min(ROWS_MAX, size * pages.current), true);
        pages.current = 1; // another question begins anew
        return () => abort.current.abort();
    }, [fetchUntil]);

    const update = useCallback((id, changes) => put({
        chunks: latest.current.chunks.map((rows) => (rows.some((row) => key.current(row) === id)
            ? rows.map((row) => (key.current(row) === id ? { ...row, ...changes } : row)) : rows)),
    }), []);
    const count = useMemo(() => length(state.chunks), [state.chunks]);
    return {
        ...state,
        count,
        hasMore: Boolean(state.next) && count < ROWS_MAX,
        isFull: Boolean(state.next) && count >= ROWS_MAX,
        more: () => latest.current.loading || fetchUntil(Math.min(ROWS_MAX, count + size)),
        all: () => fetchUntil(ROWS_MAX),
        retry: () => fetchUntil(count + size, !latest.current.first),
        update,
    };
}
