// People out of what somebody pastes: a table with or without a header, or one name a line.
import { readTable } from "./csv.js";

/** More than any order takes on one domain, by far. */
export const PEOPLE_MAX = 500;

// Headers as spreadsheets and mail programs write them, without blanks and signs.
const HEADERS = {
    first_name: ["first", "firstname", "givenname", "forename", "vorname", "prenom", "nombre"],
    last_name: ["last", "lastname", "surname", "familyname", "nachname", "nom", "apellido", "apellidos"],
    name: ["name", "fullname", "displayname", "person", "contact"],
    address: ["email", "emailaddress", "mail", "address", "emailaddressprefix", "prefix", "mailbox", "username", "alias", "localpart"],
};

const headerOf = (cell) => {
    const word = cell.normalize("NFD").toLowerCase().replace(/[^a-z0-9]/g, "");
    return Object.keys(HEADERS).find((column) => HEADERS[column].includes(word)) ?? "";
};

const prefixOf = (address) => address.replace(/^mailto:/i, "").split("@")[0].trim();

/** "Ada Lovelace", and "Lovelace, Ada" where the cell was quoted. */
const splitName = (name) => {
    const turned = /^([^,]+),\s*(.+)$/.exec(name);
    if (turned) return { first_name: turned[2].trim(), last_name: turned[1].trim() };
    const [first = "", ...rest] = name.split(/\s+/);
    return { first_name: first, last_name: rest.join(" ") };
};

const capital = (word) => word.slice(0, 1).toUpperCase() + word.slice(1);

/** "ada.lovelace" is Ada Lovelace. */
const nameOfPrefix = (prefix) => {
    const [first = "", ...rest] = prefix.split(/[._]+/).filter(Boolean).map(capital);
    return { first_name: first, last_name: rest.join(" ") };
};

const tidy = (text) => text.replace(/\s+/g, " ").trim();

const person = (name, address) => {
    const prefix = prefixOf(address);
    const known = name.first_name || name.last_name ? name : nameOfPrefix(prefix);
    return { first_name: tidy(known.first_name), last_name: tidy(known.last_name), prefix };
};

/** One cell that says all: `Ada Lovelace <ada@acme.com>`, an address, or a name. */
const wholePerson = (cell) => {
    const angled = /^(.*?)\s*<([^<>]+)>$/.exec(cell);
    if (angled) return person(splitName(angled[1].replace(/^["']|["']$/g, "").trim()), angled[2]);
    return cell.includes("@") ? person({ first_name: "", last_name: "" }, cell) : person(splitName(cell), "");
};

const fromColumns = (cells, columns) => {
    const cell = (column) => cells[columns.indexOf(column)] ?? "";
    const whole = splitName(cell("name"));
    const name = { first_name: cell("first_name") || whole.first_name, last_name: cell("last_name") || whole.last_name };
    return person(name, cell("address"));
};

const fromBareCells = (cells) => {
    const filled = cells.filter(Boolean);
    if ((filled.length === 1 && cells[0]) || filled.every((cell) => /<[^<>]+>$/.test(cell))) return filled.map(wholePerson);
    const at = cells.findIndex((cell) => cell.includes("@"));
    const names = at < 0 ? cells : cells.toSpliced(at, 1);
    if (at >= 0 && names.filter(Boolean).length === 1) return [person(splitName(names.find(Boolean)), cells[at])];
    return [person({ first_name: names[0], last_name: names[1] ?? "" }, at < 0 ? names[2] ?? "" : cells[at])];
};

const strange = (row, isHeaded) => {
    if (row.isOpen) return "A quote (\") is opened here and never closed, so this and what follows was left out. Close it or take it away.";
    const known = row.cells.some((cell) => cell.includes("@")) ? 3 : 2;
    const extra = row.cells.slice(known).filter(Boolean).length;
    return !isHeaded && extra > 1
        ? "Has more columns than first name, last name and address: the rest was left out. A first line such as “First name, Last name, Email” says which is which."
        : "";
};

/** {people: [{first_name, last_name, prefix}], problems: [{line, message}]}; prefix is "" where none was given. */
export const parsePeople = (text) => {
    const rows = readTable(text);
    const columns = (rows[0]?.cells ?? []).map(headerOf);
    const isHeaded = columns.some(Boolean) && !rows[0].cells.some((cell) => cell.includes("@"));
    const body = isHeaded ? rows.slice(1) : rows;
    const people = body.filter((row) => !row.isOpen).flatMap((row) => (isHeaded ? [fromColumns(row.cells, columns)] : fromBareCells(row.cells)))
        .filter((one) => one.first_name || one.last_name || one.prefix);
    const problems = body.map((row) => ({ line: row.line, message: strange(row, isHeaded) })).filter((one) => one.message);
    if (isHeaded && !body.length) problems.push({ line: rows[0].line, message: "Only a header line, and nobody below it." });
    if (people.length > PEOPLE_MAX)
        problems.push({ line: body[PEOPLE_MAX]?.line ?? 0, message: `Only the first ${PEOPLE_MAX} people were taken.` });
    return { people: people.slice(0, PEOPLE_MAX), problems };
};
