import { useLayoutEffect, useState } from "../lib.js";

/** The store's value; the component is drawn again whenever it changes. */
export function useStore(store) {
    const [value, setValue] = useState(store.read());
    useLayoutEffect(() => {
        setValue(store.read());
        return store.watch(setValue);
    }, [store]);
    return value;
}
