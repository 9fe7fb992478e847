// Domains that are there already: the pre-warmed stock, and those of the workspace.
import { html, useState } from "../lib.js";
import { OWN, api } from "../api.js";
import { Button, Empty, Loaded, Search, count, useLoad } from "../ui/index.js";
import { Choices } from "./choices.js";
import { providerName } from "./refusals.js";
import { ORDERS } from "./use_quote.js";

const SEATS = 5; // mailboxes of a domain that is not Microsoft's
const MICROSOFT = 3;

/** The stock, with what each domain's mailboxes are. */
export function Stock({ chosen, onToggle }) {
    const [search, setSearch] = useState("");
    const load = useLoad((signal) => api.post(`${ORDERS}/domains/pre-warmed-up-list`, search ? { search } : {}, { signal }), [search]);
    return html`<${Search} label="Search the pre-warmed domains" value=${search} onSearch=${setSearch} />
        <${Loaded} load=${load} rows=${3}>${({ domains_with_type: stock }) => (stock.length
            ? html`<${Choices} key=${search} legend=${`${count(stock.length, "domain")} in stock`} chosen=${chosen} onToggle=${onToggle}
                options=${stock.map(({ domain, account_type: provider }) => ({ domain, provider, hint: `Mailboxes at ${providerName(provider)}` }))} />`
            : html`<${Empty} title=${search ? `No pre-warmed domain with “${search}” in its name` : "No pre-warmed domains in stock"}>${search ? "Search for less." : "Order new domains instead: they are ready within minutes."}<//>`)}<//>`;
}

const PROVIDERS = { Google: 1, AirMail: 2, Microsoft: MICROSOFT };

/** A domain of the workspace's as it is chosen; `is_guessed` when its provider cannot be seen. */
export const ownPick = async (domain) => {
    try {
        return { domain, provider: PROVIDERS[(await api.get(`${OWN}/domains/${encodeURIComponent(domain)}`)).provider] };
    } catch {
        return { domain, provider: 1, is_guessed: true };
    }
};

const ownOption = ({ domain, provider, n_mailboxes: mailboxes }) => {
    const number = PROVIDERS[provider];
    const reason = (number === MICROSOFT && "At Microsoft: no mailboxes can be added later")
        || (mailboxes >= SEATS && `Has all ${SEATS} mailboxes that fit`);
    return { domain, provider: number, hint: `${provider}, ${mailboxes} of ${SEATS} mailboxes`, ...(reason && { reason }) };
};

const isAlive = (one) => one.state !== "cancelled" && one.state !== "failed";

/** The workspace's domains, found by a part of their name. onNew: there are none, and somebody wants some. */
export function OwnDomains({ chosen, onToggle, onNew }) {
    const [search, setSearch] = useState("");
    const load = useLoad((signal) => api.get(`${OWN}/domains`, { query: { search, limit: 100 }, signal }), [search]);
    return html`<${Search} label="Search your domains" value=${search} onSearch=${setSearch} />
        <${Loaded} load=${load} rows=${3}>${({ items, next_starting_after: more }) => {
            const options = items.filter(isAlive).map(ownOption);
            if (!options.length)
                return html`<${Empty} title=${search ? `No domain of yours with “${search}” in its name` : "You have no domains yet"}
                    action=${search ? null : html`<${Button} onClick=${onNew}>Order new domains<//>`}>${search ? "Search for less." : "Order new domains and mailboxes first."}<//>`;
            return html`<${Choices} key=${search} legend="Your domains" chosen=${chosen} onToggle=${onToggle} options=${options} />
                ${more && html`<p class="hint">These are the newest 100. Search for the others.</p>`}`;
        }}<//>`;
}
