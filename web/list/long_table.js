// A table of thousands of rows. All of them are in the document, so that the browser's own search and a screen reader find them;
// those that are far from what is seen are not laid out (style.css: .table.long). A chunk that did not change is not looked at again.
import { Component, html, useMemo } from "../lib.js";
import { cellKinds } from "../ui/index.js";

function cell(column, row) {
    const content = column.cell ? column.cell(row) : row[column.key];
    if (column.head) return html`<th scope="row" role="rowheader" class=${`row-head ${cellKinds(column)}`}>${content}</th>`;
    return html`<td role="cell" class=${cellKinds(column)} data-label=${column.hidden ? "" : column.title}><div class="cell">${content ?? "—"}</div></td>`;
}

class Chunk extends Component {
    shouldComponentUpdate(next) {
        return next.rows !== this.props.rows || next.columns !== this.props.columns;
    }

    render({ rows, columns, rowKey }) {
        return html`<tbody role="rowgroup">${rows.map((row) =>
            html`<tr role="row" key=${rowKey(row)} data-key=${rowKey(row)}>${columns.map((column) => cell(column, row))}</tr>`)}</tbody>`;
    }
}

/** As Table, for rows in chunks. isWhole: nothing more can come. A column's `width` is its share, "2fr" or a length; "1fr" without. */
export function LongTable({ columns, chunks, rowKey, caption, busy, isWhole }) {
    const widths = useMemo(() => columns.map(({ width = "1fr" }) => (width.endsWith("fr") ? `minmax(0, ${width})` : width)).join(" "), [columns]);
    const count = chunks.reduce((sum, rows) => sum + rows.length, 0);
    return html`<div class="table-box" aria-busy=${busy ? "true" : "false"}>
        <table class="table long" role="table" aria-rowcount=${isWhole ? count + 1 : -1} style=${{ "--columns": widths }}>
            <caption class="sr">${caption}</caption>
            <thead role="rowgroup"><tr role="row">${columns.map((column) =>
                html`<th key=${column.key} scope="col" role="columnheader" class=${column.align === "end" ? "end" : ""}>
                    ${column.hidden ? html`<span class="sr">${column.title}</span>` : column.title}</th>`)}</tr></thead>
            ${chunks.map((rows, i) => html`<${Chunk} key=${i} rows=${rows} columns=${columns} rowKey=${rowKey} />`)}
        </table>
    </div>`;
}
