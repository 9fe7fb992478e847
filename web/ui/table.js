import { html } from "../lib.js";

/** The classes of a column's cells. */
export const cellKinds = (column) => ["nowrap", "wide", "tick"].filter((kind) => column[kind]).concat(column.align === "end" ? "end" : []).join(" ");

const Cell = ({ column, row }) => {
    const kinds = cellKinds(column);
    const content = column.cell ? column.cell(row) : row[column.key];
    if (column.head) return html`<th scope="row" role="rowheader" class=${`row-head ${kinds}`}><div class="cell">${content}</div></th>`;
    return html`<td role="cell" class=${kinds} data-label=${column.hidden ? "" : column.title}><div class="cell">${content ?? "—"}</div></td>`;
};

/**
 * Rows below one another; a list of cards where there is no room for columns.
 * columns: [{key, title, cell: (row) => view, align: "end", head: the one that names the row, hidden: title for screen readers alone,
 * tick: the boxes that tick rows}].
 * caption: what the table is, for screen readers. rowKey: (row) => its identity. busy: it is being fetched again.
 */
export function Table({ columns, rows, rowKey = (row) => row.id, caption, busy, foot }) {
    return html`<div class="table-box" aria-busy=${busy ? "true" : "false"}>
        <table class="table" role="table">
            <caption class="sr">${caption}</caption>
            <thead role="rowgroup"><tr role="row">${columns.map((column) =>
                html`<th key=${column.key} scope="col" role="columnheader" class=${column.align === "end" ? "end" : ""}>
                    ${column.hidden ? html`<span class="sr">${column.title}</span>` : column.title}</th>`)}</tr></thead>
            <tbody role="rowgroup">${rows.map((row) =>
                html`<tr role="row" key=${rowKey(row)}>${columns.map((column) =>
                    html`<${Cell} key=${column.key} column=${column} row=${row} />`)}</tr>`)}</tbody>
            ${foot}
        </table>
    </div>`;
}
