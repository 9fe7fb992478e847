// Shows the linter what it has to find, rule by rule, and what it has to leave alone: a rule that is misspelt, or set for other files,
// finds nothing without saying so.
import { ESLint } from "eslint";

const wanted = [
    ["web/x.js", "export const x = 1;", []],
    ["web/x.js", "const x = 1;", ["no-unused-vars"]],
    ["web/x.js", "export const f = (a, b) => b;", []],
    ["web/x.js", "export const f = (a, b) => a;", ["no-unused-vars"]],
    ["web/x.js", "export const x = documnt.title;", ["no-undef"]],
    ["web/x.js", "export const x = process.title;", ["no-undef"]],
    ["web/x.js", "export const x = document.title;", []],
    ["web/x.js", "export const f = (a) => a == 1;", ["eqeqeq"]],
    ["web/x.js", "let x = 1;\nexport const f = () => x;", ["prefer-const"]],
    ["web/x.js", "export const f = (x) => [1].map((x) => x);", ["no-shadow", "no-unused-vars"]],
    ["web/x.js", "export const f = () => open;", ["no-restricted-globals"]],
    ["web/x.js", "export const f = () => window.open();", []],
    ["web/x.js", "export const f = (x) => (x.innerHTML = 1);", ["no-restricted-properties"]],
    ["web/x.js", "document.write(1);", ["no-restricted-properties"]],
    ["web/x.js", "import { html } from \"./lib.js\";\nexport const x = html`<p innerHTML=\"1\" />`;", ["no-restricted-syntax"]],
    ["web/x.js", "export const f = (x) => ({ dangerouslySetInnerHTML: { __html: x } });", ["no-restricted-syntax"]],
    ["web/x.js", "eval(1);", ["no-eval"]],
    ["web/x.js", "setTimeout(\"x\", 1);", ["no-implied-eval"]],
    ["web/x.js", "console.log(1); // eslint-disable-line", [null, "no-console"]],
    ["web/x.js", "import { html } from \"./lib/htm.js\";\nexport const x = html;", ["no-restricted-imports"]],
    ["web/x.js", "export const x = Date.now();", ["no-restricted-properties"]],
    ["web/x.js", "export const x = [new Date(), Date()];", ["no-restricted-syntax", "no-restricted-syntax"]],
    ["web/x.js", "export const f = (at) => new Date(at) - Date.parse(at);", []],
    ["web/clock.js", "export const x = Date.now();", []],
    ["web/clock.js", "document.write(1);", ["no-restricted-properties"]],
    ["web/lib.js", "export { html } from \"./lib/htm.js\";", []],
    ["web/x.js", "import { useState } from \"./lib.js\";\nexport const Page = ({ x }) => x && useState(x);", ["hooks/rules-of-hooks"]],
    ["web/pages/x.js", "//\n".repeat(401), ["max-lines"]],
    ["tests/diff/x.mjs", "console.log(process.argv);", []],
    ["tests/diff/x.mjs", "export const x = document.title;", ["no-undef"]],
    ["api/docs/x.js", "SwaggerUIBundle({});", []],
];

const eslint = new ESLint({ overrideConfigFile: "tests/lint/eslint.config.js" });
let failures = 0;
for (const [filePath, text, rules] of wanted) {
    const [{ messages }] = await eslint.lintText(text, { filePath });
    const found = messages.map((message) => message.ruleId).sort();
    if (JSON.stringify(found) === JSON.stringify([...rules].sort())) continue;
    failures += 1;
    console.error(`${filePath}: ${text.trim()}\n    wanted ${JSON.stringify(rules)}, found ${JSON.stringify(found)}`);
}
if (failures) process.exit(1);
