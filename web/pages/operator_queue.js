import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function OperatorQueue() {
    return html`<${Page} title="Queue"><${Loading} /><//>`;
}
