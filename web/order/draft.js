// What somebody has filled in so far, kept for this tab and workspace so that a reload or a way back loses nothing.

const VERSION = 1;

/** A row for one person. `prefix`: what stands before the @; `is_typed`: by hand or pasted, so no pattern changes it. */
export const newPerson = (id, known = {}) => ({ id, first_name: "", last_name: "", prefix: "", is_typed: false, ...known });

/** `picks`: {domain, provider, visitors, forwarding} by order type, of which apart.js says what holds. `spread`: "each", everyone on each domain; "one", everyone on one. */
export const emptyDraft = () => ({
    version: VERSION,
    type: "dfy",
    picks: { dfy: [], pre_warmed_up: [], extra_accounts: [] },
    provider: 1,
    forwarding: "",
    pattern: "first.last",
    spread: "each",
    people: [newPerson(1)],
});

/** The next free id of a row. */
export const nextId = (people) => Math.max(0, ...people.map((person) => person.id)) + 1;

export const isBlank = (person) => !(person.first_name.trim() || person.last_name.trim() || (person.is_typed && person.prefix.trim()));

const read = (storage, key) => {
    try {
        const kept = JSON.parse(storage.getItem(key));
        return kept?.version === VERSION ? kept : null;
    } catch {
        return null; // written by something else, or storage is closed to us
    }
};

const write = (storage, key, value) => {
    try {
        if (value) storage.setItem(key, JSON.stringify({ version: VERSION, ...value }));
        else storage.removeItem(key);
    } catch {
        // full or closed: the page works without, a reload then begins anew
    }
};

/**
 * The draft and the attempt of one workspace in STORAGE (sessionStorage). The attempt is what was sent and has no answer
 * yet: {key, body, total}; a reload in between must not lose its Idempotency-Key, as only that makes asking again safe.
 */
export const draftsOf = (storage, workspaceId) => {
    const draftKey = `dfyd-order-draft:${workspaceId}`;
    const attemptKey = `dfyd-order-attempt:${workspaceId}`;
    return {
        load: () => ({ ...emptyDraft(), ...read(storage, draftKey) }),
        save: (draft) => write(storage, draftKey, draft),
        loadAttempt: () => read(storage, attemptKey),
        saveAttempt: (attempt) => write(storage, attemptKey, attempt),
        clear: () => [draftKey, attemptKey].forEach((key) => write(storage, key, null)),
    };
};
