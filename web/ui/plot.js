// Lines or bars over time by uPlot, which is fetched when the first plot is drawn. The same numbers stand in a table below.
import { html, useEffect, useMemo, useRef, useState } from "../lib.js";
import { Table } from "./table.js";
import { formatNumber, formatTime } from "./values.js";

const clock = (ms) => formatTime(ms, "clock");
const BAR_LABEL_PX = 48;
const DENSE = 300; // so many points, and dashes are only noise
const DASHES = [[], [6, 3], [2, 3]];
let library = null;

function loadLibrary() {
    if (library) return library;
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = "/console/lib/uplot.css";
    const styled = new Promise((resolve) => (style.onload = style.onerror = resolve));
    document.head.append(style);
    library = Promise.all([import("../lib/uplot.js"), styled]).then(([module]) => module.default);
    library.catch(() => (library = null));
    return library;
}

/** What a custom property is just now, in this theme. */
function colour(name, alpha = 1) {
    const probe = document.createElement("span");
    probe.style.color = `color-mix(in srgb, var(${name}) ${alpha * 100}%, transparent)`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
}

const axis = (format, size) => ({
    stroke: () => colour("--muted"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
    gap: 8,
    size,
    values: (_, values) => values.map((value) => (value === null ? "" : format(value))),
});

function options(uPlot, { series, bars, formatX, formatTick, integers, tell, width, height }) {
    const isDense = series[0].values.length > DENSE;
    const drawn = series.map((one, i) => ({
        label: one.name,
        stroke: () => colour(`--plot-${i + 1}`),
        fill: bars ? () => colour(`--plot-${i + 1}`) : i === 0 ? () => colour("--plot-1", 0.1) : undefined,
        width: bars ? 0 : 1.75,
        dash: bars || isDense ? undefined : DASHES[i],
        points: { show: false },
        paths: bars ? uPlot.paths.bars({ size: [0.6, 44], radius: 0.08 }) : undefined,
    }));
    const x = axis((seconds) => formatX(seconds * 1000), 32);
    if (bars) Object.assign(x, { splits: everyBar, grid: { show: false } });
    else x.space = 72;
    const y = axis(formatTick, 56);
    if (integers) y.incrs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000, 1000000];
    return {
        width,
        height,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
        scales: {
            x: { time: true, range: bars ? barRange : undefined },
            y: { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(1, (high ?? 0) * 1.08)] },
        },
        axes: [x, y],
        series: [{}, ...drawn],
        hooks: { setCursor: [(plot) => tell(plot.cursor.idx ?? null)] },
    };
}

/** The columns that get a label: all, or each second, third, ... where there is little room. */
function everyBar(plot) {
    const times = plot.data[0];
    const step = Math.ceil((times.length * BAR_LABEL_PX) / Math.max(1, plot.width));
    return times.filter((_, i) => i % step === 0);
}

/** Half a column's width more than from the first to the last; asked again, it has to say the same. */
function barRange(plot) {
    const times = plot.data[0];
    const half = times.length > 1 ? (times.at(-1) - times[0]) / (times.length - 1) / 2 : 43200 * 15;
    return [times[0] - half, times.at(-1) + half];
}

/** Draws anew in other colours when the theme changes. */
function watchTheme(draw) {
    const observer = new MutationObserver(draw);
    observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", draw);
    return () => {
        observer.disconnect();
        system.removeEventListener("change", draw);
    };
}

/**
 * label: what it shows. x: times in ms, ascending; xTitle: their heading in the table; formatX: (ms) => text.
 * series: [{name, values}], one value (or null) for each x, at most three. bars: columns, one label for each x (months).
 * formatY: (value) => text; formatTick: the same, shorter, for the axis; integers: no fractions there.
 * hasTable: false where the page has a table of its own below.
 */
export function Plot({ label, x, xTitle = "Time", series, bars, formatX = clock, formatY = formatNumber, formatTick = formatY, ...rest }) {
    const { integers = false, hasTable = true, height = 220 } = rest;
    const box = useRef();
    const [under, setUnder] = useState(null);
    const [failed, setFailed] = useState(false);
    const [isOpen, setOpen] = useState(false); // the table: with many rows it is slow to draw
    const data = useMemo(() => [x.map((ms) => ms / 1000), ...series.map((one) => one.values)], [x, series]);
    const drawn = useRef(null); // the plot, once it is there
    const latest = useRef(data);
    latest.current = data;
    useEffect(() => drawn.current?.setData(data), [data]);
    useEffect(() => {
        let gone = false;
        let stop = () => {};
        loadLibrary().then((uPlot) => {
            if (gone) return;
            const width = box.current.clientWidth;
            const config = { series, bars, formatX, formatTick, integers, tell: setUnder, width, height };
            const plot = new uPlot(options(uPlot, config), latest.current, box.current);
            const sizes = new ResizeObserver(() => box.current && plot.setSize({ width: box.current.clientWidth, height }));
            sizes.observe(box.current);
            const unwatch = watchTheme(() => plot.redraw());
            drawn.current = plot;
            stop = () => (sizes.disconnect(), unwatch(), plot.destroy());
        }, () => setFailed(true));
        return () => {
            gone = true;
            drawn.current = null;
            stop();
        };
    }, [bars, height, series.length]);
    const show = (value) => (value === null ? "—" : formatY(value));
    const columnOf = (one) => ({ key: one.name, title: one.name, align: "end", cell: (row) => show(one.values[row]) });
    const columns = [{ key: "x", title: xTitle, head: true, cell: (row) => formatX(x[row]) }, ...series.map(columnOf)];
    return html`<figure class="plot">
        <figcaption class="legend">${series.map((one, i) => html`<span key=${one.name}><i class=${`swatch s${i + 1}`}></i>${one.name}
            ${(one.values[under] ?? null) !== null && html` <b class="money">${formatY(one.values[under])}</b>`}</span>`)}
            ${under !== null && under < x.length && html`<span class="muted">${formatX(x[under])}</span>`}</figcaption>
        ${failed ? html`<p class="muted">The plot could not be loaded; the table has its numbers.</p>`
            : html`<div class="plot-box" ref=${box} role="img" aria-label=${`${label}; the numbers are in the table below`}></div>`}
        ${hasTable && html`<details class="numbers" onToggle=${(event) => setOpen(event.currentTarget.open)}><summary>The numbers as a table</summary>
            ${isOpen && html`<div class="scroll" tabindex="0" role="region" aria-label=${label}>
                <${Table} caption=${label} columns=${columns} rows=${x.map((_, row) => row)} rowKey=${(row) => row} /></div>`}
        </details>`}
    </figure>`;
}
