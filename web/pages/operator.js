import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function Operator() {
    return html`<${Page} title="Stuck work"><${Loading} /><//>`;
}
