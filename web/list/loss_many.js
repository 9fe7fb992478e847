// What is lost when several mailboxes are cancelled at once, in words. `domains` are what GET domains/{domain} answers for each of theirs.
import { count } from "../ui/index.js";
import { formatDay } from "../money/days.js";
import { isLeft } from "./loss.js";

const mailboxes = (number) => count(number, "mailbox", "mailboxes");

function paid(gone) {
    const days = [...new Set(gone.map((mailbox) => mailbox.timestamp_renews).filter(Boolean))].sort();
    if (!days.length) return "Nothing more is charged for them, and nothing is given back.";
    const until = `${formatDay(days.at(-1))}${days.length > 1 ? " at the latest" : ""}`;
    return `They are paid until ${until}. Nothing is given back for the time until then, and nothing more is charged for them.`;
}

function endOf({ domain, forwarding, timestamp_year_renews: year }) {
    const parts = [forwarding && `visitors are not sent to ${forwarding} any more`, year && `registered until ${formatDay(year)}`].filter(Boolean);
    return `${domain}${parts.length ? `: ${parts.join("; ")}` : ""}`;
}

function linesOf(gone, n_gone_before, ended, hasOthers) {
    return [
        ...(n_gone_before ? [`${mailboxes(n_gone_before)} of those ticked ${n_gone_before === 1 ? "is" : "are"} cancelled already.`] : []),
        `${gone.length === 1 ? "It stops" : `All ${gone.length} stop`} at once: nobody can sign in, and mail to them is refused.`,
        "The mail in them is removed and cannot be brought back. Save what you need first.",
        paid(gone),
        ...(hasOthers ? ["Nobody else can get their addresses on a domain that goes on. You can order them again: each is then charged anew and begins empty."] : []),
        ...(ended.length ? [
            `${count(ended.length, "domain loses its last mailbox and is", "domains lose their last mailbox and are")} cancelled, too. Such a name is not renewed: it stays registered until its year ends, and nobody can order it here until then, you neither. Then anyone can have it.`,
        ] : []),
    ];
}

/**
 * {title, lines, ends, emails, n_domains, typed, action}: as lossOf's; ends: what goes with each domain that is cancelled with
 * them. emails is empty when all of them are cancelled already.
 */
export function lossOfMany(domains, emails) {
    const wanted = new Set(emails);
    const parts = domains.map((domain) => {
        const left = domain.mailboxes.filter(isLeft);
        const gone = left.filter((mailbox) => wanted.has(mailbox.email));
        return { domain, gone, isEnd: gone.length > 0 && gone.length === left.length };
    });
    const gone = parts.flatMap((part) => part.gone);
    const ended = parts.filter((part) => part.isEnd).map((part) => part.domain);
    const also = ended.length ? ` and ${count(ended.length, "domain")}` : "";
    const asked = [...new Set(gone.map((mailbox) => mailbox.email))];
    if (!gone.length) return { title: "All of them are cancelled already", lines: ["Nothing is left to cancel."], ends: [], emails: [], n_domains: 0, typed: null, action: "Cancel" };
    return {
        title: `Cancel ${mailboxes(asked.length)}${also}?`,
        lines: linesOf(gone, wanted.size - asked.length, ended, parts.some((part) => part.gone.length > 0 && !part.isEnd)),
        ends: ended.map(endOf),
        emails: asked,
        n_domains: ended.length,
        typed: ended.length > 1 ? `${ended.length} domains` : ended[0]?.domain ?? null,
        action: `Cancel ${mailboxes(asked.length)}${also}`,
    };
}
