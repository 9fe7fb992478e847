import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function OrderProgress() {
    return html`<${Page} title="Order"><${Loading} /><//>`;
}
