import { createStore, html, useLayoutEffect, useRef, useUid } from "../lib.js";
import { Button } from "./button.js";
import { Form } from "./field.js";
import { useAction } from "./load.js";
import { Failed } from "./states.js";
import { useStore } from "./store.js";

/** A modal dialog, open as long as it is there. onClose: Escape, or its close button. actions: its buttons. */
export function Dialog({ title, onClose, actions, wide, children }) {
    const id = useUid();
    const dialog = useRef();
    useLayoutEffect(() => {
        const element = dialog.current;
        element.showModal();
        (element.querySelector(".dialog-body :is(input, select, textarea)") ?? element.querySelector("h2")).focus();
        return () => element.close();
    }, []);
    const cancel = (event) => {
        event.preventDefault();
        onClose();
    };
    const key = (event) => event.key === "Escape" && !event.isComposing && cancel(event);
    // A browser asks only once after each press whether it may close a dialog: at a second "back" in a row it is closed unasked.
    const closed = () => {
        if (dialog.current?.open !== false) return;
        onClose();
        setTimeout(() => dialog.current && !dialog.current.open && dialog.current.showModal()); // what was asked for is still under way
    };
    return html`<dialog ref=${dialog} class=${wide ? "dialog wide" : "dialog"} aria-labelledby=${id} onKeyDown=${key}
        onCancel=${cancel} onClose=${closed}>
        <header class="dialog-head"><h2 id=${id} tabindex="-1">${title}</h2><${Button} kind="quiet" icon="close" label="Close" onClick=${onClose} /></header>
        <div class="dialog-body">${children}</div>
        ${actions && html`<footer class="dialog-foot">${actions}</footer>`}
    </dialog>`;
}

/**
 * A dialog with a form: onSubmit (may be async; see Form), action: the words of its button. busy and error: of what the server is asked;
 * the error stands in the dialog, which stays open.
 */
export function FormDialog({ title, lede, action, onClose, onSubmit, busy, error, wide, children }) {
    const id = useUid();
    const actions = html`<${Button} disabled=${busy} onClick=${onClose}>Back<//>
        <${Button} kind="primary" type="submit" form=${id} busy=${busy}>${action}<//>`;
    return html`<${Dialog} title=${title} wide=${wide} actions=${actions} onClose=${() => busy || onClose()}>
        ${lede && html`<p class="muted">${lede}</p>`}
        <${Form} id=${id} onSubmit=${onSubmit}>${children}<//>
        ${error && html`<${Failed} error=${error} title="Nothing was changed" />`}
    <//>`;
}

const asked = createStore(null);

/**
 * Asks before something is done: confirm({title, body, action: "Cancel mailbox", danger: true, run: async () => ...}).
 * run works inside the dialog, which shows its errors and stays. Resolves to whether it was done.
 */
export function confirm(question) {
    return new Promise((resolve) => asked.write({ ...question, resolve, key: Symbol() }));
}

function Question({ question }) {
    const [run, { busy, error }] = useAction(async () => {
        await question.run?.();
        return true;
    });
    const close = (answer) => {
        asked.write(null);
        question.resolve(answer);
    };
    const act = async () => (await run()) && close(true);
    const actions = html`<${Button} disabled=${busy} onClick=${() => close(false)}>${question.keep ?? "Back"}<//>
        <${Button} kind=${question.danger ? "danger" : "primary"} busy=${busy} onClick=${act}>${question.action}<//>`;
    return html`<${Dialog} title=${question.title} actions=${actions} onClose=${() => busy || close(false)}>
        ${question.body}${error && html`<${Failed} error=${error} title="Nothing was changed" />`}
    <//>`;
}

/** Where confirm's dialogs appear; once, in the shell. */
export function Questions() {
    const question = useStore(asked);
    return question && html`<${Question} key=${question.key} question=${question} />`;
}
