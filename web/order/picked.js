// The chosen domains, each with what it has of its own and what is wrong with it.
import { html, useEffect, useRef, useState, useUid } from "../lib.js";
import { Button, Field, FieldError } from "../ui/index.js";
import { hasOwnVisitors, ownInWords } from "./apart.js";
import { providerOptions } from "./providers.js";
import { messageOf, providerName } from "./refusals.js";

const GUESSES = [1, 2].map((number) => [String(number), providerName(number)]);

const visitorOptions = ({ forwarding }) => [
    ["", forwarding.trim() ? `Like the others: ${forwarding.trim()}` : "Like the others: nowhere"],
    ["none", "Nowhere"],
    ["own", "To a site of its own"],
];

/** What holds for this domain alone. onChange(values): of its pick. */
function OwnFields({ id, draft, pick, prices, errors, onChange }) {
    const of = html`<span class="sr">of ${pick.domain}</span>`; // the row says it to those who see it
    return html`<div class="picked-own" id=${id}>
        ${draft.type === "dfy" && html`<${Field} type="select" label=${html`Mailboxes ${of} at`} value=${String(pick.provider ?? "")} error=${errors.provider}
            options=${[["", `Like the others: ${providerName(draft.provider)}`], ...providerOptions(prices)]} onInput=${(value) => onChange({ provider: Number(value) || null })} />`}
        <${Field} type="select" label=${html`Visitors ${of} go`} options=${visitorOptions(draft)} value=${pick.visitors ?? ""}
            error=${hasOwnVisitors(pick) ? null : errors.forwarding} onInput=${(visitors) => onChange({ visitors })} />
        ${pick.visitors === "own" && html`<${Field} label=${html`Site for the visitors ${of}`} inputmode="url" autocapitalize="none" value=${pick.forwarding ?? ""}
            error=${errors.forwarding} onInput=${(forwarding) => onChange({ forwarding })} />`}
    </div>`;
}

function Picked({ draft, pick, prices, errors, mayDiffer, onRemove, onChange }) {
    const id = useUid();
    const isWrong = Boolean(errors.provider || errors.forwarding);
    const [isOpen, setOpen] = useState(isWrong);
    useEffect(() => {
        if (isWrong) setOpen(true);
    }, [isWrong]);
    const own = ownInWords(draft, pick);
    return html`<li class=${errors.domain ? "picked has-error" : "picked"}>
        <span class="picked-name">${pick.domain}${own && !isOpen && html`<span class="below">${own}</span>`}</span>
        ${pick.is_guessed && html`<${Field} hidden type="select" label=${`Provider of ${pick.domain}`} options=${GUESSES} value=${String(pick.provider)}
            onInput=${(value) => onChange(pick.domain, { provider: Number(value) })} />`}
        ${(mayDiffer || own) && html`<${Button} kind="quiet" small icon=${isOpen ? "up" : "down"} label=${`Own settings of ${pick.domain}`} aria-expanded=${isOpen ? "true" : "false"} aria-controls=${isOpen ? `${id}-own` : undefined}
            onClick=${() => setOpen(!isOpen)}>Own settings<//>`}
        <${Button} kind="quiet" small icon="close" label=${`Remove ${pick.domain}`} aria-describedby=${errors.domain ? id : undefined} data-error=${errors.domain ? "" : undefined}
            onClick=${() => onRemove(pick.domain)} />
        ${errors.domain && html`<${FieldError} id=${id}>${errors.domain}<//>`}
        ${isOpen && (mayDiffer || own) && html`<${OwnFields} id=${`${id}-own`} draft=${draft} pick=${pick} prices=${prices} errors=${errors} onChange=${(values) => onChange(pick.domain, values)} />`}
    </li>`;
}

const errorsOf = (refusals, domain) => ({
    domain: messageOf(refusals, `domain:${domain}`),
    provider: messageOf(refusals, `provider:${domain}`),
    forwarding: messageOf(refusals, `forwarding:${domain}`),
});

/** onRemove(domain), onChange(domain, values): of its pick. prices: of GET prices, or undefined. */
export function PickedList({ draft, prices, refusals, onRemove, onChange }) {
    const title = useRef();
    const id = useUid();
    const picks = draft.picks[draft.type];
    const mayDiffer = picks.length > 1 && draft.type !== "extra_accounts"; // a single one has what is chosen for all
    const general = messageOf(refusals, "domains");
    const remove = (domain) => {
        onRemove(domain);
        title.current.focus(); // the button goes with its row
    };
    return html`<div class="picked-box" role="group" aria-labelledby=${id}>
        <h3 id=${id} ref=${title} tabindex="-1" data-error=${general ? "" : undefined} aria-describedby=${general ? `${id}-error` : undefined}>Chosen (${picks.length})</h3>
        ${general && html`<${FieldError} id=${`${id}-error`}>${general}<//>`}
        ${picks.length > 0 && html`<ul class="picked-list">${picks.map((pick) => html`<${Picked} key=${pick.domain} draft=${draft} pick=${pick} prices=${prices}
            errors=${errorsOf(refusals, pick.domain)} mayDiffer=${mayDiffer} onRemove=${remove} onChange=${onChange} />`)}</ul>`}
    </div>`;
}
