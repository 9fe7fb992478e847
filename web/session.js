// Who is signed in. The cookie cannot be read from here; what it stands for is asked of the server.
import { createStore } from "./lib.js";
import { OWN, api, onSignedOut } from "./api.js";
import { setClockBy } from "./clock.js";
import { useStore } from "./ui/store.js";

const PATH = `${OWN}/session`;

/** `state` is "unknown", "in", "out" or "failed" (then `error` says why); `session` is what the server answered. */
export const sessionStore = createStore({ state: "unknown", session: null, error: null });

const put = (state, session = null, error = null) => sessionStore.write({ state, session, error });

onSignedOut(() => put("out"));

/** Asks the server who is signed in. */
export async function loadSession() {
    try {
        put("in", await setClockBy(() => api.get(PATH, { anonymous: true })));
    } catch (error) {
        if (error.status === 401) put("out");
        else put("failed", null, error);
    }
}

/** Throws the server's error when it does not take the key. */
export async function signIn(key) {
    put("in", await setClockBy(() => api.post(PATH, { key }, { anonymous: true })));
}

/** Asks the server what time it is there. Without an answer the time of before goes on. */
export const readClock = () => setClockBy(() => api.get(PATH)).catch(() => {});

export async function signOut() {
    await api.delete(PATH, { anonymous: true }).catch((error) => {
        if (error.status !== 401) throw error;
    });
    put("out");
}

/** The session object, or null. */
export const useSession = () => useStore(sessionStore).session;

/** Whether the session's key may do "resource:action". */
export function can(scope) {
    const [resource, action] = scope.split(":");
    return (sessionStore.read().session?.scopes ?? []).some((held) => {
        const [heldResource, heldAction] = held.split(":");
        return (heldResource === "all" || heldResource === resource) && (heldAction === "all" || heldAction === action);
    });
}

/** Why the session's key may not do SCOPE, or null. */
export function refusal(scope) {
    return !scope || can(scope) ? null : `Your key may not do this: it lacks the scope ${scope}.`;
}

/** Whether the pages under /operator are for this session. */
export const isOperator = (session) => Boolean(session?.is_operator) && can("all:all");
