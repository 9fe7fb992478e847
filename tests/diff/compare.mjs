// Sends the same requests to Fastify and to dfyd and compares what they say of them.
//   node compare.mjs BASE KEY SEED COUNT        prints one line of JSON: {"compared", "refused", "known": {...}, "different": [...]}
import http from "node:http";
import { start, calls } from "./reference.mjs";
import { Dice, request } from "./requests.mjs";

const [base, key, seed, count, SHOWN = 50] = process.argv.slice(2);
const AT_ONCE = 16;

const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });

function ask({ method, path, headers, body }) {
  return new Promise((resolve, reject) => {
    const sent = { ...headers, authorization: `Bearer ${key}` };
    if (body !== undefined) sent["content-length"] = Buffer.byteLength(body);
    const call = http.request(base + path, { method, agent, headers: sent }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ status: response.statusCode, body: Buffer.concat(parts).toString() }));
      response.on("error", reject);
    });
    call.on("error", reject);
    call.end(body);
  });
}

// Where the two may differ, and why: docs/compatibility.md. Each takes the request and both answers.
const known = {
  "malformed JSON: other words": (r, theirs, ours) =>
    theirs.code === "FST_ERR_CTP_INVALID_JSON_BODY" && ours.status === 400 && /^(body is not valid JSON|params)/.test(ours.message),
  "names of JavaScript's prototypes": (r, theirs) =>
    theirs.code === "FST_ERR_CTP_INVALID_JSON_BODY" && /"__proto__"|"constructor"\s*:\s*\{\s*"prototype"/.test(r.body),
  "event_type null": (r, theirs) => theirs.message === "body/event_type must be equal to one of the allowed values" && /"event_type":\[*(null|"")/.test(r.body),
  "a URL without host": (r, theirs, ours) => ours.message === "body/target_hook_url must match format \"uri\"" && /"target_hook_url":\[*"https?:\/\//i.test(r.body),
  "no body where none is needed": (r, theirs, ours) => r.body === "" && r.template.endsWith("/pre-warmed-up-list") && ours.status === 200,
  "half a surrogate pair": (r, theirs, ours) => /\\ud[89a-f]/i.test(r.body) && ours.message.startsWith("body is not valid JSON"),
  "Infinity is no number": (r, theirs, ours) => / must be (number|integer|number,null)$/.test(ours.message) && /Infinity|1e400/.test(r.body ?? r.path),
  "no JSON type: other words": (r, theirs, ours) => theirs.status === 415 && ours.status === 415,
  "text/plain is not JSON": (r, theirs, ours) => r.headers["content-type"] === "text/plain" && ours.status === 415,
  "a property twice": (r, theirs, ours) => ours.status === 400 && / must NOT have duplicate property /.test(ours.message),
  "U+0000 in a text": (r, theirs, ours) => ours.status === 400 && / must NOT contain NUL characters$/.test(ours.message),
};

function parsed(status, text) {
  const value = JSON.parse(text);
  return { status, message: value.message ?? "", code: value.code ?? "" };
}

// Whether dfyd's refusal is one of form, which Fastify would have had to say too.
const own = [
  /^querystring\/starting_after must be the next_starting_after of the page before$/,
  /^querystring\/(start|end)_date must be a date such as /,
  /^body\/name must NOT have (more|fewer) than \d+ /,
  /^body\/(name|campaign) must NOT have more than 1000 characters$/,
  /^body\/headers\/.{0,100} (must|is|cannot)/s,
  /^body\/headers must NOT have more than 20 properties$/,
  /^body\/target_hook_url must be a public address/,
  /^body\/domain must be a domain name, such as acme.com$/,
  /^body\/org_logo_url must NOT have more than 2048 characters$/,
  /^body\/forwarding_domain must (be a host name|differ from the domain)/,
];
function isForm(answer) {
  if (answer.status === 415 || answer.status === 413) return true;
  return answer.status === 400 && /^(body|querystring|params|Body)\b/.test(answer.message) && !own.some((words) => words.test(answer.message));
}

function agree(theirs, ours) {
  if (theirs.status === 200) return !isForm(ours);
  return theirs.status === ours.status && theirs.message === ours.message;
}

const app = await start();
const all = calls();
const dice = new Dice(Number(seed));
const result = { compared: 0, refused: 0, known: {}, different: [], calls: {} };
let n_different = 0;

async function one() {
  const r = request(dice, all);
  const [injected, asked] = await Promise.all([
    app.inject({ method: r.method, url: r.path, headers: r.headers, payload: r.body }),
    ask(r),
  ]);
  const theirs = parsed(injected.statusCode, injected.body), ours = parsed(asked.status, asked.body);
  result.compared++;
  const called = `${r.method} ${r.template}`;
  result.calls[called] = (result.calls[called] ?? 0) + 1;
  if (theirs.status !== 200) result.refused++;
  if (ours.status < 500 && ours.status !== 429 && agree(theirs, ours)) return;
  const why = Object.keys(known).find((name) => known[name](r, theirs, ours));
  if (why) {
    result.known[why] = (result.known[why] ?? 0) + 1;
  } else {
    n_different++;
    if (result.different.length < SHOWN) result.different.push({ ...r, body: r.body?.slice(0, 500), fastify: theirs, dfyd: ours });
  }
}

let started = 0;
await Promise.all(Array.from({ length: AT_ONCE }, async () => {
  while (started < Number(count)) {
    started++;
    await one();
  }
}));
agent.destroy();
console.log(JSON.stringify({ ...result, n_different }));
