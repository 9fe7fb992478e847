// Who has a key gets a cookie for it. The key is in the request's body alone: never in an address, never kept here.
import { html, useState } from "../lib.js";
import { signIn } from "../session.js";
import { Mark } from "../shell.js";
import { Button, Failed, Field, Form, Page, useAction } from "../ui/index.js";

const wrong = (key) => {
    if (!key) return "Enter an API key.";
    return /\s/.test(key) ? "A key has no spaces. Copy it again, whole." : null;
};

export default function SignIn() {
    const [key, setKey] = useState("");
    const [problem, setProblem] = useState(null);
    const [enter, { busy, error }] = useAction(signIn);
    const refused = error?.status === 401 ? error.message : null;
    const submit = async () => {
        const trimmed = key.trim();
        const found = wrong(trimmed);
        setProblem(found);
        if (!found) await enter(trimmed);
    };
    return html`<div class="sign-in">
        <span class="brand"><${Mark} />dfyd</span>
        <${Page} title="Sign in" lede="With an API key of your workspace. You stay signed in on this device for some hours, or until you sign out.">
            <${Form} onSubmit=${submit}>
                <${Field} label="API key" type="password" name="key" autocomplete="current-password" value=${key} onInput=${setKey}
                    error=${problem ?? refused} />
                ${error && !refused && html`<${Failed} error=${error} title="You are not signed in" />`}
                <${Button} type="submit" kind="primary" busy=${busy}>Sign in<//>
            <//>
            <details class="small"><summary>Where do I get a key?</summary>
                <p class="muted">Whoever runs this server makes one with <code>dfyd key create</code>. With a key that you have you can make
                    more through the <a href="/docs">API</a>.</p>
            </details>
        <//>
    </div>`;
}
