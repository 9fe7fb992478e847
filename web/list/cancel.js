// Asks before mailboxes, or a domain with all it has, are cancelled: says what is lost, and does it.
import { html, useState } from "../lib.js";
import { OWN, V2, api } from "../api.js";
import { Button, Dialog, Failed, Field, Loaded, useAction, useLoad } from "../ui/index.js";
import { lossOf } from "./loss.js";
import { lossOfMany } from "./loss_many.js";

const CANCEL = `${V2}/dfy-email-account-orders/accounts/cancel`;
const AT_ONCE = 8; // domains that are asked for beside each other

/** The button that led here is gone: who used it is back at the top of the page, and nowhere else. */
function keepFocus() {
    requestAnimationFrame(() => document.activeElement === document.body && document.querySelector("h1").focus({ preventScroll: true }));
}

const getDomain = (domain, signal) => api.get(`${OWN}/domains/${encodeURIComponent(domain)}`, { signal });

async function getDomains(names, signal) {
    const found = [];
    while (found.length < names.length)
        found.push(...await Promise.all(names.slice(found.length, found.length + AT_ONCE).map((name) => getDomain(name, signal))));
    return found;
}

const Ends = ({ ends }) => html`<div>
    <h3>Cancelled with them</h3>
    <ul class="list loss">${ends.map((end) => html`<li key=${end}>${end}</li>`)}</ul>
</div>`;

/** load: of useLoad; loss: of lossOf or lossOfMany, null before it is known; title: until then. */
function LossDialog({ title, keep, load, loss, onDone, onClose }) {
    const [typed, setTyped] = useState("");
    const [run, { busy, error }] = useAction(async () => {
        await api.post(CANCEL, { accounts: loss.emails });
        return true;
    });
    const mayNot = !loss?.emails.length || (loss.typed && typed.trim().toLowerCase() !== loss.typed);
    const act = async () => {
        if (!(await run())) return;
        onDone(loss);
        keepFocus();
    };
    const close = () => busy || onClose();
    const actions = html`<${Button} disabled=${busy} onClick=${close}>${keep}<//>
        <${Button} kind="danger" busy=${busy} disabled=${mayNot} needs="dfy_email_account_orders:delete" onClick=${act}>${loss?.action ?? "Cancel"}<//>`;
    return html`<${Dialog} title=${loss?.title ?? title} actions=${actions} onClose=${close}>
        <${Loaded} load=${load} rows=${4}>${() => html`
            <ul class="list">${loss.lines.map((line) => html`<li key=${line}>${line}</li>`)}</ul>
            ${loss.ends?.length > 0 && html`<${Ends} ends=${loss.ends} />`}
            ${loss.emails.length > 1 && html`<details><summary>The ${loss.emails.length} mailboxes</summary><ul class="list loss">${loss.emails.map((one) => html`<li key=${one}>${one}</li>`)}</ul></details>`}
            ${loss.typed && html`<${Field} label=${`Type ${loss.typed} to agree`} value=${typed} onInput=${setTyped} autocapitalize="none" />`}`}
        <//>
        ${error && html`<${Failed} error=${error} title=${error.status ? "Nothing was cancelled" : "Whether it was cancelled is not known; trying again does no harm"} />`}
    <//>`;
}

/** email: the mailbox; null: the whole domain. onDone(emails, isDomain): the addresses that are cancelled, whether the domain is. */
export function CancelDialog({ domain, email = null, onDone, onClose }) {
    const load = useLoad((signal) => getDomain(domain, signal), [domain]);
    return html`<${LossDialog} title=${`Cancel ${email ?? domain}?`} keep="Keep it" load=${load} loss=${load.data ? lossOf(load.data, email) : null}
        onDone=${({ emails, typed }) => onDone(emails, Boolean(typed))} onClose=${onClose} />`;
}

/** mailboxes: two or more, as a list has them. onDone(emails, n): the addresses that are cancelled, and how many domains with them. */
export function CancelManyDialog({ mailboxes, onDone, onClose }) {
    const load = useLoad((signal) => getDomains([...new Set(mailboxes.map(({ domain }) => domain))], signal), []);
    return html`<${LossDialog} title=${`Cancel ${mailboxes.length} mailboxes?`} keep="Keep them" load=${load} loss=${load.data ? lossOfMany(load.data, mailboxes.map(({ email }) => email)) : null}
        onDone=${({ emails, n_domains }) => onDone(emails, n_domains)} onClose=${onClose} />`;
}
