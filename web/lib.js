// The one place that names the library of views; all else imports from here.
export {
    Component, createContext, h, html, render, useCallback, useContext, useEffect, useErrorBoundary, useLayoutEffect,
    useMemo, useReducer, useRef, useState,
} from "./lib/htm.js";
import { useState } from "./lib/htm.js";

let last = 0;

/** An id for this component's elements, for `for`, `aria-describedby` and the like. */
export function useUid() {
    return useState(() => `u${++last}`)[0];
}

/** Something that components can watch: `[read, write, use]`. */
export function createStore(initial) {
    let value = initial;
    const watchers = new Set();
    const read = () => value;
    const write = (next) => {
        value = next;
        for (const watcher of [...watchers]) watcher(value);
    };
    return { read, write, watch: (watcher) => (watchers.add(watcher), () => watchers.delete(watcher)) };
}
