import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function Orders() {
    return html`<${Page} title="Orders"><${Loading} /><//>`;
}
