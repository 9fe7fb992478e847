// From what somebody filled in to the order that is sent.
import { forwardingOf, hasOwnProvider, hasOwnVisitors, providerOf } from "./apart.js";
import { isBlank } from "./draft.js";

/** The server takes no more mailboxes for one domain. */
export const ACCOUNTS_MAX = 100;

/** The people of each of `n` domains: everyone on each, or everyone on one, in turn. */
const shares = (people, n, spread) =>
    Array.from({ length: n }, (_, i) => (spread === "each" ? people : people.filter((_person, at) => at % n === i)));

const account = (person) => ({
    email_address_prefix: person.prefix.trim(),
    first_name: person.first_name.trim(),
    last_name: person.last_name.trim(),
});

const isWhole = (person) => Object.values(account(person)).every(Boolean);

const item = (draft, pick, people) => ({
    domain: pick.domain,
    ...(draft.type !== "pre_warmed_up" && {
        email_provider: providerOf(draft, pick),
        accounts: people.map(account),
    }),
    ...(draft.type !== "extra_accounts" && forwardingOf(draft, pick) && { forwarding_domain: forwardingOf(draft, pick) }),
});

/** Ids of the rows that somebody is still filling in are in `open`: they do not count until they are whole. */
export const peopleToSend = (draft, open = new Set()) =>
    draft.people.filter((person) => !isBlank(person) && (isWhole(person) || !open.has(person.id)));

/**
 * {body, who, own}: the order, and for each of its items the people whose mailboxes stand there, in their order, and what
 * it has of its own. `simulation` is for the caller to add.
 */
export const makeOrder = (draft, open) => {
    const picks = draft.picks[draft.type];
    const who = draft.type === "pre_warmed_up" ? picks.map(() => []) : shares(peopleToSend(draft, open), picks.length, draft.spread);
    return {
        body: { order_type: draft.type, items: picks.map((pick, i) => item(draft, pick, who[i])) },
        who,
        own: picks.map((pick) => ({ provider: hasOwnProvider(draft, pick), forwarding: hasOwnVisitors(pick) })),
    };
};

/** What is not filled in yet, as [{field, message}] of refusals.js. */
export const missing = (draft) => {
    const found = [];
    if (!draft.picks[draft.type].length) found.push({ field: "domains", message: "Choose at least one domain." });
    if (draft.type !== "pre_warmed_up" && draft.people.every(isBlank))
        found.push({ field: "people", message: "Write down at least one person who gets a mailbox." });
    if (draft.type === "extra_accounts") return found;
    const unsaid = draft.picks[draft.type].filter((pick) => pick.visitors === "own" && !forwardingOf(draft, pick));
    return [...found, ...unsaid.map(({ domain }) => ({ field: `forwarding:${domain}`, message: `Write the site that visitors of ${domain} are sent to, such as acme.com.` }))];
};

/** The same of an order that is too large to be sent. */
export const overfull = ({ who }) => (who.some((people) => people.length > ACCOUNTS_MAX)
    ? [{ field: "people", message: `No domain takes more than ${ACCOUNTS_MAX} mailboxes. Take people away, or add domains and put each person on one of them.` }]
    : []);
