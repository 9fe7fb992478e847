import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function OperatorAudit() {
    return html`<${Page} title="Audit log"><${Loading} /><//>`;
}
