import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function OperatorInventory() {
    return html`<${Page} title="Inventory"><${Loading} /><//>`;
}
