import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function Order() {
    return html`<${Page} title="Order mailboxes"><${Loading} /><//>`;
}
