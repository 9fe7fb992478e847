import { html, useMemo } from "../lib.js";
import { OWN, api } from "../api.js";
import { useToday } from "../clock.js";
import { useGrowing } from "../list/growing.js";
import { isTrouble } from "../money/next.js";
import { Figures, Months, Owed, Payments, Renewals, Troubles, Upcoming } from "../money/sections.js";
import { useSession } from "../session.js";
import { Failed, Loading, Page, useLoad } from "../ui/index.js";

const RENEWALS = { size: 24 };
const PAYMENTS = { size: 20 };
const OWED_MAX = 100;

function Due({ list, owed, card }) {
    const renewals = useMemo(() => list.chunks.flat(), [list.chunks]);
    const { upcoming } = list.first;
    return html`
        <${Troubles} renewals=${renewals.filter(isTrouble)} card=${card} />
        ${owed && html`<${Owed} invoices=${owed.items} more=${Boolean(owed.next_starting_after)} />`}
        <${Figures} upcoming=${upcoming} card=${card} />
        ${upcoming.length > 0 && html`<${Months} upcoming=${upcoming} />`}
        <${Upcoming} upcoming=${upcoming} />`;
}

function MoneyOfToday() {
    const session = useSession();
    const renewals = useGrowing(`${OWN}/renewals`, RENEWALS);
    const payments = useGrowing(`${OWN}/payments`, PAYMENTS);
    const owed = useLoad((signal) => api.get(`${OWN}/invoices`, { query: { state: "owed", limit: OWED_MAX }, signal }), []);
    const error = renewals.first ? null : renewals.error;
    const past = useMemo(() => renewals.chunks.flat(), [renewals.chunks]);
    return html`<${Page} title="Money" lede="What is due and when, what was paid, and what follows when a charge fails.">
        ${error && html`<${Failed} error=${error} retry=${renewals.retry} />`}
        ${!error && !renewals.first && html`<${Loading} rows=${10} />`}
        ${renewals.first && html`<${Due} list=${renewals} owed=${owed.data} card=${session.card} /><${Renewals} list=${renewals} />`}
        ${owed.error && html`<${Failed} error=${owed.error} retry=${owed.reload} title="What is owed on account could not be loaded" />`}
        ${payments.first && html`<${Payments} list=${payments} renewals=${past} />`}
        ${!payments.first && payments.error && html`<${Failed} error=${payments.error} retry=${payments.retry} title="The payments could not be loaded" />`}
    <//>`;
}

/** On another day other things are due: all of it is asked for anew. */
export default function MoneyPage() {
    return html`<${MoneyOfToday} key=${useToday()} />`;
}
