import { Loading, Page } from "../ui/index.js";
import { html } from "../lib.js";

export default function Domains() {
    return html`<${Page} title="Domains"><${Loading} /><//>`;
}
