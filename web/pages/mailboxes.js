import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function Mailboxes() {
    return html`<${Page} title="Mailboxes"><${Loading} /><//>`;
}
