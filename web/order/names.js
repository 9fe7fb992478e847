// Domain names as people write them, and why one cannot be had.

/** "https://www.Acme.com/team" is acme.com; letters of other scripts become A-labels, as the server lists them. */
const cleanName = (text) => {
    const bare = text.trim().toLowerCase().replace(/^[a-z]+:\/\//, "").replace(/[/?#].*$/, "").replace(/\.$/, "").replace(/^www\.(?=.+\.)/, "");
    if (/^[\x21-\x7e]*$/.test(bare)) return bare;
    try {
        return new URL(`http://${bare}`).hostname;
    } catch {
        return bare;
    }
};

/** The names in TEXT, parted by blanks, lines, commas or semicolons; each once. */
export const readNames = (text) => [...new Set(text.split(/[\s,;]+/).map(cleanName).filter(Boolean))];

const SOLD = /^[a-z0-9-]+\.(com|org)$/;

/** What to tell about a result of domains/check that is not free. */
export const whyNotFree = ({ domain, unavailable_reason: reason, restricted_keyword: keyword }) => {
    if (reason === "restricted")
        return keyword ? `Holds the protected word “${keyword}”. Take a name without it.` : "Stands on a block list. Take another name.";
    if (!SOLD.test(domain)) return "Not a name that is sold here: new domains are one name and .com or .org, such as acme-mail.com.";
    return "Somebody has it already. Take another name, or look for similar ones.";
};
