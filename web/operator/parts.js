// What several pages of the operator share.
import { OWN, api } from "../api.js";
import { html, useEffect, useState, useUid } from "../lib.js";
import { Field } from "../ui/index.js";

export const OPERATOR = `${OWN}/operator`;
const PAUSE_MS = 200;
const NAMES = 20;

/** A workspace by its name, proposed as one types; empty stands for all. Takes what Field takes. */
export function WorkspaceField({ value = "", onInput, ...rest }) {
    const id = useUid();
    const [names, setNames] = useState([]);
    useEffect(() => {
        const abort = new AbortController();
        const ask = () =>
            api.get(`${OPERATOR}/workspaces`, { query: { search: value, limit: NAMES }, signal: abort.signal }).then(
                ({ items }) => setNames(items.map(({ name }) => name)),
                () => {}, // proposals are a help: without them the name is typed whole
            );
        const timer = setTimeout(ask, PAUSE_MS);
        return () => (clearTimeout(timer), abort.abort());
    }, [value]);
    return html`<${Field} label="Workspace" value=${value} onInput=${onInput} list=${id} ...${rest} />
        <datalist id=${id}>${names.map((name) => html`<option key=${name} value=${name} />`)}</datalist>`;
}

/** The workspace's name, or that it is for everyone. */
export const forWhom = (row) => row.workspace ?? (row.workspace_id ? row.workspace_id : "everyone");

/** What a datetime-local field says, in this zone, as the server takes it; null when it is empty. */
export const fromLocal = (text) => (text ? new Date(text).toISOString() : null);

/** "price_set" as "price set". */
export const words = (name) => name.replaceAll("_", " ");
