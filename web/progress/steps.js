import { html } from "../lib.js";
import { Pill, count } from "../ui/index.js";
import { In } from "./in.js";
import { groupsOf } from "./work.js";

const tones = { done: "good", failed: "bad", retrying: "warn", running: "going", due: "going", blocked: "none", skipped: "none" };

function StateWords({ state, step, total, done }) {
    const many = total > 1 ? ` ${done} of ${total}` : "";
    if (state === "done") return many ? `done${many}` : "done";
    if (state === "running") return `being done now${many && `,${many} done`}`;
    if (state === "due") return `next in line${many && `,${many} done`}`;
    if (state === "retrying") return html`${many && `${many.trim()} done, `}tried again <${In} at=${step.timestamp_next_try} />`;
    if (state === "failed") return many ? `refused,${many} done` : "refused";
    return state === "blocked" ? "waits for what is above" : "not done";
}

const tries = (step) => (step.attempts > 1 ? ` (${count(step.attempts, "try", "tries")} so far)` : "");

/** The steps of a group that have something to say for themselves. */
function Reasons({ group }) {
    const said = group.steps.filter((step) => step.reason && step.state !== "done" && step.state !== "skipped");
    if (!said.length) return null;
    return html`<ul class="step-reasons">${said.map((step) => html`<li key=${step.email ?? ""}>
        ${step.email && html`<span class="step-of">${step.email}: </span>`}${step.reason}${tries(step)}</li>`)}</ul>`;
}

function Group({ group }) {
    const first = group.steps.find((step) => step.state === group.state);
    return html`<li class="step">
        <p class="step-line"><span class="step-name">${group.title}</span>
            <${Pill} tone=${tones[group.state]}><${StateWords} state=${group.state} step=${first} total=${group.total} done=${group.done} /><//></p>
        <${Reasons} group=${group} />
    </li>`;
}

/** All that is done for a domain, in its order, and how far each is. */
export function Steps({ steps, label }) {
    return html`<ol class="steps" aria-label=${label}>${groupsOf(steps).map((group) => html`<${Group} key=${group.kind} group=${group} />`)}</ol>`;
}
