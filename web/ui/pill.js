import { html } from "../lib.js";

const words = {
    good: ["ready", "placed", "done", "paid", "active", "up", "ok", "applied", "swapped", "free", "succeeded", "now"],
    going: ["provisioning", "running", "due", "reserved", "pending", "charging", "in_use", "planned", "checkout_open", "blocked"],
    warn: ["retrying", "partial", "owed", "suspended", "waiting", "drifted", "unknown", "late", "off"],
    bad: ["failed", "payment_failed", "refused", "declined", "down"],
    none: ["cancelled", "skipped", "credited", "void", "ended", "released", "expired"],
};
const tones = Object.fromEntries(Object.entries(words).flatMap(([tone, list]) => list.map((word) => [word, tone])));
const shapes = {
    good: "M2.5 6.3l2.3 2.3 4.7-5",
    going: "M6 2.2a3.8 3.8 0 1 1-3.8 3.8",
    warn: "M6 1.8 10.6 10H1.4z",
    bad: "M3 3l6 6M9 3l-6 6",
    none: "M3 6h6",
};

/** "payment_failed" as "payment failed". */
export const stateWords = (state) => String(state).replaceAll("_", " ");

/** A state by word, shape and colour. tone ("good", "going", "warn", "bad", "none") where the word is not a known state. */
export function Pill({ state, tone, children }) {
    const kind = tone || tones[state] || "none";
    return html`<span class=${`pill ${kind}`}>
        <svg width="12" height="12" viewBox="0 0 12 12" fill="none" stroke="currentColor" stroke-width="1.6"
            stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${shapes[kind]} /></svg>${children ?? stateWords(state)}</span>`;
}
