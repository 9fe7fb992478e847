// What holds for one of the chosen domains: what was chosen for all of them, unless it has something of its own.
// A pick's `visitors` says whether it has its own forwarding: "" or nothing (as the others), "none" (nowhere) or "own".
import { providerName } from "./refusals.js";

/** A new domain may have a provider of its own; any other has the one that its mailboxes are at. */
export const hasOwnProvider = (draft, pick) => draft.type === "dfy" && Boolean(pick.provider);
export const hasOwnVisitors = (pick) => Boolean(pick.visitors);

export const providerOf = (draft, pick) => (draft.type === "dfy" ? pick.provider || draft.provider : pick.provider);

/** The name that visitors are sent to; "" for none. */
export const forwardingOf = (draft, pick) => {
    const own = { none: "", own: pick.forwarding ?? "" };
    return (own[pick.visitors] ?? draft.forwarding).trim();
};

/** What PICK has of its own, in words; "" for nothing. */
export const ownInWords = (draft, pick) => [
    hasOwnProvider(draft, pick) && `at ${providerName(pick.provider)}`,
    hasOwnVisitors(pick) && (forwardingOf(draft, pick) ? `visitors go to ${forwardingOf(draft, pick)}` : "visitors go nowhere"),
].filter(Boolean).join(", ");
