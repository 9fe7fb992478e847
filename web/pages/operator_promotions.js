import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function OperatorPromotions() {
    return html`<${Page} title="Promotions"><${Loading} /><//>`;
}
