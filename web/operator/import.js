// A list of pre-warmed domains is looked at first, line by line, and only then put up for sale; all of it or nothing.
import { api } from "../api.js";
import { html, useState } from "../lib.js";
import { Field, FormDialog, Notice, Table, count, toast, useAction } from "../ui/index.js";

const CSV = { type: "text/csv" };
const EXAMPLE = "domain,provider,mailbox,first name,last name\nwarm-acme.com,AirMail,anna,Anna,Berg";

const problemColumns = [
    { key: "line", title: "Line", head: true, cell: (row) => row.line },
    { key: "domain", title: "Domain" },
    { key: "message", title: "What is wrong", wide: true },
];

function Found({ result }) {
    const what = `${count(result.n_domains, "domain")} with ${count(result.n_mailboxes, "mailbox", "mailboxes")}`;
    if (!result.n_problems) return html`<${Notice} tone="good" title="Nothing is wrong with this list">${what} will be for sale.<//>`;
    const more = result.n_problems - result.problems.length;
    return html`<${Notice} tone="bad" title=${`${count(result.n_problems, "thing")} to mend in ${what}`}>
            Nothing is imported until every line is right.${more > 0 ? ` These are the first ${result.problems.length}.` : ""}<//>
        <div class="scroll" tabindex="0" role="region" aria-label="What is wrong"><${Table} caption="What is wrong" rows=${result.problems} rowKey=${(row) => `${row.line} ${row.message}`}
            columns=${problemColumns} /></div>`;
}

export function Import({ path, onClose, onDone }) {
    const [text, setText] = useState("");
    const [looked, setLooked] = useState(null); // {text, result} of the last look
    const [problem, setProblem] = useState(null);
    const result = looked?.text === text ? looked.result : null;
    const isGood = result && !result.n_problems;
    const [send, { busy, error }] = useAction(async () => {
        try {
            const answer = await api.post(isGood ? path : `${path}?dry_run=true`, text, CSV);
            if (!answer.imported) return setLooked({ text, result: answer });
            toast(`${count(answer.n_domains, "domain")} put up for sale`);
            return onDone();
        } catch (refused) {
            if (!refused.body?.problems) throw refused;
            return setLooked({ text, result: refused.body });
        }
    });
    const submit = async () => {
        const wrong = text.trim() ? null : "Paste a list, or choose a file.";
        setProblem(wrong);
        if (!wrong) await send();
    };
    const read = async (event) => {
        const [file] = event.currentTarget.files;
        if (file) setText(await file.text());
    };
    return html`<${FormDialog} wide title="Import domains" action=${isGood ? `Put ${count(result.n_domains, "domain")} up for sale` : "Check the list"}
        onClose=${onClose} onSubmit=${submit} busy=${busy} error=${error}
        lede="One line a mailbox: domain, provider, what stands before the @, first name, last name.">
        <div class="field"><label for="import-file">CSV file</label><input id="import-file" type="file" accept=".csv,.tsv,.txt,text/csv" onChange=${read} /></div>
        <${Field} label="List" type="textarea" rows="8" class="input mono" value=${text} onInput=${setText} error=${problem} placeholder=${EXAMPLE} />
        ${result && html`<${Found} result=${result} />`}
    <//>`;
}
