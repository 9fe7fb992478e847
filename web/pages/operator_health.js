import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function OperatorHealth() {
    return html`<${Page} title="Health"><${Loading} /><//>`;
}
