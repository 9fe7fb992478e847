// The server's time: what is due, and what happens in three minutes, goes by its clock. A browser's own may be wrong, and that of a
// sandbox is moved by hand. Nothing else here asks the browser for the time.
import { createStore } from "./lib.js";
import { useStore } from "./ui/store.js";

const JITTER_MS = 1000;
const DAY_TEXT = 10; // characters of "2026-12-15"

const offset = createStore(0); // ms from the browser's clock to the server's

/** The time of the day as the browser has it, in ms: for what the clock of a sandbox does not move, which is nodes. */
export const machineNow = () => Date.now();

/** The server's time in ms. */
export const serverNow = () => Date.now() + offset.read();

/** The same; the component is drawn anew when that clock is moved. */
export function useServerNow() {
    useStore(offset);
    return serverNow();
}

/** The day that it is on the server, in UTC: "2026-12-15". The component is drawn anew when that clock is moved. */
export const useToday = () => new Date(useServerNow()).toISOString().slice(0, DAY_TEXT);

/** What ASK resolves to, an answer with `timestamp_now`: from then on that is the server's time. */
export async function setClockBy(ask) {
    const askedMs = Date.now();
    const answer = await ask();
    const wayMs = (Date.now() - askedMs) / 2; // there; and as much back, or all of it: so long ago it may have been written
    const next = Date.parse(answer.timestamp_now) - askedMs - wayMs;
    if (Math.abs(next - offset.read()) > wayMs + JITTER_MS) offset.write(next);
    return answer;
}
