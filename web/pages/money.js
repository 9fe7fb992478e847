import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function Money() {
    return html`<${Page} title="Money"><${Loading} /><//>`;
}
