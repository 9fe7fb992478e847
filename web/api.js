// The server's calls. Each answers with what the JSON says, or throws an ApiError with the server's own words.
export const V2 = "/api/v2";
export const OWN = "/api/dfyd/v1";
const RETRY_SECONDS_MAX = 5;

export class ApiError extends Error {
    /** `status` 0: nothing answered. `retryAfter`: seconds, or null. `body`: the answer's JSON, or null. */
    constructor(status, message, retryAfter = null, body = null) {
        super(message);
        this.status = status;
        this.retryAfter = retryAfter;
        this.body = body;
    }
}

let signedOut = () => {};

/** Who is told when the server says that nobody is signed in. */
export function onSignedOut(tell) {
    signedOut = tell;
}

/** PATH with QUERY's members; those that are empty are left out. */
export function withQuery(path, query = {}) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
        if (value !== undefined && value !== null && value !== "") search.set(name, value);
    const text = search.toString();
    return text ? `${path}?${text}` : path;
}

const pause = (seconds, signal) =>
    new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, seconds * 1000);
        signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
    });

async function failure(response) {
    const text = await response.text().catch(() => "");
    let body = null;
    try {
        body = JSON.parse(text);
    } catch {
        // not JSON: the status says it
    }
    const message = body?.message || `The server answered ${response.status} ${response.statusText}`.trim() + ".";
    const after = response.headers.get("retry-after");
    return new ApiError(response.status, message, after === null ? null : Number(after), body);
}

async function send(method, path, body, { headers, signal, type } = {}) {
    const sent = { "x-dfyd-console": "1", accept: "application/json", ...headers };
    if (body !== undefined) sent["content-type"] = type || "application/json";
    const text = body === undefined || type ? body : JSON.stringify(body);
    try {
        return await fetch(path, { method, headers: sent, body: text, signal, credentials: "same-origin" });
    } catch (error) {
        if (signal?.aborted) throw error;
        throw new ApiError(0, "The server did not answer. Check the connection, then try again.");
    }
}

async function call(method, path, body, options = {}) {
    let response = await send(method, path, body, options);
    const wait = Number(response.headers.get("retry-after"));
    if (method === "GET" && response.status === 429 && wait > 0 && wait <= RETRY_SECONDS_MAX) {
        await pause(wait, options.signal);
        response = await send(method, path, body, options);
    }
    if (!response.ok) {
        const error = await failure(response);
        if (error.status === 401 && !options.anonymous) signedOut();
        throw error;
    }
    if (response.status === 204) return null;
    return (response.headers.get("content-type") || "").includes("json") ? response.json() : response.text();
}

/** `query`, `headers`, `signal` (of an AbortController) and `type` (of a body that is text already) are options of all. */
export const api = {
    get: (path, options = {}) => call("GET", withQuery(path, options.query), undefined, options),
    post: (path, body, options) => call("POST", path, body, options),
    put: (path, body, options) => call("PUT", path, body, options),
    patch: (path, body, options) => call("PATCH", path, body, options),
    delete: (path, options) => call("DELETE", path, undefined, options),
};
