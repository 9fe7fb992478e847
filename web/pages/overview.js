import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function Overview() {
    return html`<${Page} title="Overview"><${Loading} /><//>`;
}
