// Which domains: new ones, pre-warmed ones or one's own, by the order's type; and what holds for all of them.
import { html } from "../lib.js";
import { OWN, api } from "../api.js";
import { Check, Field, Section, formatMoney, useLoad } from "../ui/index.js";
import { OwnDomains, Stock } from "./known_names.js";
import { NewNames } from "./new_names.js";
import { PickedList } from "./picked.js";
import { providerOptions } from "./providers.js";
import { messageOf } from "./refusals.js";

const TYPES = [
    ["dfy", "New domains and mailboxes", "Names of your choice, ready within minutes."],
    ["pre_warmed_up", "Pre-warmed domains", "Have sent mail for a while, with mailboxes on them. Ready at once."],
    ["extra_accounts", "More mailboxes on a domain you have", "Up to five on each."],
];

export function TypePart({ type, onChange }) {
    return html`<${Section} title="What do you need?">
        <div class="types" role="radiogroup" aria-label="What do you need?">${TYPES.map(([id, label, hint]) => html`<${Check} key=${id} type="radio" name="order-type" label=${label} hint=${hint}
            checked=${type === id} onInput=${() => onChange({ type: id })} />`)}</div>
    <//>`;
}

function Provider({ draft, prices, refusals, onChange }) {
    const year = prices && `Each domain costs ${formatMoney(prices.domain_year)} a year besides.`;
    return html`<${Field} type="select" label="Mailboxes at" options=${providerOptions(prices)} value=${String(draft.provider)} hint=${year}
        error=${messageOf(refusals, "provider")} onInput=${(value) => onChange({ provider: Number(value) })} />`;
}

const Forwarding = ({ draft, refusals, onChange }) => html`<${Field} label="Send visitors of these domains to" optional name="forwarding" inputmode="url"
    hint="The website of the brand, such as acme.com." value=${draft.forwarding} error=${messageOf(refusals, "forwarding")} onInput=${(forwarding) => onChange({ forwarding })} />`;

const LEDES = {
    dfy: "Cold mail is best sent from names like the brand's, not from the brand's own.",
    pre_warmed_up: "What is in stock, with its mailboxes.",
    extra_accounts: "Choose the domains that get more mailboxes.",
};

/** picks: what use_draft.js gives to change them with. */
export function DomainsPart({ draft, picks, refusals, onChange }) {
    const load = useLoad((signal) => api.get(`${OWN}/prices`, { signal }), []);
    const prices = load.data?.prices;
    const chosen = new Set(draft.picks[draft.type].map((pick) => pick.domain));
    const toggle = ({ domain, provider = null }, isChosen) => (isChosen ? picks.add([{ domain, provider }]) : picks.remove(domain));
    const add = (domains) => picks.add(domains.map((domain) => ({ domain, provider: null })));
    const source = {
        dfy: () => html`<${NewNames} chosen=${chosen} onToggle=${toggle} onAdd=${add} />`,
        pre_warmed_up: () => html`<${Stock} chosen=${chosen} onToggle=${toggle} />`,
        extra_accounts: () => html`<${OwnDomains} chosen=${chosen} onToggle=${toggle} onNew=${() => onChange({ type: "dfy" })} />`,
    };
    return html`<${Section} title="Domains" lede=${LEDES[draft.type]}>
        ${source[draft.type]()}
        <${PickedList} draft=${draft} prices=${prices} refusals=${refusals} onRemove=${picks.remove} onChange=${picks.change} />
        ${draft.type !== "extra_accounts" && html`<div class="order-terms">
            ${draft.type === "dfy" && html`<${Provider} draft=${draft} prices=${prices} refusals=${refusals} onChange=${onChange} />`}
            <${Forwarding} draft=${draft} refusals=${refusals} onChange=${onChange} />
        </div>`}
    <//>`;
}
