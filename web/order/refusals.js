// Reads the lists of a refused order: which field caused each, and what to do about it.

const PROVIDERS = { 1: "Google", 2: "AirMail", 3: "Microsoft" };

export const providerName = (number) => PROVIDERS[number] ?? `Provider ${number}`;

const ofDomains = (names, message) => (names ?? []).map((name) => ({ field: `domain:${name}`, message: message(name) }));

const notAName = {
    dfy: "Cannot be ordered: new domains are one name and .com or .org, such as acme-mail.com, each chosen once. Remove it and choose another.",
    pre_warmed_up: "Cannot be ordered: pre-warmed domains end in .com, .org or .co. Remove it and choose one from the list.",
    extra_accounts: "Not a name that mailboxes can be added to. Remove it and choose one of your domains.",
};

const notFree = {
    dfy: "No longer free: somebody has it, or it was ordered before. Remove it and choose another.",
    pre_warmed_up: "No longer in stock. Remove it and choose another.",
};

/** The keyword that stands in NAME as it is written; else all of them, as look-alike letters count, too. */
const keywordsOf = (name, keywords) => {
    const inside = keywords.filter((keyword) => name.includes(keyword));
    return (inside.length ? inside : keywords).map((keyword) => `“${keyword}”`).join(" or ");
};

const restricted = (name, keywords) => (keywords.length
    ? `Holds the protected word ${keywordsOf(name, keywords)}, or letters that look like it. Remove it and choose another.`
    : "Stands on a block list. Remove it and choose another.");

const domainRefusals = (answer, type) => [
    ...ofDomains(answer.invalid_domains, () => notAName[type]),
    ...ofDomains(answer.blacklist_domains, (name) => restricted(name, answer.blacklist_keywords ?? [])),
    ...ofDomains(answer.missing_domain_orders, () => "This workspace does not have this domain. Remove it, or order it as a new domain."),
    ...ofDomains(answer.unsupported_provider_domains, () => "Its mailboxes are at Microsoft, where none can be added later. Remove it, or order a new domain."),
    ...ofDomains(answer.provider_mismatch_domains, () => "Its mailboxes are at another provider than the one that is chosen here. Choose that one."),
    ...ofDomains(answer.unavailable_domains, () => notFree[type] ?? notFree.dfy),
];

/** The fields where ITEMS of the order say WHAT, "provider" or "forwarding": the one of all, and those of domains that have their own. */
const fieldsOf = (items, what, { body, own }) => {
    const fields = items.map((item) => (own[body.items.indexOf(item)][what] ? `${what}:${item.domain}` : what));
    return fields.length ? [...new Set(fields)] : [what];
};

const providerRefusals = (answer, order) =>
    (answer.unavailable_email_providers ?? []).flatMap((number) => {
        if (order.body.order_type !== "dfy")
            return [{ field: "domains", message: `${providerName(number)} is not sold at the moment. Remove the domains whose mailboxes are there.` }];
        const there = order.body.items.filter((item) => item.email_provider === number);
        return fieldsOf(there, "provider", order).map((field) => ({ field, message: `${providerName(number)} is not sold at the moment. Choose another provider.` }));
    });

/** Those that are sent to NAME; where one of them is NAME itself, that is what is wrong. */
const sentTo = (name, items) => {
    const all = items.filter((item) => item.forwarding_domain === name);
    const itself = all.filter((item) => item.domain === name.toLowerCase());
    return itself.length ? itself : all;
};

const forwardingRefusals = (answer, order) =>
    (answer.invalid_forwarding_domains ?? []).flatMap((name) => fieldsOf(sentTo(name, order.body.items), "forwarding", order).map((field) => ({
        field,
        message: `Visitors cannot be sent to “${name}”: write the name of another site, such as acme.com, without https:// or a path.`,
    })));

const emptyDomains = (answer, who) => {
    const names = answer.domains_without_accounts ?? [];
    if (!names.length) return [];
    if (who.every((people) => !people.length)) return [{ field: "people", message: "Write down at least one person who gets a mailbox." }];
    return ofDomains(names, () => "Nobody gets a mailbox here. Add people, put everyone on each domain, or remove it.");
};

// What to say, and in which column of a person's row, by the server's reason.
const accountRules = {
    "First name is required": ["first_name", () => "Write a first name."],
    "Last name is required": ["last_name", () => "Write a last name."],
    "Email address prefix is required": ["prefix", () => "Write an address: none could be made of this name."],
    "Email address prefix is invalid": ["prefix", () => "Use letters a to z, digits and, between them, dots, hyphens and underscores; 64 at most."],
    "Duplicate email address": ["prefix", ({ email }) => `${email} stands here twice. Write another address.`],
    "Email address already exists": ["prefix", ({ email }) => `${email} exists already. Write another address.`],
    "A domain can have at most 5 accounts": ["prefix", ({ domain }) => `${domain} has no room for this mailbox: 5 at most. Take somebody away, or add a domain.`],
};
const MICROSOFT_COUNT = "A Microsoft domain needs 50 to 100 accounts";

const addressOf = (person, domain) => `${person.prefix.trim().toLowerCase()}@${domain}`;

/** The person that ACCOUNT is, out of those on its domain; of equal ones a repeat is the last that is left. */
const whoIs = (account, people, told) => {
    const fits = people.filter((person) => addressOf(person, account.domain) === account.email
        && person.first_name.trim() === account.first_name && person.last_name.trim() === account.last_name
        && !told.has(`${account.domain} ${person.id}`));
    const found = account.reason === "Duplicate email address" ? fits.at(-1) : fits[0];
    if (found) told.add(`${account.domain} ${found.id}`);
    return found;
};

const accountRefusal = (account, people, told) => {
    const [column, words] = accountRules[account.reason] ?? ["prefix", () => `${account.reason}.`];
    const person = whoIs(account, people, told);
    return { field: person ? `person:${person.id}:${column}` : "people", message: words(account), reason: account.reason };
};

/** What to do about too few or too many people at Microsoft: no number of them fits beside another provider's five. */
const mend = ({ items }) => (new Set(items.map((item) => item.email_provider)).size > 1
    ? "Choose Google or AirMail for it, or order it by itself."
    : "Change the people, or choose Google or AirMail.");

const microsoftRefusals = (accounts, { body, who }) =>
    [...new Set(accounts.map((account) => account.domain))].map((domain) => ({
        field: "people",
        message: `${domain} is a Microsoft domain, which needs 50 to 100 mailboxes; it has ${who[body.items.findIndex((item) => item.domain === domain)]?.length ?? 0}. ${mend(body)}`,
    }));

const accountRefusals = (answer, order) => {
    const accounts = answer.invalid_accounts ?? [];
    const told = new Set();
    const peopleOf = (domain) => order.who[order.body.items.findIndex((item) => item.domain === domain)] ?? [];
    const counted = accounts.filter((account) => account.reason === MICROSOFT_COUNT);
    return [
        ...microsoftRefusals(counted, order),
        ...accounts.filter((account) => !counted.includes(account)).map((account) => accountRefusal(account, peopleOf(account.domain), told)),
    ];
};

/** What is wrong alike on several domains is said once. */
const once = (refusals) => {
    const found = new Map();
    for (const { field, message, reason = message } of refusals) {
        const first = found.get(`${field} ${reason}`);
        if (first) first.n += message !== first.message; // words that name the domain
        else found.set(`${field} ${reason}`, { field, message, n: 1 });
    }
    return [...found.values()].map(({ field, message, n }) => ({ field, message: n > 1 ? `${message} So it is on ${n} domains.` : message }));
};

/**
 * [{field, message}] of an answer to ORDER (of makeOrder). field: "domains", "domain:NAME", "provider", "provider:NAME",
 * "forwarding", "forwarding:NAME", "people" or "person:ID:COLUMN". Empty when nothing but the payment is wrong.
 */
export const readRefusals = (answer, order) => {
    const type = order.body.order_type;
    if (!order.body.items.length) return [{ field: "domains", message: "Choose at least one domain." }];
    const found = once([
        ...domainRefusals(answer, type),
        ...providerRefusals(answer, order),
        ...forwardingRefusals(answer, order),
        ...emptyDomains(answer, order.who),
        ...accountRefusals(answer, order),
    ]);
    const isUnknown = !found.length && answer.order_error && answer.order_error !== "payment_failed";
    return isUnknown ? [{ field: "domains", message: `Refused as “${answer.order_error.replaceAll("_", " ")}”.` }] : found;
};

/** The messages of a field as one text, or null. */
export const messageOf = (refusals, field) =>
    refusals.filter((refusal) => refusal.field === field).map((refusal) => refusal.message).join(" ") || null;
