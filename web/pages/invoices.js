import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function Invoices() {
    return html`<${Page} title="Invoices"><${Loading} /><//>`;
}
