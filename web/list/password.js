import { html, useEffect, useState } from "../lib.js";
import { OWN, api } from "../api.js";
import { Button, Copy, announce, useAction } from "../ui/index.js";
import { createReveal } from "./reveal.js";

const reveal = createReveal();

/** The password of a mailbox that is ready, for who asks: hidden again after half a minute, or when another one is shown. */
export function Password({ email }) {
    const [secret, setSecret] = useState(null);
    useEffect(() => reveal.watch(email, setSecret), [email]);
    const [show, { busy, error, clear }] = useAction(async () => {
        const isShown = await reveal.open(email, async () => (await api.post(`${OWN}/mailboxes/${encodeURIComponent(email)}/password`)).password);
        if (isShown) announce(`The password of ${email} is shown for 30 seconds.`);
    });
    const press = () => {
        clear();
        if (secret === null) show();
        else reveal.hide();
    };
    return html`<div class="secret">
        ${secret !== null && html`<code class="mono">${secret}</code><${Copy} text=${secret} label=${`Copy the password of ${email}`} />`}
        <${Button} small kind=${secret === null ? "plain" : "quiet"} busy=${busy} onClick=${press}
            label=${secret === null ? `Show the password of ${email}` : `Hide the password of ${email}`}>${secret === null ? "Show" : "Hide"}<//>
        ${error && html`<p class="error small" role="alert">${error.message}</p>`}
    </div>`;
}
