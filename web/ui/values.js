// How money, times and numbers look.
import { machineNow, serverNow, useServerNow } from "../clock.js";
import { html, useState } from "../lib.js";
import { Button } from "./button.js";
import { announce } from "./toast.js";

const language = navigator.language?.startsWith("en") ? navigator.language : "en";
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const day = { year: "numeric", month: "short", day: "numeric" };
const days = new Intl.DateTimeFormat(language, day);
const utcDays = new Intl.DateTimeFormat(language, { ...day, timeZone: "UTC" });
const minutes = new Intl.DateTimeFormat(language, { ...day, hour: "numeric", minute: "2-digit" });
const clock = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const SECOND_MS = 1000;
const spans = [["day", 86400 * SECOND_MS], ["hour", 3600 * SECOND_MS], ["minute", 60 * SECOND_MS]];

/** Dollars, as the server says them, as "$1,234.50"; "—" for null. */
export const formatMoney = (amount) => (amount === null || amount === undefined ? "—" : dollars.format(amount));
export const formatNumber = (number) => number.toLocaleString("en-US");
/** "1 domain", "3 domains". */
export const count = (number, one, many = `${one}s`) => `${formatNumber(number)} ${number === 1 ? one : many}`;

function relative(date, now) {
    const off = date - now;
    const [unit, ms] = spans.find(([, length]) => Math.abs(off) >= length) ?? ["minute", 60 * SECOND_MS];
    return ago.format(Math.round(off / ms), unit);
}

/** "2026-11-23": a day of the books, which is the same day in every zone. */
const isDay = (at) => typeof at === "string" && at.length === 10;

/** AT is a time of the server's, a day of the books, or ms; NOW is in ms. */
export function formatTime(at, style = "minute", now = serverNow()) {
    const date = new Date(at);
    if (isDay(at)) return utcDays.format(date);
    return { day: () => days.format(date), minute: () => minutes.format(date), clock: () => clock.format(date), ago: () => relative(date, now) }[style]();
}

export function Money({ amount }) {
    return html`<span class="money">${formatMoney(amount)}</span>`;
}

function Ago({ at, ofMachine }) {
    const now = useServerNow();
    return formatTime(at, "ago", ofMachine ? machineNow() : now);
}

/**
 * A time in the reader's zone, with UTC as its title. style: "minute" (default), "day", "clock" or "ago". ofMachine: it was taken by
 * the time of the day, whatever the server's clock says.
 */
export function Time({ at, style = "minute", ofMachine = false }) {
    if (!at) return "—";
    const utc = isDay(at) ? undefined : new Date(at).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
    return html`<time datetime=${at} title=${utc}>${style === "ago" ? html`<${Ago} at=${at} ofMachine=${ofMachine} />` : formatTime(at, style)}</time>`;
}

async function write(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea"); // without https there is no clipboard but this
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("not copied");
}

/** A button that copies `text`. label says what is copied: "Copy the password of jane@acme.com". */
export function Copy({ text, label = "Copy", children }) {
    const [said, setSaid] = useState(null);
    const copy = async (event) => {
        const button = event.currentTarget;
        const result = await write(text).then(() => "Copied", () => "Could not be copied");
        button.focus();
        setSaid(result);
        announce(result);
        setTimeout(setSaid, 2000, null);
    };
    return html`<${Button} kind="quiet" small icon=${said === "Copied" ? "check" : "copy"} label=${said ?? label} onClick=${copy}>${children}<//>`;
}
