// Requests from the reference's schemas, most of them with something wrong. A seed gives the same ones each time.

export class Dice {
  constructor(seed) { this.state = seed >>> 0; }
  next() { // mulberry32
    let t = (this.state = (this.state + 0x6d2b79f5) >>> 0);
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  below(n) { return Math.floor(this.next() * n); }
  chance(p) { return this.next() < p; }
  pick(list) { return list[this.below(list.length)]; }
}

// A number as it is written, since JSON.stringify writes one form only.
class Raw { constructor(text) { this.text = text; } }

const numbers = ["0", "-0", "1", "2", "3", "4", "-1", "1.0", "1.5", "2e0", "30e-1", "100", "101", "1000", "1001", "1e21", "1e400",
  "-1e400", "1e-400", "9007199254740993", "0.1", "123456789012345678901234567890"];
const texts = ["", " ", "0", "1", "2", "3", "4", " 1 ", "01", "+1", "-1", "1.0", "1.", ".5", "1e2", "0x10", "0b1", "1_0", "NaN", "Infinity",
  "-Infinity", "1e400", "\t3\n", "\u00a01", "\ufeff2", "true", "false", "TRUE", "null", "undefined", "dfy", "DFY", "pre_warmed_up", "redirect",
  "com", "co", "a.com", "acme.org", "x", "a b.com", " acme.com ", "münchen.com", "https://a.com/x", "http://", "HTTPS://a.com", "ftp://a.com",
  "https://a b.com", "https://a.com/%zz", "all_events", "all:all", "😀", "\ud83d", "\u2028", "\"", "\\", "a".repeat(300)];
const letters = "abcdefghijklmnopqrstuvwxyz";

const word = (dice) => Array.from({ length: 3 + dice.below(8) }, () => letters[dice.below(26)]).join("");
const name = (dice) => `${word(dice)}.${dice.pick(["com", "org", "co"])}`;

function anything(dice, depth = 0) {
  switch (dice.below(depth > 2 ? 4 : 7)) {
    case 0: return new Raw(dice.pick(numbers));
    case 1: return dice.chance(0.5);
    case 2: return null;
    case 3: return dice.pick(texts);
    case 4: return [];
    case 5: return Array.from({ length: 1 + dice.below(2) }, () => anything(dice, depth + 1));
    default: {
      const object = {};
      for (let i = dice.below(3); i > 0; i--) object[dice.pick(["domain", "items", "x", "first_name", "0", ""])] = anything(dice, depth + 1);
      return object;
    }
  }
}

export function fitting(dice, schema) {
  if (schema.enum) return dice.pick(schema.enum);
  const type = Array.isArray(schema.type) ? dice.pick(schema.type) : schema.type;
  if (type === "string") {
    if (schema.format === "uri") return `https://${name(dice)}/${word(dice)}`;
    return dice.chance(0.8) ? name(dice) : dice.pick(texts);
  }
  if (type === "number") return new Raw(dice.pick(numbers.slice(0, 16)));
  if (type === "integer") return 1 + dice.below(schema.maximum ?? 10);
  if (type === "boolean") return dice.chance(0.5);
  if (type === "null") return null;
  if (type === "array") {
    let n = (schema.minItems ?? 0) + dice.below(4);
    if (schema.maxItems && dice.chance(0.05)) n = schema.maxItems + dice.below(2);
    return Array.from({ length: n }, () => fitting(dice, schema.items));
  }
  const object = {};
  const entries = Object.entries(schema.properties ?? {});
  for (const [key, part] of entries) {
    if ((schema.required ?? []).includes(key) || dice.chance(0.6)) object[key] = fitting(dice, part);
  }
  if (!entries.length && schema.additionalProperties) object[word(dice)] = fitting(dice, schema.additionalProperties);
  return object;
}

function* places(value, holder = null, key = null) {
  yield [holder, key];
  if (value && typeof value === "object" && !(value instanceof Raw)) {
    for (const inner of Object.keys(value)) yield* places(value[inner], value, inner);
  }
}

// VALUE with one part of it changed.
function changed(dice, value) {
  const [holder, key] = dice.pick([...places(value)]);
  if (!holder) return dice.chance(0.3) ? anything(dice) : dice.chance(0.5) ? [value] : value;
  switch (dice.below(6)) {
    case 0: if (Array.isArray(holder)) holder.splice(key, 1); else delete holder[key]; break;
    case 1: holder[key] = [holder[key]]; break;
    case 2: holder[key] = written(holder[key]); break;
    case 3: if (!Array.isArray(holder)) { holder[dice.pick(["x", "Domain", "constructor", "toString", word(dice)])] = anything(dice); break; }
    // falls through
    default: holder[key] = anything(dice);
  }
  return value;
}

function written(value) {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map(written).join(",")}]`;
  if (value && typeof value === "object") {
    return `{${Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}:${written(part)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

const snippets = ["\"", "{", "}", "[", "]", ",", ":", " ", "\n", "null", "//", "/**/", "'", "\\", "\\u0000", "\\ud800", "\t", "0", "-", "e", ".", "NaN",
  "\"__proto__\":{},", "\"constructor\":{\"prototype\":{}},", "\"x\":1,", "\"domain\":\"b.com\","];

// TEXT with a few of its characters changed; mostly no JSON any more.
function broken(dice, text) {
  const at = dice.below(text.length + 1);
  switch (dice.below(6)) {
    case 0: return text.slice(0, at);
    case 1: return text.slice(0, at) + dice.pick(snippets) + text.slice(at);
    case 2: return text.slice(0, at) + text.slice(at + 1 + dice.below(3));
    case 3: return dice.pick(["\ufeff", " \r\n\t", "x", "\u00a0", "\f", "\ufeff\ufeff"]) + text;
    case 4: return text + dice.pick([" \n", "x", text, "\0", ","]);
    default: return text.replace("{", `{${dice.pick(snippets)}`);
  }
}

// As in a URL; a lone surrogate has no form there.
const encoded = (text) => encodeURIComponent(String(text).replace(/\p{Surrogate}/gu, "\ufffd"));

function queryOf(dice, schema) {
  const parts = [];
  for (const [key, part] of Object.entries(schema.properties)) {
    for (let n = dice.chance(0.7) ? (dice.chance(0.1) ? 2 : 1) : 0; n > 0; n--) {
      const value = dice.chance(0.5) ? fitting(dice, part) : dice.pick([...texts, ...numbers]);
      const text = encoded(value?.text ?? value);
      const shown = dice.chance(0.05) ? dice.pick(["x", `${key}[]`, encoded(key[0].toUpperCase() + key.slice(1)), ""]) : key;
      parts.push(dice.chance(0.05) ? shown : `${shown}=${dice.chance(0.1) ? text.replace(/%20/g, "+") : text}`);
    }
  }
  if (dice.chance(0.05)) parts.push(dice.pick(["", "&", "=", "x=1", "%", "%zz=%zz", "limit=%31", "%6cimit=7", "a=b=c", "limit=5;x"]));
  return parts.join("&");
}

const types = ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/json;", "application/json ; x=1", "application/jsonx",
  "application/json, text/plain", "text/plain", "application/x-www-form-urlencoded", "application/vnd.api+json", "json", "", null];

export function request(dice, calls) {
  const call = dice.pick(calls);
  let path = call.path.replace(/\{(\w+)\}/g, (_, key) => encoded(
    dice.chance(0.8) ? fitting(dice, call.params.properties[key]) || "x" : dice.pick(texts.filter((t) => t && !t.includes("/") && t.length < 90))));
  if (Object.keys(call.query.properties).length) {
    const query = queryOf(dice, call.query);
    if (query || dice.chance(0.1)) path += `?${query}`;
  }
  const headers = {};
  let body;
  if (call.takesBody && (call.needsBody || dice.chance(0.9))) {
    let value = fitting(dice, call.body);
    for (let n = dice.pick([0, 1, 1, 1, 2, 3]); n > 0; n--) value = changed(dice, value);
    body = written(value);
    if (dice.chance(0.08)) body = broken(dice, body);
    const type = dice.chance(0.97) ? types[0] : dice.pick(types);
    if (type !== null) headers["content-type"] = type;
    if (dice.chance(0.005)) body = "";
  }
  return { method: call.method, template: call.path, path, headers, body };
}
