// Who gets a mailbox: rows to type in, a list to paste, and how addresses are made of names.
import { Component, html, useLayoutEffect, useRef, useUid } from "../lib.js";
import { Button, Check, Field, FieldError, Section, afterPress } from "../ui/index.js";
import { PATTERNS } from "./addresses.js";
import { PastePeople } from "./paste_people.js";
import { messageOf } from "./refusals.js";

const COLUMNS = [["first_name", "First name"], ["last_name", "Last name"], ["prefix", "Address"]];
const patterns = PATTERNS.map(({ id, example }) => [id, `${example}@`]);

/** A cell's text as the row keeps it: an address that is typed stays; one that is emptied is made of the name again. */
const changed = (column, value) => (column === "prefix" ? { prefix: value, is_typed: value.trim() !== "" } : { [column]: value });

function Person({ person, number, suffix, errors, isOnly, onChange, onRemove, onFocus, onEnter }) {
    const row = useRef();
    const close = () => onFocus((open) => (open === person.id ? null : open));
    const leave = (event) => row.current?.contains(event.relatedTarget) || afterPress(close); // also when the row itself goes
    const key = (event) => {
        if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
        event.preventDefault();
        onEnter(number - 1);
    };
    // In small letters: an element has no property "onfocusin" from which the library could tell how the event is written.
    return html`<div class="person" ref=${row} role="group" aria-label=${`Person ${number}`} onfocusin=${() => onFocus(person.id)} onfocusout=${leave} onKeyDown=${key}>
        ${COLUMNS.map(([column, title], i) => html`<${Field} key=${column} label=${title} name=${`${column}-${number}`} value=${person[column]}
            error=${errors[i]} onInput=${(value) => onChange(person.id, changed(column, value))}
            after=${column === "prefix" && html`<span class="suffix" aria-hidden="true" title=${suffix}>${suffix}</span>`} />`)}
        <${Button} kind="quiet" icon="trash" label=${`Remove person ${number}`} disabled=${isOnly} onClick=${() => onRemove(person.id, number)} />
    </div>`;
}

/** A row that is drawn only when something in it changes: there may be hundreds. Its functions may be of an earlier drawing. */
class Row extends Component {
    shouldComponentUpdate(next) {
        const isOther = (name) => next[name] !== this.props[name];
        return ["person", "number", "suffix", "isOnly"].some(isOther) || next.errors.some((error, i) => error !== this.props.errors[i]);
    }

    render(props) {
        return html`<${Person} ...${props} />`;
    }
}

const FINE = COLUMNS.map(() => null);

/** What is wrong in each row, by the person's id: a text or null a column. */
const errorsOf = (people, refusals) => {
    const wrong = new Set(refusals.map(({ field }) => field.split(":")).filter(([kind]) => kind === "person").map(([, id]) => Number(id)));
    return new Map(people.filter((person) => wrong.has(person.id)).map(({ id }) => [id, COLUMNS.map(([column]) => messageOf(refusals, `person:${id}:${column}`))]));
};

function Spread({ draft, onChange }) {
    const id = useUid();
    const choose = (spread) => () => onChange({ spread });
    return html`<fieldset class="spread"><legend>Who is where</legend>
        <${Check} type="radio" name=${id} label="Everyone on each domain" checked=${draft.spread === "each"} onInput=${choose("each")} />
        <${Check} type="radio" name=${id} label="Each person on one domain, in turn" checked=${draft.spread === "one"} onInput=${choose("one")} />
    </fieldset>`;
}

/** people: what use_draft.js gives to change them with. onFocus: sets in which row somebody is, by its id; null: in none. */
export function PeoplePart({ draft, people, picks, refusals, onChange, onFocus }) {
    const list = useRef();
    const focusOn = useRef(null);
    const id = useUid();
    const general = messageOf(refusals, "people");
    useLayoutEffect(() => {
        if (focusOn.current === null) return;
        const rows = list.current.querySelectorAll(".person");
        rows[Math.min(focusOn.current, rows.length - 1)]?.querySelector("input").focus();
        focusOn.current = null;
    });
    const add = () => {
        focusOn.current = Infinity; // the last one
        people.add([{}]);
    };
    const enter = (at) => {
        const next = list.current.querySelectorAll(".person")[at + 1];
        if (next) next.querySelector("input").focus();
        else add();
    };
    const remove = (personId, number) => {
        focusOn.current = Math.max(0, number - 2);
        people.remove(personId);
    };
    const errors = errorsOf(draft.people, refusals);
    const suffix = picks.length === 1 ? `@${picks[0].domain}` : "@…";
    return html`<${Section} title="People" lede="Each gets a mailbox. Addresses are proposed from the names; change any of them.">
        <div class="people-tools">
            <${Field} type="select" label="Addresses look like" options=${patterns} value=${draft.pattern} onInput=${(pattern) => onChange({ pattern })} />
            ${picks.length > 1 && html`<${Spread} draft=${draft} onChange=${onChange} />`}
        </div>
        ${general && html`<${FieldError} id=${id}>${general}<//>`}
        <div class="people" ref=${list} onPaste=${people.pasteInto}>${draft.people.map((person, i) => html`<${Row} key=${person.id} person=${person} number=${i + 1} suffix=${suffix}
            errors=${errors.get(person.id) ?? FINE} isOnly=${draft.people.length === 1} onChange=${people.change} onRemove=${remove} onFocus=${onFocus} onEnter=${enter} />`)}</div>
        <div class="actions">
            <${Button} icon="plus" aria-describedby=${general ? id : undefined} data-error=${general ? "" : undefined} onClick=${add}>Add a person<//>
            <${PastePeople} onPeople=${people.paste} />
        </div>
    <//>`;
}
