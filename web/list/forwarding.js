// Where a domain's visitors are sent, and how to change that in place.
import { html, useLayoutEffect, useRef, useState } from "../lib.js";
import { V2, api } from "../api.js";
import { Button, Failed, Field, Form, toast, useAction } from "../ui/index.js";
import { readHost } from "./host.js";

const MODES = [["redirect", "Redirect: they see the other address"], ["stealth", "Stealth: they see this domain's address"]];

function Editor({ domain, target, mode, onSaved, onClose }) {
    const [text, setText] = useState(target ?? "");
    const [kind, setKind] = useState(mode ?? "redirect");
    const [wrong, setWrong] = useState(null);
    const path = `${V2}/domains/${encodeURIComponent(domain)}/forwarding`;
    const [save, saving] = useAction((host) => api.put(path, { forwarding_domain: host, forwarding_mode: kind }));
    const [stop, stopping] = useAction(() => api.delete(path));
    const busy = saving.busy || stopping.busy;
    const submit = async () => {
        const { host, error } = readHost(text);
        setWrong(error ?? null);
        if (busy || error) return;
        stopping.clear();
        const answer = await save(host);
        if (answer) onSaved(answer, `${domain} now leads to ${answer.forwarding_domain}`);
    };
    const remove = async () => {
        setWrong(null);
        saving.clear();
        const answer = await stop();
        if (answer) onSaved(answer, `${domain} is not forwarded any more`);
    };
    const type = (next) => {
        setText(next);
        setWrong(null);
        saving.clear();
    };
    const escape = (event) => event.key === "Escape" && !busy && onClose();
    const refusal = saving.error && saving.error.status < 500 && saving.error.status >= 400 && saving.error.status !== 429 ? saving.error : null;
    const failure = stopping.error ?? (refusal ? null : saving.error);
    return html`<${Form} onSubmit=${submit} onKeyDown=${escape} class="form forwarding-form" aria-label=${`Forwarding of ${domain}`}>
        <${Field} label="Send visitors to" placeholder="www.acme.com" inputmode="url" autocapitalize="none" value=${text} onInput=${type} error=${wrong ?? refusal?.message} />
        <${Field} label="How" type="select" options=${MODES} value=${kind} onInput=${setKind} />
        ${failure && html`<${Failed} error=${failure} title="Nothing was changed" />`}
        <div class="actions">
            <${Button} small kind="primary" type="submit" busy=${saving.busy} needs="dfy_email_account_orders:update">Save<//>
            ${target && html`<${Button} small busy=${stopping.busy} disabled=${saving.busy} needs="dfy_email_account_orders:delete" onClick=${remove}>Stop forwarding<//>`}
            <${Button} small kind="quiet" disabled=${busy} onClick=${onClose}>Back<//>
        </div>
    <//>`;
}

/** target, mode: as the server says them, or null. onChange(target, mode) once they are others. fixed: it cannot be changed. */
export function Forwarding({ domain, target, mode, fixed, onChange }) {
    const [isOpen, setOpen] = useState(false);
    const box = useRef();
    const wasOpen = useRef(false);
    useLayoutEffect(() => {
        if (isOpen !== wasOpen.current) box.current.querySelector(isOpen ? "input" : "button")?.focus();
        wasOpen.current = isOpen;
    }, [isOpen]);
    const close = () => setOpen(false);
    const saved = (answer, words) => {
        close();
        onChange(answer.forwarding_domain, answer.forwarding_mode);
        toast(words);
    };
    if (isOpen) return html`<div ref=${box}><${Editor} domain=${domain} target=${target} mode=${mode} onSaved=${saved} onClose=${close} /></div>`;
    return html`<div ref=${box} class="forwarding">
        ${target ? html`<span>${target}${mode === "stealth" && html` <span class="muted small">stealth</span>`}</span>` : html`<span class="muted">none</span>`}
        ${!fixed && html`<${Button} small kind="quiet" label=${`Edit the forwarding of ${domain}`} onClick=${() => setOpen(true)}>Edit<//>`}
    </div>`;
}
