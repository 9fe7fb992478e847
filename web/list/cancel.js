// Asks before a mailbox, or a domain with all it has, is cancelled: says what is lost, and does it.
import { html, useState } from "../lib.js";
import { OWN, V2, api } from "../api.js";
import { Button, Dialog, Failed, Field, Loaded, useAction, useLoad } from "../ui/index.js";
import { lossOf } from "./loss.js";

const CANCEL = `${V2}/dfy-email-account-orders/accounts/cancel`;

/** The button that led here is gone: who used it is back at the top of the page, and nowhere else. */
function keepFocus() {
    requestAnimationFrame(() => document.activeElement === document.body && document.querySelector("h1").focus({ preventScroll: true }));
}

/** email: the mailbox; null: the whole domain. onDone(emails, isDomain): the addresses that are cancelled, whether the domain is. */
export function CancelDialog({ domain, email = null, onDone, onClose }) {
    const [typed, setTyped] = useState("");
    const load = useLoad((signal) => api.get(`${OWN}/domains/${encodeURIComponent(domain)}`, { signal }), [domain]);
    const loss = load.data && lossOf(load.data, email);
    const [run, { busy, error }] = useAction(async () => {
        await api.post(CANCEL, { accounts: loss.emails });
        return true;
    });
    const mayNot = !loss || (loss.typed && typed.trim().toLowerCase() !== loss.typed);
    const act = async () => {
        if (!(await run())) return;
        onDone(loss.emails, Boolean(loss.typed));
        keepFocus();
    };
    const close = () => busy || onClose();
    const actions = html`<${Button} disabled=${busy} onClick=${close}>Keep it<//>
        <${Button} kind="danger" busy=${busy} disabled=${mayNot} needs="dfy_email_account_orders:delete" onClick=${act}>${loss?.action ?? "Cancel"}<//>`;
    return html`<${Dialog} title=${loss?.title ?? `Cancel ${email ?? domain}?`} actions=${actions} onClose=${close}>
        <${Loaded} load=${load} rows=${4}>${() => html`
            <ul class="list">${loss.lines.map((line) => html`<li key=${line}>${line}</li>`)}</ul>
            ${loss.emails.length > 1 && html`<details><summary>The ${loss.emails.length} mailboxes</summary><ul class="list loss">${loss.emails.map((one) => html`<li key=${one}>${one}</li>`)}</ul></details>`}
            ${loss.typed && html`<${Field} label=${`Type ${loss.typed} to agree`} value=${typed} onInput=${setTyped} autocapitalize="none" />`}`}
        <//>
        ${error && html`<${Failed} error=${error} title=${error.status ? "Nothing was cancelled" : "Whether it was cancelled is not known; trying again does no harm"} />`}
    <//>`;
}
