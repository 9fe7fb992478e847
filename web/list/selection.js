// Rows that somebody ticks, to do one thing with all of them. They stay ticked while other pages of the list are looked at.
import { createStore } from "../lib.js";

export const TICKED_MAX = 100;

/**
 * {store, shown, has, tick, clear, watch}. store: the ticked rows by key; shown: the rows that have a box on the page. A box is told of its own row alone, so that one tick
 * among ten thousand draws one box.
 */
export function createSelection(rowKey = (row) => row.id) {
    const store = createStore(new Map());
    const boxes = new Map();
    const shown = createStore([]);
    let isLate = false;
    // A page brings many boxes: they are told of once.
    const tellShown = () => {
        if (isLate) return;
        isLate = true;
        queueMicrotask(() => {
            isLate = false;
            shown.write([...boxes.values()].map(({ row }) => row));
        });
    };
    const put = (next, rows) => {
        store.write(next);
        for (const row of rows) boxes.get(rowKey(row))?.show(next.has(rowKey(row)));
    };

    /** Ticks ROWS, or takes their ticks away. False when there would be too many: then nothing is changed. */
    function tick(rows, isOn) {
        const next = new Map(store.read());
        for (const row of rows) {
            if (isOn) next.set(rowKey(row), row);
            else next.delete(rowKey(row));
        }
        if (next.size > TICKED_MAX) return false;
        put(next, rows);
        return true;
    }

    return {
        store,
        shown,
        has: (row) => store.read().has(rowKey(row)),
        tick,
        clear: () => put(new Map(), [...store.read().values()]),
        /** SHOW gets whether ROW is ticked, whenever that changes. Answers how to stop. */
        watch(row, show) {
            const box = { row, show };
            boxes.set(rowKey(row), box);
            tellShown();
            return () => {
                if (boxes.get(rowKey(row)) === box) boxes.delete(rowKey(row));
                tellShown();
            };
        },
    };
}
