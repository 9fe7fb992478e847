// The steps of a domain as a person sees them. Pure.
import { count } from "../ui/index.js";

const KINDS = [
    ["register_domain", "Register the name"],
    ["publish_dns", "Publish the DNS records"],
    ["create_mailbox", "Create the mailboxes"],
    ["set_forwarding", "Set up the forwarding"],
    ["remove_mailbox", "Remove cancelled mailboxes"],
    ["renew_domain", "Renew the name"],
    ["set_access", "Open or close mailboxes"],
];
/** A domain is ready without these; they are told of only while there is something to tell. */
const BESIDE = ["remove_mailbox", "renew_domain", "set_access"];
/** Of several steps, the state that is told: the first of these that one of them has. */
const TOLD_FIRST = ["failed", "retrying", "running", "due", "blocked", "skipped", "done"];
const OPEN = ["due", "running", "retrying", "blocked"];

const isOpen = (step) => OPEN.includes(step.state);
const isTold = (step) => !BESIDE.includes(step.kind) || isOpen(step) || step.state === "failed";

/** [{kind, title, steps, state, done, total}], in the order in which they are done. */
export function groupsOf(steps) {
    const all = KINDS.map(([kind, title]) => ({ kind, title, steps: steps.filter((step) => step.kind === kind && isTold(step)) }));
    return all.filter((group) => group.steps.length).map((group) => ({
        ...group,
        state: TOLD_FIRST.find((state) => group.steps.some((step) => step.state === state)),
        done: group.steps.filter((step) => step.state === "done").length,
        total: group.steps.length,
    }));
}

/** {done, retrying, failed, total} of the steps that make a domain, for a bar. */
export function countsOf(steps) {
    const vital = steps.filter((step) => !BESIDE.includes(step.kind));
    const having = (...states) => vital.filter((step) => states.includes(step.state)).length;
    return { done: having("done"), retrying: having("retrying"), failed: having("failed", "skipped"), total: vital.length };
}

/** Whether something goes on or is going to. */
export const isMoving = (steps) => steps.some(isOpen);

/** The steps that wait for another try, the one that comes first before the others. */
export const retriesOf = (steps) =>
    steps.filter((step) => step.state === "retrying").sort((a, b) => Date.parse(a.timestamp_next_try) - Date.parse(b.timestamp_next_try));

/** The step that ended the domain, or undefined. */
export const lostStep = (steps) => steps.find((step) => step.state === "failed" && ["register_domain", "publish_dns"].includes(step.kind));

export const titleOf = (kind) => KINDS.find(([name]) => name === kind)?.[1] ?? kind;

/** What a bar says in words. */
export function barWords({ done, retrying, failed, total }) {
    const parts = [`${done} of ${count(total, "step")} done`, retrying && `${retrying} to be tried again`, failed && `${failed} not done`];
    return parts.filter(Boolean).join(", ");
}
