// The draft as state: every change is kept, and addresses follow the names.
import { useLayoutEffect, useState } from "../lib.js";
import { withAddresses } from "./addresses.js";
import { isBlank, newPerson, nextId } from "./draft.js";
import { PEOPLE_MAX, parsePeople } from "./people.js";

const proposed = (draft) => ({ ...draft, people: withAddresses(draft.people, draft.pattern) });

const added = (draft, known) => {
    const first = nextId(draft.people);
    const rows = known.map((one, i) => newPerson(first + i, { ...one, is_typed: Boolean(one.prefix) }));
    return { ...draft, people: [...draft.people, ...rows].slice(0, PEOPLE_MAX) };
};

/** Pasted people take the place of rows that nobody has filled in. */
const pasted = (draft, known) => added({ ...draft, people: draft.people.filter((person) => !isBlank(person)) }, known);

const isList = (text) => /[\t\n]/.test(text.trim());

/** {draft, change, picks, people}: what changes the draft, its chosen domains and its people. */
export function useDraft(drafts) {
    const [draft, setDraft] = useState(drafts.load);
    useLayoutEffect(() => drafts.save(draft), [draft]); // at once: whoever leaves with the next key would lose the last one
    const update = (make) => setDraft((now) => proposed(make(now)));
    const setPicks = (make) => update((now) => ({ ...now, picks: { ...now.picks, [now.type]: make(now.picks[now.type]) } }));
    const setPeople = (make) => update((now) => ({ ...now, people: make(now.people) }));
    const picks = {
        add: (wanted) => setPicks((now) => [...now, ...wanted.filter((pick) => !now.some((one) => one.domain === pick.domain))]),
        remove: (domain) => setPicks((now) => now.filter((pick) => pick.domain !== domain)),
        change: (domain, values) => setPicks((now) => now.map((pick) => (pick.domain === domain ? { ...pick, ...values } : pick))),
    };
    const paste = (known) => update((now) => pasted(now, known));
    const people = {
        add: (known) => update((now) => added(now, known)),
        paste,
        change: (id, values) => setPeople((now) => now.map((person) => (person.id === id ? { ...person, ...values } : person))),
        remove: (id) => setPeople((now) => now.filter((person) => person.id !== id)),
        /** A list that is pasted into a name's field becomes rows; anything else is the field's. */
        pasteInto: (event) => {
            const text = event.clipboardData?.getData("text/plain") ?? "";
            if (!isList(text)) return;
            event.preventDefault();
            paste(parsePeople(text).people);
        },
    };
    return { draft, change: (values) => update((now) => ({ ...now, ...values })), picks, people };
}
