// A list of people out of a spreadsheet, a CSV file or a mail program.
import { html, useState } from "../lib.js";
import { Button, Dialog, Field, announce, count } from "../ui/index.js";
import { parsePeople } from "./people.js";

const FILE_MAX = 1 << 20; // bytes

const problemLines = (problems) => (problems.length
    ? html`${problems.map(({ line, message }) => html`<span class="line" key=${line}>Line ${line}: ${message}</span>`)}`
    : null);

const preview = (people) => {
    if (!people.length) return "Nobody found yet.";
    const names = people.slice(0, 3).map((person) => `${person.first_name} ${person.last_name}`.trim()).join(", ");
    return `${count(people.length, "person", "people")} found: ${names}${people.length > 3 ? " …" : ""}`;
};

function PasteDialog({ onPeople, onClose }) {
    const [text, setText] = useState("");
    const [wrong, setWrong] = useState(null);
    const { people, problems } = parsePeople(text);
    const type = (next) => {
        setText(next);
        setWrong(null);
    };
    const use = () => {
        if (!people.length) {
            setWrong("Nobody is in this text. Write one person a line: first name, last name and, if you like, an address.");
            return;
        }
        onPeople(people);
        announce(`${count(people.length, "person", "people")} added`);
        onClose();
    };
    const read = async (event) => {
        const [chosen] = event.currentTarget.files;
        if (!chosen) return;
        if (chosen.size > FILE_MAX) setWrong("This file is over 1 MB: too large for a list of people.");
        else type(await chosen.text());
    };
    const actions = html`<${Button} onClick=${onClose}>Back<//><${Button} kind="primary" onClick=${use}>Add these people<//>`;
    return html`<${Dialog} title="Paste a list of people" wide onClose=${onClose} actions=${actions}>
        <${Field} label="People" type="textarea" rows="8" name="people" value=${text} onInput=${type} error=${wrong ?? problemLines(problems)}
            hint="From a spreadsheet or a CSV file: first name, last name and, if you like, an address. Or one name a line." />
        <p class="muted" role="status">${preview(people)}</p>
        <p><label class="button pick-file">Choose a CSV file<input class="sr" type="file" accept=".csv,.tsv,.txt,text/csv,text/plain" onChange=${read} /></label></p>
    <//>`;
}

export function PastePeople({ onPeople }) {
    const [isOpen, setOpen] = useState(false);
    return html`<${Button} icon="copy" onClick=${() => setOpen(true)}>Paste a list<//>
        ${isOpen && html`<${PasteDialog} onPeople=${onPeople} onClose=${() => setOpen(false)} />`}`;
}
