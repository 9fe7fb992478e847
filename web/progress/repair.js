import { html } from "../lib.js";
import { OWN, api } from "../api.js";
import { Button, confirm, toast } from "../ui/index.js";

const UPDATE = "dfy_email_account_orders:update";

/** Has the records of DOMAIN published as they should be, once it is said that this overwrites what others put there: lost, one text each. */
export function Repair({ domain, lost = [], onDone }) {
    const ask = async () => {
        const done = await confirm({
            title: `Publish the records of ${domain} again?`,
            body: html`<p>The name server gets them as they should be. What somebody put there instead is overwritten${lost.length ? ":" : "."}</p>
                ${lost.length > 0 && html`<ul class="list">${lost.map((text) => html`<li key=${text}>${text}</li>`)}</ul>`}`,
            action: "Publish our records",
            run: () => api.post(`${OWN}/domains/${encodeURIComponent(domain)}/repair`),
        });
        if (!done) return;
        toast("The records are being published again");
        onDone();
    };
    return html`<${Button} small kind="primary" needs=${UPDATE} onClick=${ask}>Publish our records<//>`;
}
