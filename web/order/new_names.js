// New domains: free names like a brand's, and names that somebody has in mind.
import { html, useRef, useState } from "../lib.js";
import { api } from "../api.js";
import { Button, Empty, Field, announce, count, useAction } from "../ui/index.js";
import { fold } from "./addresses.js";
import { Choices } from "./choices.js";
import { readNames, whyNotFree } from "./names.js";
import { ORDERS } from "./use_quote.js";

const CHECKED_MAX = 50; // names in one question
const LINES_MAX = 8;

const submit = (act) => (event) => {
    event.preventDefault();
    act();
};

const asFew = (names) => Array.from({ length: Math.ceil(names.length / CHECKED_MAX) }, (_, i) => names.slice(i * CHECKED_MAX, (i + 1) * CHECKED_MAX));

const checkAll = async (names) => {
    const answers = await Promise.all(asFew(names).map((domains) => api.post(`${ORDERS}/domains/check`, { domains })));
    return answers.flatMap((answer) => answer.results);
};

/** Names like that of a website; of a brand without an extension its own .com, too. */
const freeNamesLike = async (brand) => {
    const label = brand.includes(".") ? "" : fold(brand);
    const ask = api.post(`${ORDERS}/domains/similar`, { domain: label || brand });
    if (!label) return (await ask).domains;
    const [{ domains }, own] = await Promise.all([ask, checkAll([`${label}.com`]).catch(() => [])]);
    return [...own.filter((result) => result.available).map((result) => result.domain), ...domains];
};

function Similar({ chosen, onToggle }) {
    const [brand, setBrand] = useState("");
    const [found, setFound] = useState(null);
    const [empty, setEmpty] = useState(null);
    const box = useRef();
    const turn = useRef(0);
    const [find, { busy, error, clear }] = useAction(async () => {
        const mine = ++turn.current;
        const domains = await freeNamesLike(brand.trim());
        if (mine !== turn.current) return; // names like another one were asked for meanwhile
        setFound({ brand: brand.trim(), domains });
        announce(`${count(domains.length, "free name")} like ${brand.trim()}`);
    });
    const type = (text) => {
        setBrand(text);
        setEmpty(null);
        clear();
    };
    const act = () => {
        if (brand.trim()) return find();
        setEmpty("Write the name of the brand, such as Acme, or its website.");
        return box.current.querySelector("input").focus();
    };
    return html`<form class="ask" ref=${box} novalidate onSubmit=${submit(act)}>
        <${Field} label="Brand or website" hint="Such as acme or acme.com: names like it that are free are found." name="brand" value=${brand} onInput=${type}
            error=${empty ?? error?.message} after=${html`<${Button} type="submit" icon="search" busy=${busy} needs="dfy_email_account_orders:create">Find free names<//>`} />
        ${found && (found.domains.length
            ? html`<${Choices} key=${found.brand} legend=${`Free names like ${found.brand}`} chosen=${chosen} onToggle=${onToggle}
                options=${found.domains.map((domain) => ({ domain }))} />`
            : html`<${Empty} title=${`No free name like ${found.brand}`}>Try a shorter form of it, or check names of your own below.<//>`)}
    </form>`;
}

const lines = (results) => html`${results.map((result) => html`<span class="line" key=${result.domain}><b>${result.domain}</b>: ${whyNotFree(result)}</span>`)}`;

function Own({ onAdd }) {
    const [text, setText] = useState("");
    const [refused, setRefused] = useState(null);
    const [check, { busy, error, clear }] = useAction(async () => {
        const names = readNames(text);
        if (!names.length) {
            setRefused("Write one or more names, such as acme-mail.com.");
            return;
        }
        const results = await checkAll(names);
        const free = results.filter((result) => result.available).map((result) => result.domain);
        const rest = results.filter((result) => !result.available);
        onAdd(free);
        setText((now) => (now === text ? rest.map((result) => result.domain).join("\n") : now)); // somebody may have written on
        setRefused(rest.length ? lines(rest) : null);
        announce(`${count(free.length, "name")} added, ${rest.length} not free`);
    });
    const type = (next) => {
        setText(next);
        setRefused(null);
        clear();
    };
    return html`<form class="ask" novalidate onSubmit=${submit(check)}>
        <${Field} label="Names you have in mind" type="textarea" rows=${Math.min(LINES_MAX, Math.max(2, text.split("\n").length))} name="names" optional hint="One or several, parted by blanks or lines. Those that are free are added."
            value=${text} onInput=${type} error=${error?.message ?? refused}
            after=${html`<${Button} type="submit" icon="check" busy=${busy} needs="dfy_email_account_orders:create">Check and add<//>`} />
    </form>`;
}

export function NewNames({ chosen, onToggle, onAdd }) {
    return html`<${Similar} chosen=${chosen} onToggle=${onToggle} /><${Own} onAdd=${onAdd} />`;
}
