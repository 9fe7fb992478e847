import { html, useUid } from "../lib.js";
import { Icon } from "./icons.js";

const Control = ({ kind, options, ...rest }) => {
    if (kind === "textarea") return html`<textarea class="input" ...${rest}></textarea>`;
    if (kind !== "select") return html`<input class="input" type=${kind} ...${rest} />`;
    const rows = options.map((option) => (Array.isArray(option) ? option : [option, option]));
    return html`<select class="input" ...${rest}>${rows.map(([value, text]) =>
        html`<option key=${value} value=${value} selected=${value === rest.value}>${text}</option>`)}</select>`;
};

/**
 * A labelled input. type: any of <input>, "textarea" or "select" (options: [[value, text], ...] or words).
 * onInput gets the value. error: a text (or null) that is shown below and read with the field. hidden: label for screen readers alone.
 * after: what stands right of the input. All else goes to the element.
 */
export function Field({ label, hint, error, type = "text", onInput, hidden, after, optional, ...rest }) {
    const id = useUid();
    const notes = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
    const event = type === "select" ? "onChange" : "onInput";
    const take = { [event]: (input) => onInput?.(input.currentTarget.value) };
    return html`<div class=${error ? "field has-error" : "field"}>
        <label class=${hidden ? "sr" : ""} for=${id}>${label}${optional && html`<span class="optional"> optional</span>`}</label>
        <div class="control"><${Control} id=${id} kind=${type} aria-invalid=${error ? "true" : undefined}
            aria-describedby=${notes || undefined} autocomplete="off" spellcheck=${false} ...${rest} ...${take} />${after}</div>
        ${error && html`<${FieldError} id=${`${id}-error`}>${error}<//>`}
        ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    </div>`;
}

/** The text below what is wrong. Give it the id that aria-describedby names. */
export function FieldError({ id, children }) {
    return html`<p class="error" id=${id}><${Icon} name="alert" size=${14} /><span>${children}</span></p>`;
}

/** A checkbox (or type "radio") with its label; onInput gets whether it is checked. */
export function Check({ label, hint, type = "checkbox", checked, onInput, ...rest }) {
    const id = useUid();
    return html`<div class="check">
        <input id=${id} type=${type} checked=${checked} aria-describedby=${hint ? `${id}-hint` : undefined}
            onChange=${(event) => onInput?.(event.currentTarget.checked)} ...${rest} />
        <label for=${id}>${label}</label>
        ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    </div>`;
}

/** After the next drawing: the focus goes to the first field with an error inside ELEMENT. */
export function focusFirstError(element) {
    requestAnimationFrame(() => element?.querySelector('[aria-invalid="true"], [role="alert"]')?.focus());
}

/** A form; onSubmit may be async. When it is through, the first field with an error (if any) has the focus. */
export function Form({ onSubmit, children, ...rest }) {
    const submit = async (event) => {
        event.preventDefault();
        const form = event.currentTarget;
        await onSubmit(form);
        focusFirstError(form);
    };
    return html`<form class="form" novalidate onSubmit=${submit} ...${rest}>${children}</form>`;
}
