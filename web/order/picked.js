// The chosen domains, each with what is wrong with it.
import { html, useRef, useUid } from "../lib.js";
import { Button, Field, FieldError } from "../ui/index.js";
import { messageOf, providerName } from "./refusals.js";

const PROVIDERS = [1, 2].map((number) => [String(number), providerName(number)]);

function Picked({ pick, error, onRemove, onProvider }) {
    const id = useUid();
    return html`<li class=${error ? "picked has-error" : "picked"}>
        <span class="picked-name">${pick.domain}</span>
        ${pick.is_guessed && html`<${Field} hidden type="select" label=${`Provider of ${pick.domain}`} options=${PROVIDERS} value=${String(pick.provider)}
            onInput=${(value) => onProvider(pick.domain, Number(value))} />`}
        <${Button} kind="quiet" small icon="close" label=${`Remove ${pick.domain}`} aria-describedby=${error ? id : undefined} data-error=${error ? "" : undefined}
            onClick=${() => onRemove(pick.domain)} />
        ${error && html`<${FieldError} id=${id}>${error}<//>`}
    </li>`;
}

/** onRemove(domain), onProvider(domain, number): where the provider is not known, somebody has to say it. */
export function PickedList({ picks, refusals, onRemove, onProvider }) {
    const title = useRef();
    const id = useUid();
    const general = messageOf(refusals, "domains");
    const remove = (domain) => {
        onRemove(domain);
        title.current.focus(); // the button goes with its row
    };
    return html`<div class="picked-box" role="group" aria-labelledby=${id}>
        <h3 id=${id} ref=${title} tabindex="-1" data-error=${general ? "" : undefined} aria-describedby=${general ? `${id}-error` : undefined}>Chosen (${picks.length})</h3>
        ${general && html`<${FieldError} id=${`${id}-error`}>${general}<//>`}
        ${picks.length > 0 && html`<ul class="picked-list">${picks.map((pick) => html`<${Picked} key=${pick.domain} pick=${pick} error=${messageOf(refusals, `domain:${pick.domain}`)} onRemove=${remove} onProvider=${onProvider} />`)}</ul>`}
    </div>`;
}
