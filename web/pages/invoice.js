import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function Invoice() {
    return html`<${Page} title="Invoice"><${Loading} /><//>`;
}
