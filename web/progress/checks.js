// What the last check of a domain found, and a check now.
import { html, useState } from "../lib.js";
import { OWN, api } from "../api.js";
import { Button, Failed, Notice, Pill, Section, Time, count, useAction } from "../ui/index.js";

const UPDATE = "dfy_email_account_orders:update";

/** What a person can do here, without the command line. */
const toDo = ({ kind, mend }) => (kind === "record" && mend?.includes("domain repair") ? "Publish our records, under DNS records." : mend);

const Finding = ({ finding }) => html`<li class="finding">
    <p><b>${finding.subject}</b></p>
    <dl class="pairs"><dt>Should be</dt><dd>${finding.wanted}</dd><dt>Is</dt><dd>${finding.seen}</dd><dt>To do</dt><dd>${toDo(finding)}</dd></dl>
</li>`;

const Findings = ({ findings }) => html`<ul class="stack tight">${findings.map((finding) => html`<${Finding} key=${finding.subject} finding=${finding} />`)}</ul>`;

const tones = { ok: ["good", "works"], broken: ["bad", "does not work"], unknown: ["none", "no clear answer"] };

const Mailboxes = ({ mailboxes }) => html`<ul class="stack tight">${mailboxes.map(({ email, state, reason }) => html`<li class="row" key=${email}>
    <span>${email}</span><${Pill} tone=${tones[state][0]}>${tones[state][1]}<//>${reason && html`<span class="small muted">${reason}</span>`}</li>`)}</ul>`;

function Now({ answer }) {
    const { ok, kept, findings, mailboxes } = answer;
    return html`${ok
        ? html`<${Notice} tone="good" title="Nothing is wrong">Its ${count(mailboxes.length, "mailbox takes", "mailboxes take")} logins and mail, and its records are as they should be.<//>`
        : html`<${Notice} tone="warn" title=${`${count(findings.length, "finding")}`}>${kept ? "Kept until the next check." : "The server's own check of this domain is under way; that one is kept."}<//>`}
        ${findings.length > 0 && html`<${Findings} findings=${findings} />`}
        <${Mailboxes} mailboxes=${mailboxes} />`;
}

function Last({ findings }) {
    const { timestamp_checked: at, unclear_reason: unclear, items } = findings;
    if (!at) return html`<p class="muted">It was not checked yet. That is done from time to time by itself.</p>`;
    return html`<p>Last checked <${Time} at=${at} />: ${items.length ? html`<strong>${count(items.length, "finding")}</strong>` : "nothing is wrong"}.${unclear && ` A later look had no clear answer: ${unclear}.`}</p>
        ${items.length > 0 && html`<${Findings} findings=${items} />`}`;
}

/** findings: of the domain's last check. onChecked: there is a newer one. */
export function Checks({ domain, findings, onChecked }) {
    const [answer, setAnswer] = useState(null);
    const [run, { busy, error }] = useAction(async () => {
        setAnswer(await api.post(`${OWN}/domains/${encodeURIComponent(domain)}/check`));
        onChecked();
    });
    const button = html`<${Button} small icon="pulse" busy=${busy} needs=${UPDATE} onClick=${run}>Check now<//>`;
    return html`<${Section} title="Checks" lede="Compares the records, then uses each mailbox as its owner would." actions=${button}>
        <div class="stack tight" aria-live="polite">
            ${error && html`<${Failed} error=${error} title="It could not be checked" />`}
            ${answer ? html`<${Now} answer=${answer} />` : html`<${Last} findings=${findings} />`}
        </div>
    <//>`;
}
