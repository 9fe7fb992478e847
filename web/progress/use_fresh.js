import { useEffect, useRef } from "../lib.js";
import { api } from "../api.js";
import { useLive } from "../live.js";
import { useEvery, useLoad } from "../ui/index.js";

const FOLLOWED_MS = 30000; // nothing should have been missed
const MOVING_MS = 2000;
const STILL_MS = 15000;

const pauseMs = (isOnline, isMoving) => (isOnline ? FOLLOWED_MS : isMoving ? MOVING_MS : STILL_MS);

/**
 * What is at PATH, and again whenever the server tells that something of the order orderOf(data or undefined) changed. Without a stream
 * it is asked for again and again, oftener while isMoving(data).
 */
export function useFresh(path, orderOf, isMoving) {
    const load = useLoad((signal) => api.get(path, { signal }), [path]);
    const isWanted = useRef(false);
    const isLoading = useRef(load.loading);
    isLoading.current = load.loading;
    // An answer that is on its way is waited for: asking anew each time would never end while much happens.
    const again = () => {
        isWanted.current = isLoading.current;
        if (!isWanted.current) load.reload();
    };
    useEffect(() => {
        if (load.loading || !isWanted.current) return;
        isWanted.current = false;
        load.reload();
    }, [load.loading]);
    const isOnline = useLive(orderOf(load.data), again);
    useEvery(pauseMs(isOnline, Boolean(load.data) && isMoving(load.data)), again);
    return load;
}
