import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function Domain() {
    return html`<${Page} title="Domain"><${Loading} /><//>`;
}
