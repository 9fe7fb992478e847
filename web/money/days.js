// Days of money are days in UTC, wherever the reader is.
import { html } from "../lib.js";
import { Time, formatTime } from "../ui/index.js";

const DAY_TEXT = 10; // characters of "2026-12-15"
const language = navigator.language?.startsWith("en") ? navigator.language : "en";
const month = new Intl.DateTimeFormat(language, { timeZone: "UTC", year: "numeric", month: "long" });
const shortMonth = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", month: "short" });

/** "2026-12-15", or a time on that day, as "Dec 15, 2026". */
export const formatDay = (at) => formatTime(at.slice(0, DAY_TEXT));
/** A time in ms as "December 2026". */
export const formatMonth = (ms) => month.format(ms);
/** A time in ms as "Dec"; January has its year, "2027". */
export const formatShortMonth = (ms) => (new Date(ms).getUTCMonth() ? shortMonth.format(ms) : String(new Date(ms).getUTCFullYear()));

export function Day({ at }) {
    return at ? html`<${Time} at=${at.slice(0, DAY_TEXT)} />` : "—";
}
