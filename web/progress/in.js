import { serverNow } from "../clock.js";
import { html, useEffect, useState } from "../lib.js";
import { formatTime } from "../ui/index.js";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function words(at, now) {
    const off = Date.parse(at) - now;
    if (off < SECOND_MS) return "now";
    if (off < 2 * MINUTE_MS) return `in ${Math.round(off / SECOND_MS)} s`;
    if (off < 2 * HOUR_MS) return `in ${Math.round(off / MINUTE_MS)} min`;
    if (off < DAY_MS) return `in ${Math.round(off / HOUR_MS)} h`;
    return `on ${formatTime(at)}`;
}

/** How long until AT, counting down: "in 12 s", "in 3 min", "on 7 Jan 2027, 10:00". */
export function In({ at }) {
    const [now, setNow] = useState(serverNow());
    useEffect(() => {
        setNow(serverNow());
        const timer = setInterval(() => setNow(serverNow()), SECOND_MS);
        return () => clearInterval(timer);
    }, [at]);
    return html`<time datetime=${at} title=${formatTime(at)}>${words(at, now)}</time>`;
}
