// How much work waits, minute by minute: as plots and, for who cannot see those, as a table.
import { api } from "../api.js";
import { html, useMemo } from "../lib.js";
import { OPERATOR } from "../operator/parts.js";
import { useQuery } from "../router.js";
import { Empty, Field, Loaded, Page, Section, Toolbar, formatNumber, formatTime, useEvery, useLoad } from "../ui/index.js";
import { Plot } from "../ui/plot.js";

const REFRESH_MS = 15000;
const DEFAULT = "24";
const spans = [["1", "Last hour"], ["6", "Last 6 hours"], [DEFAULT, "Last day"], ["168", "Last week"]];
const lines = [["Due", "due"], ["Running", "running"], ["Retrying", "retrying"]];

const saySeconds = (seconds) => {
    if (seconds < 120) return `${formatNumber(seconds)} s`;
    return seconds < 7200 ? `${formatNumber(Math.round(seconds / 60))} min` : `${formatNumber(Math.round(seconds / 3600))} h`;
};

/** The rows with an empty one wherever minutes are missing, so that no line is drawn where nobody looked. */
function withGaps(items, stepSeconds) {
    const rows = [];
    for (const item of items) {
        const at = Date.parse(item.timestamp);
        const before = rows.at(-1)?.at;
        if (before && at - before > stepSeconds * 1500) rows.push({ at: before + stepSeconds * 1000 });
        rows.push({ at, ...item });
    }
    return rows;
}

const Figure = ({ name, value, note }) => html`<div>
    <span class="figure-name">${name}</span><span class="figure">${value}</span><span class="figure-note">${note}</span></div>`;

const Now = ({ now }) => html`<div class="figures">
    <${Figure} name="Due" value=${formatNumber(now.due)} note="wait for a worker" />
    <${Figure} name="Running" value=${formatNumber(now.running)} note="being done now" />
    <${Figure} name="Retrying" value=${formatNumber(now.retrying)} note="failed, wait for their next try" />
    <${Figure} name="Longest wait" value=${saySeconds(now.late_seconds)} note="of what is due" />
</div>`;

function Plots({ data }) {
    const rows = useMemo(() => withGaps(data.items, data.step_seconds), [data]);
    const x = useMemo(() => rows.map((row) => row.at), [rows]);
    const steps = useMemo(() => lines.map(([name, key]) => ({ name, values: rows.map((row) => row[key] ?? null) })), [rows]);
    const waits = useMemo(() => [{ name: "Longest wait", values: rows.map((row) => row.late_seconds ?? null) }], [rows]);
    const formatX = (ms) => formatTime(ms, data.hours > 24 ? "minute" : "clock");
    if (!data.items.length) return html`<${Empty} title="No minutes were written down yet">The first appears a minute after the server starts.<//>`;
    const step = data.step_seconds > 60 ? `${data.step_seconds / 60} minutes` : "minute";
    return html`
        <${Section} title="Steps" lede=${`The highest number in each ${step}.`}>
            <${Plot} label="Steps over time" x=${x} series=${steps} formatX=${formatX} integers />
        <//>
        <${Section} title="Waiting" lede="How long the oldest step that was due had waited for a worker.">
            <${Plot} label="Longest wait over time" x=${x} series=${waits} formatX=${formatX} formatY=${saySeconds} integers />
        <//>`;
}

export default function OperatorQueue() {
    const [query, setQuery] = useQuery();
    const hours = query.hours ?? DEFAULT;
    const load = useLoad((signal) => api.get(`${OPERATOR}/queue`, { query: { hours }, signal }), [hours]);
    useEvery(REFRESH_MS, load.reload);
    return html`<${Page} title="Queue" lede="Steps of orders, renewals and refunds: how many wait, run, and are tried again.">
        <${Toolbar}><${Field} hidden label="Time" type="select" options=${spans} value=${hours} onInput=${(next) => setQuery({ hours: next })} /><//>
        <${Loaded} load=${load}>${(data) => html`<${Now} now=${data.now} /><${Plots} key=${data.hours} data=${data} />`}<//>
    <//>`;
}
