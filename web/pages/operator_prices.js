import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function OperatorPrices() {
    return html`<${Page} title="Price book"><${Loading} /><//>`;
}
