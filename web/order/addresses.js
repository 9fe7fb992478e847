// Addresses proposed from people's names: what stands before the @, in the patterns that businesses use.

const MAX = 64; // what the server takes

// Letters that Unicode does not take apart into an ASCII letter and marks.
const LETTERS = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "đ": "d", "ł": "l", "þ": "th", "ħ": "h", "ı": "i", "ŋ": "n", "ŧ": "t",
};

/** A part of a name as letters, digits and inner hyphens: "José María" is "josemaria"; "" when nothing of it is Latin. */
export const fold = (text) =>
    text.toLowerCase().replace(/./gu, (letter) => LETTERS[letter] ?? letter)
        .normalize("NFD")
        .replace(/[\u2010-\u2015]/g, "-")
        .replace(/[^a-z0-9-]/g, "")
        .replace(/-+/g, "-")
        .replace(/^-|-$/g, "");

const join = (separator, ...parts) => parts.filter(Boolean).join(separator);

/** What a person may choose from; `make` takes folded names, of which one may be empty. */
export const PATTERNS = [
    { id: "first.last", example: "jane.doe", make: (first, last) => join(".", first, last) },
    { id: "first", example: "jane", make: (first, last) => first || last },
    { id: "f.last", example: "j.doe", make: (first, last) => (last ? join(".", first.slice(0, 1), last) : first) },
    { id: "flast", example: "jdoe", make: (first, last) => (last ? first.slice(0, 1) + last : first) },
    { id: "firstlast", example: "janedoe", make: (first, last) => first + last },
    { id: "first.l", example: "jane.d", make: (first, last) => (first ? join(".", first, last.slice(0, 1)) : last) },
    { id: "first_last", example: "jane_doe", make: (first, last) => join("_", first, last) },
    { id: "last.first", example: "doe.jane", make: (first, last) => join(".", last, first) },
    { id: "last", example: "doe", make: (first, last) => last || first },
];

const cut = (address, length) => address.slice(0, length).replace(/[^a-z0-9]+$/, "");

/** ADDRESS, or with the first number from 2 on that nobody has. */
const unused = (address, used) => {
    for (let number = 1; ; number++) {
        const suffix = number === 1 ? "" : String(number);
        const proposed = cut(address, MAX - suffix.length) + suffix;
        if (!used.has(proposed)) return proposed;
    }
};

/**
 * The people with an address each by the pattern of that id. Whoever has `is_typed` keeps what was typed; clashes with
 * that and with each other are numbered. An address stays "" where a name has no Latin letter.
 */
export const withAddresses = (people, patternId) => {
    const pattern = PATTERNS.find((one) => one.id === patternId) ?? PATTERNS[0];
    const used = new Set(people.filter((person) => person.is_typed).map((person) => person.prefix.toLowerCase()));
    return people.map((person) => {
        if (person.is_typed) return person;
        const wanted = pattern.make(fold(person.first_name), fold(person.last_name));
        const prefix = wanted && unused(wanted, used);
        if (prefix) used.add(prefix);
        return prefix === person.prefix ? person : { ...person, prefix };
    });
};
