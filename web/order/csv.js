// Tables as spreadsheets and mail programs put them on the clipboard: RFC 4180 with comma, semicolon or tab.

const SEPARATORS = ["\t", ";", ","];

/** TEXT without what stands in quotes. */
const unquoted = (text) => text.replace(/"(?:[^"]|"")*"/g, "");

/** What separates cells, "" when nothing does: a tab goes before a semicolon, that before a comma. */
export const separatorOf = (text) => {
    const bare = unquoted(text);
    return SEPARATORS.find((separator) => bare.includes(separator)) ?? "";
};

/** The cell that begins at `at` in quotes: its text, and where what follows begins. */
const quotedCell = (text, at) => {
    let value = "";
    for (let from = at + 1; ;) {
        const end = text.indexOf("\"", from);
        if (end < 0) return { value: value + text.slice(from), next: text.length, isOpen: true };
        value += text.slice(from, end);
        if (text[end + 1] !== "\"") return { value, next: end + 1, isOpen: false };
        value += "\"";
        from = end + 2;
    }
};

const lineEnd = (text, at) => {
    const found = text.slice(at).search(/\r\n|\n|\r/);
    return found < 0 ? text.length : at + found;
};

/** A bare cell goes to the next separator or line end. */
const bareCell = (text, at, separator) => {
    const end = lineEnd(text, at);
    const found = separator ? text.indexOf(separator, at) : -1;
    const next = found >= 0 && found < end ? found : end;
    return { value: text.slice(at, next), next, isOpen: false };
};

const cellAt = (text, at, separator) => {
    const blanks = separator === "\t" ? /[ ]*/y : /[ \t]*/y;
    blanks.lastIndex = at;
    const start = at + blanks.exec(text)[0].length;
    if (text[start] !== "\"") return bareCell(text, at, separator);
    const quoted = quotedCell(text, start);
    const rest = bareCell(text, quoted.next, separator); // "Ada" Lovelace: what follows the quotes belongs to it
    return { value: quoted.value + rest.value, next: rest.next, isOpen: quoted.isOpen };
};

/** The rows of TEXT as {line, cells, isOpen}: the line they begin on, trimmed cells; isOpen: a quote was never closed. */
export const readTable = (pasted) => {
    const text = pasted.replace(/^\uFEFF/, "");
    const separator = separatorOf(text);
    const rows = [];
    let row = { line: 1, cells: [], isOpen: false };
    for (let at = 0, line = 1; at <= text.length;) {
        const cell = cellAt(text, at, separator);
        row.cells.push(cell.value.trim());
        row.isOpen ||= cell.isOpen;
        line += (cell.value.match(/\r\n|\n|\r/g) ?? []).length;
        at = cell.next;
        if (separator && text.startsWith(separator, at)) {
            at += separator.length;
            continue;
        }
        rows.push(row);
        at += text.startsWith("\r\n", at) ? 2 : 1;
        row = { line: ++line, cells: [], isOpen: false };
    }
    return rows.filter((one) => one.cells.some(Boolean));
};
