// What became of a renewal that is not paid, and what follows: the words for the schedule of docs/renewals.md.
import { cardName } from "../ui/cards.js";
import { formatDay } from "./days.js";

const TRIES = 5;
const OPEN = ["due", "charging", "suspended"];

export const isOpen = (renewal) => OPEN.includes(renewal.state);
/** Whether somebody should know: a try failed, or what was paid for is closed. */
export const isTrouble = (renewal) => isOpen(renewal) && (renewal.failures > 0 || renewal.state === "suspended");

const times = (number) => ({ 1: "once", 2: "twice" })[number] ?? `${number} times`;

function follows({ state, next, failures, timestamp_next: at }) {
    const when = at ? formatDay(at) : "soon";
    if (state === "charging") return "It is being charged now, or the bank has not said yet whether it was; it is asked again by itself.";
    if (next === "cancel") return `Unless it is paid before, its mailboxes and domains are cancelled on ${when}: the mailboxes are removed with the mail in them.`;
    const again = `It is tried again on ${when}, with the card of then.`;
    if (state === "suspended") return `${again} If that fails too, what it is for is cancelled a week later.`;
    return failures === TRIES - 2 ? `${again} If that fails too, its mailboxes are closed.` : again;
}

/** {tone, title, what, next} of a renewal with trouble: texts. */
export function trouble(renewal, formatMoney) {
    const closed = renewal.state === "suspended";
    const card = renewal.payment_method_last_4_digits
        ? ` (${cardName(renewal.payment_method_brand)} ending in ${renewal.payment_method_last_4_digits})` : "";
    return {
        tone: closed ? "bad" : "warn",
        title: `${formatMoney(renewal.amount)} for ${formatDay(renewal.day)} could not be charged`,
        what: `Tried ${times(renewal.failures)}${card}: ${reasonWords(renewal.reason)}.${closed
            ? " Its mailboxes are closed: nobody can sign in, mail to them is refused, what is in them stays." : ""}`,
        next: follows(renewal),
    };
}

const REASONS = {
    payment_method_not_supported: "this kind of card is not taken",
    authentication_required: "the bank wants to see the cardholder",
    card_expired: "the card has expired",
    generic_decline: "the bank declined it",
};

/** Why a payment failed, for people: a payment_failure_reason in words, and any other text as it is. */
export const reasonWords = (reason) => REASONS[reason] ?? reason ?? "no reason was given";
/** The same as the beginning of a sentence. */
export const reasonSentence = (reason) => reasonWords(reason).replace(/^./, (letter) => letter.toUpperCase());

const KINDS = [
    ["domain_years", "domain for a year", "domains for a year"],
    ["domain_months", "Microsoft domain for a month", "Microsoft domains for a month"],
    ["mailbox_months", "mailbox for a month", "mailboxes for a month"],
];

/** What a day is charged for: ["2 domains for a year", "6 mailboxes for a month"]. */
export const linesOf = (day) => KINDS.filter(([name]) => day[name]).map(([name, one, many]) => `${day[name].toLocaleString("en-US")} ${day[name] === 1 ? one : many}`);
