import { useCallback, useEffect, useRef, useState } from "../lib.js";
import { afterPress } from "./press.js";

/**
 * Fetches with `load(signal)` now and whenever one of `deps` changes: {data, error, loading, isOther, reload, setData}.
 * What was there stays while it is fetched again; isOther: it is still of other deps. The last question wins; one that is overtaken is
 * aborted. Nothing is drawn anew under a press.
 */
export function useLoad(load, deps = []) {
    const [state, setState] = useState({ data: undefined, error: null, loading: true, of: deps });
    const [turn, setTurn] = useState(0);
    useEffect(() => {
        const abort = new AbortController();
        const unless = (next) => afterPress(() => abort.signal.aborted || setState(next));
        setState((now) => ({ ...now, loading: true }));
        load(abort.signal).then(
            (data) => unless({ data, error: null, loading: false, of: deps }),
            (error) => unless((now) => ({ ...now, error, loading: false })),
        );
        return () => abort.abort();
    }, [...deps, turn]);
    const reload = useCallback(() => setTurn((now) => now + 1), []);
    const setData = useCallback((data) => setState((now) => ({ ...now, data: typeof data === "function" ? data(now.data) : data })), []);
    return { ...state, isOther: deps.some((one, i) => one !== state.of[i]), reload, setData };
}

/**
 * Something that is done by a press of a button: [run, {busy, error, clear}]. run resolves to the answer, or to undefined after an error.
 * What became of it is not told when it was run again meanwhile, or cleared.
 */
export function useAction(act) {
    const [state, setState] = useState({ busy: false, error: null });
    const isHere = useRef(true);
    useEffect(() => {
        isHere.current = true;
        return () => (isHere.current = false);
    }, []);
    const turn = useRef(0);
    const put = (mine, next) => isHere.current && mine === turn.current && setState(next);
    const run = async (...args) => {
        const mine = ++turn.current;
        put(mine, { busy: true, error: null });
        try {
            const answer = await act(...args);
            put(mine, { busy: false, error: null });
            return answer;
        } catch (error) {
            put(mine, { busy: false, error });
            return undefined;
        }
    };
    return [run, { ...state, clear: () => put(++turn.current, { busy: false, error: null }) }];
}

/** Calls `tick` every `ms` while the page is looked at, and when it is looked at again. */
export function useEvery(ms, tick) {
    const latest = useRef(tick);
    latest.current = tick;
    useEffect(() => {
        const look = () => document.hidden || latest.current();
        const timer = setInterval(look, ms);
        document.addEventListener("visibilitychange", look);
        return () => {
            clearInterval(timer);
            document.removeEventListener("visibilitychange", look);
        };
    }, [ms]);
}
