import { html, useState } from "../lib.js";
import { OWN, api } from "../api.js";
import { ButtonLink, Empty, Facts, Loaded, Money, Page, Pill, Section, Table, Time, useLoad } from "../ui/index.js";
import { Forwarding } from "../list/forwarding.js";
import { Password } from "../list/password.js";
import { Day, formatDay } from "../money/days.js";
import { Advice } from "../progress/advice.js";
import { Checks } from "../progress/checks.js";
import { Cancel, DomainBar, useTold } from "../progress/domain_part.js";
import { Records } from "../progress/records.js";
import { Steps } from "../progress/steps.js";
import { useFresh } from "../progress/use_fresh.js";
import { isMoving } from "../progress/work.js";

const IN_USE = ["provisioning", "ready", "partial"];
const TYPES = { dfy: "New domain", pre_warmed_up: "Pre-warmed domain", extra_accounts: "More mailboxes" };
const PUBLISHING = ["publish_dns", "set_forwarding"];

const price = (amount, every, at) => html`<${Money} amount=${amount} /> a ${every}${at && `, next on ${formatDay(at)}`}`;

function About({ domain }) {
    return html`<${Section} title="About">
        <${Facts} items=${[
            ["State", html`<${Pill} state=${domain.state} />`],
            ["Provider", domain.provider],
            ["Mailboxes", domain.n_mailboxes],
            ["Price", price(domain.year_price, "year", domain.timestamp_year_renews)],
            ["Per month", domain.month_price ? price(domain.month_price, "month", domain.timestamp_month_renews) : undefined],
            ["Since", html`<${Time} at=${domain.timestamp_created} style="day" />`],
            ["Cancelled", domain.timestamp_cancelled ? html`<${Time} at=${domain.timestamp_cancelled} style="day" />` : undefined],
            ["Pre-warmed", domain.is_pre_warmed ? "yes" : undefined],
        ]} />
    <//>`;
}

function Work({ domain, refunds, onChange }) {
    const isQuiet = domain.state === "ready" && !isMoving(domain.steps);
    if (isQuiet && !domain.steps.some((step) => step.state === "failed")) return null;
    const isOver = (domain.state === "cancelled" && !isMoving(domain.steps)) || Boolean(domain.swapped_for);
    return html`<${Section} title="Progress">
        ${!isOver && html`<${DomainBar} domain=${domain.domain} state=${domain.state} steps=${domain.steps} />`}
        <${Advice} domain=${{ ...domain, accounts: domain.mailboxes }} refunds=${refunds} onChange=${onChange} />
        ${!isOver && domain.steps.length > 0 && html`<${Steps} steps=${domain.steps} label=${`Steps of ${domain.domain}`} />`}
    <//>`;
}

const mailboxColumns = [
    { key: "email", title: "Address", head: true },
    { key: "name", title: "Name", cell: (mailbox) => `${mailbox.first_name} ${mailbox.last_name}` },
    { key: "state", title: "State", cell: (mailbox) => html`<${Pill} state=${mailbox.is_suspended ? "suspended" : mailbox.state} />${mailbox.reason && html` <span class="small">${mailbox.reason}</span>`}` },
    { key: "renews", title: "Renews", cell: (mailbox) => html`<${Day} at=${mailbox.timestamp_renews} />` },
    { key: "password", title: "Password", cell: ({ email, state }) => (state === "ready" ? html`<${Password} email=${email} />` : "—") },
];

function Mailboxes({ domain }) {
    const name = encodeURIComponent(domain.domain);
    const mayAdd = IN_USE.includes(domain.state) && domain.provider !== "Microsoft";
    const actions = html`${mayAdd && html`<${ButtonLink} small icon="plus" href=${`/order?type=extra_accounts&domain=${name}`}>Add mailboxes<//>`}
        ${domain.mailboxes.length > 0 && html`<${ButtonLink} small href=${`/mailboxes?domain=${name}`}>In the list<//>`}`;
    return html`<${Section} title="Mailboxes" actions=${actions}>
        ${domain.mailboxes.length
            ? html`<${Table} caption="Mailboxes" columns=${mailboxColumns} rows=${domain.mailboxes} />`
            : html`<p class="muted">There is none.</p>`}
    <//>`;
}

const Website = ({ domain, onChange }) => html`<${Section} title="Website" lede="Where visitors of the domain are sent.">
    <${Forwarding} domain=${domain.domain} target=${domain.forwarding} mode=${domain.forwarding_mode} fixed=${!["ready", "partial"].includes(domain.state)} onChange=${onChange} />
<//>`;

const PHASES = {
    announced: "its record is published; it signs once the world sees that",
    signing: "it signs; the record of the key before stays for mail that is on its way",
    sole: "it signs alone",
};

function Key({ dkim }) {
    return html`<${Section} title="Signing key (DKIM)">
        <${Facts} items=${[
            ["Key", `number ${dkim.rotation}: ${PHASES[dkim.phase] ?? dkim.phase}`],
            ["Since", dkim.timestamp_since ? html`<${Time} at=${dkim.timestamp_since} />` : "being worked towards"],
            ["Next move", dkim.timestamp_next_move ? html`<${Time} at=${dkim.timestamp_next_move} />` : undefined],
            ["In the way", dkim.reason ?? undefined],
        ]} />
    <//>`;
}

const Orders = ({ orders }) => html`<${Section} title="Orders"><ul class="stack tight">${orders.map((order) => html`<li key=${order.id}>
    <a href=${`/orders/${order.id}`}>${TYPES[order.order_type] ?? order.order_type}, <${Time} at=${order.timestamp_created} /></a></li>`)}</ul><//>`;

/** What was done about its records so far; another text when there is something new to see. */
const publishingOf = (steps) => steps.filter((step) => PUBLISHING.includes(step.kind));

function Found({ domain, load }) {
    const [looks, setLooks] = useState(0);
    useTold(domain.domain, domain.state);
    const refunds = useLoad(async (signal) => (domain.state === "failed" || domain.state === "partial" ? (await api.get(`${OWN}/orders/${domain.order_id}`, { signal })).refunds : []), [domain.state, domain.order_id]);
    const publishing = publishingOf(domain.steps);
    const isPublishing = publishing.some((step) => step.state === "due" || step.state === "running");
    const turn = `${looks} ${isPublishing} ${publishing.map((step) => `${step.state} ${step.attempts}`)}`;
    const change = () => {
        load.reload();
        refunds.reload();
    };
    const lookAgain = () => {
        setLooks((now) => now + 1);
        change();
    };
    return html`
        <${Work} domain=${domain} refunds=${refunds.data ?? []} onChange=${change} />
        <${About} domain=${domain} />
        ${IN_USE.includes(domain.state) && html`<${Records} domain=${domain.domain} isPublishing=${isPublishing} turn=${turn} onRepair=${lookAgain} />`}
        ${["ready", "partial"].includes(domain.state) && html`<${Checks} domain=${domain.domain} findings=${domain.findings} onChecked=${lookAgain} />`}
        <${Mailboxes} domain=${domain} />
        <${Website} domain=${domain} onChange=${lookAgain} />
        ${domain.dkim && html`<${Key} dkim=${domain.dkim} />`}
        <${Orders} orders=${domain.orders} />`;
}

const mayCancel = (domain) => IN_USE.includes(domain.state) && domain.mailboxes.some((mailbox) => mailbox.state !== "cancelled");

export default function DomainPage({ params }) {
    const load = useFresh(`${OWN}/domains/${encodeURIComponent(params.domain)}`, (domain) => domain?.order_id, (domain) => isMoving(domain.steps));
    const isMissing = load.error?.status === 404;
    return html`<${Page} title=${params.domain} back=${{ href: "/domains", text: "Domains" }} actions=${load.data && mayCancel(load.data) && html`<${Cancel} domain=${params.domain} onDone=${load.reload} />`}>
        ${isMissing
            ? html`<${Empty} title=${`You have no domain ${params.domain}`} action=${html`<${ButtonLink} href="/domains">All domains<//>`}>It may belong to another workspace, or its address was mistyped.<//>`
            : html`<${Loaded} load=${load} rows=${8}>${(domain) => html`<${Found} domain=${domain} load=${load} />`}<//>`}
    <//>`;
}
