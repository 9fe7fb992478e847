// A list of domains to choose from: the best first, more on demand.
import { html, useState } from "../lib.js";
import { Button, Check, count } from "../ui/index.js";

const SHOWN = 12;

/** options: [{domain, hint, reason}]; reason: why it cannot be chosen. chosen: a set of names. onToggle(option, isChosen). */
export function Choices({ legend, options, chosen, onToggle }) {
    const [shown, setShown] = useState(SHOWN);
    const left = options.length - shown;
    return html`<fieldset class="choices">
        <legend>${legend}</legend>
        <div class="choice-grid">${options.slice(0, shown).map((option) => html`<${Check} key=${option.domain} label=${option.domain}
            hint=${option.reason ?? option.hint} disabled=${Boolean(option.reason)} checked=${chosen.has(option.domain)}
            onInput=${(isChosen) => onToggle(option, isChosen)} />`)}</div>
        ${left > 0 && html`<${Button} kind="quiet" icon="down" onClick=${() => setShown(shown + 2 * SHOWN)}>Show ${count(Math.min(left, 2 * SHOWN), "more name")}<//>`}
    </fieldset>`;
}
