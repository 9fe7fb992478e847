import { html, useEffect, useRef, useState } from "../lib.js";
import { OWN, V2, api } from "../api.js";
import { Button, Check, Dialog, Failed, Field, Form, Loaded, focusFirstError, toast, useAction, useLoad } from "../ui/index.js";

const SIMILAR = `${V2}/dfy-email-account-orders/domains/similar`;
const NAMES_MAX = 8;

const refusals = {
    unavailable_domains: "Somebody has this name already. Take another one.",
    blacklist_domains: "This name is too close to a protected one. Take another one.",
    invalid_domains: "This is no name that can be ordered here: it needs the form name.com or name.org.",
    invalid_forwarding_domains: "The website forwards to this very name. Take another one.",
};

/** What the server has against the name, for the field; undefined when it is not about the name. */
function faultOf(error) {
    if (error?.status === 422) return refusals[error.body?.order_error] ?? error.message;
    return error?.status === 400 ? error.message : undefined;
}

function Names({ names, chosen, choose }) {
    if (!names.length) return html`<p class="muted">No free name like it was found. Write one of your own below.</p>`;
    return html`<fieldset class="swap-names"><legend class="legend-title">Free names like it</legend>
        ${names.map((name) => html`<${Check} key=${name} type="radio" name="swap" label=${name} checked=${chosen === name} onInput=${() => choose(name)} />`)}
    </fieldset>`;
}

/** Takes another name in place of DOMAIN. onDone is called with the new name. */
export function SwapDialog({ domain, onClose, onDone }) {
    const [name, setName] = useState("");
    const [fault, setFault] = useState(null);
    const box = useRef();
    const similar = useLoad((signal) => api.post(SIMILAR, { domain }, { signal }), [domain]);
    const [swap, { busy, error }] = useAction(() => api.post(`${OWN}/domains/${encodeURIComponent(domain)}/swap`, { domain: name.trim() }));
    useEffect(() => {
        setFault(faultOf(error) ?? null);
        if (error) focusFirstError(box.current);
    }, [error]);
    const choose = (next) => {
        setName(next);
        setFault(null);
    };
    const submit = async () => {
        if (!name.trim()) return setFault("Choose one of the names, or write one.");
        const answer = await swap();
        if (!answer) return undefined;
        toast(`${answer.domain} takes the place of ${domain}`);
        return onDone(answer.domain);
    };
    return html`<${Dialog} title=${`Another name for ${domain}`} onClose=${() => busy || onClose()}>
        <div ref=${box}><${Form} onSubmit=${submit}>
            <p>The new name gets the same mailboxes and forwarding, under the same order. Nothing more is charged, and nothing goes back.</p>
            <${Loaded} load=${similar} rows=${4}>${(data) => html`<${Names} names=${data.domains.slice(0, NAMES_MAX)} chosen=${name.trim()} choose=${choose} />`}<//>
            <${Field} label="New name" hint="One of these, or one of your own: .com or .org" value=${name} error=${fault} onInput=${choose} />
            ${error && !fault && !faultOf(error) && html`<${Failed} error=${error} title="Nothing was swapped" />`}
            <div class="row"><${Button} type="submit" kind="primary" busy=${busy}>Take this name<//>
                <${Button} disabled=${busy} onClick=${onClose}>Keep waiting for the refund<//></div>
        <//></div>
    <//>`;
}
