// What is lost when mailboxes are cancelled, in words. `domain` is what GET domains/{domain} answers.
import { count } from "../ui/index.js";
import { formatDay } from "../money/days.js";

/** Not cancelled yet: as long as a domain has one of them, it lives. */
export const isLeft = (mailbox) => mailbox.state !== "cancelled";

/** "paid until 15 Dec 2026", the latest of them, or null. */
function paidUntil(times) {
    const known = times.filter(Boolean).sort();
    return known.length ? formatDay(known.at(-1)) : null;
}

function ofMailbox(mailbox) {
    const until = paidUntil([mailbox.timestamp_renews]);
    return [
        `${mailbox.email} stops at once: nobody can sign in, and mail to it is refused.`,
        "The mail in it is removed and cannot be brought back. Save what you need first.",
        until ? `It is paid until ${until}. Nothing is given back for the time until then, and nothing more is charged.` : "Nothing more is charged for it, and nothing is given back.",
        "Nobody else can get the address. You can order it again: it is then charged anew and begins empty.",
    ];
}

function ofMailboxes(mailboxes) {
    if (!mailboxes.length) return [];
    const [who, whom] = mailboxes.length === 1
        ? [`Its mailbox ${mailboxes[0].email} stops`, "it"] : [`All ${count(mailboxes.length, "mailbox", "mailboxes")} stop`, "them"];
    return [`${who} at once: nobody can sign in, and mail to ${whom} is refused.`, `The mail in ${whom} is removed and cannot be brought back. Save what you need first.`];
}

function ofDomain(domain, left) {
    const year = paidUntil([domain.timestamp_year_renews]);
    const month = paidUntil([domain.timestamp_month_renews, ...left.map((mailbox) => mailbox.timestamp_renews)]);
    const paid = [year && `The name is paid until ${year}`, month && `${year ? "its" : "Its"} mailboxes until ${month}`].filter(Boolean).join(", ");
    return [
        ...ofMailboxes(left.filter((mailbox) => mailbox.state !== "failed")),
        ...(domain.forwarding ? [`Visitors of ${domain.domain} are not sent to ${domain.forwarding} any more.`] : []),
        `${paid ? `${paid}. ` : ""}Nothing is given back, and nothing more is charged.`,
        `The name is not renewed. It stays registered ${year ? `until ${year}` : "until its year ends"}, and nobody can order it here until then, you neither. Then anyone can have it.`,
    ];
}

/**
 * Of one mailbox (email), or of the domain with all it has (null): {title, lines, emails, typed, action}. emails: what is to be
 * cancelled. typed: the domain's name, where the domain goes with it and somebody has to type it to agree; else null.
 */
export function lossOf(domain, email) {
    const left = domain.mailboxes.filter(isLeft);
    if (email === null) {
        return { title: `Cancel ${domain.domain}?`, lines: ofDomain(domain, left), emails: left.map((mailbox) => mailbox.email), typed: domain.domain, action: "Cancel the domain" };
    }
    const mailbox = left.find((one) => one.email === email) ?? { email, timestamp_renews: null };
    if (left.some((one) => one.email !== email)) return { title: `Cancel ${email}?`, lines: ofMailbox(mailbox), emails: [email], typed: null, action: "Cancel the mailbox" };
    return {
        title: `Cancel ${email} and its domain?`,
        lines: [`It is the last mailbox of ${domain.domain}, so the domain is cancelled with it.`, ...ofDomain(domain, left)],
        emails: [email],
        typed: domain.domain,
        action: "Cancel the domain",
    };
}
