// What no JavaScript here may have: the console's modules, the start of the API's viewer, the scripts of tests. Run by scripts/lint,
// after rules.mjs, which shows each of the rules below something to find.
import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import globals from "globals";

// Members of window that are easily taken for a variable of one's own; who means one of them says window.
const WINDOWS_OWN = [
    "blur", "close", "event", "find", "focus", "length", "name", "open", "origin", "parent", "print", "scroll", "self", "status", "stop", "top",
];
const MARKUP = "Text that becomes markup runs what others wrote: make elements, by html`` or by the DOM.";
const makesMarkup = [
    ...["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTMLUnsafe", "createContextualFragment", "parseFromString"].map((property) => ({ property, message: MARKUP })),
    ...["write", "writeln"].map((property) => ({ object: "document", property, message: MARKUP })),
];
const namesMarkup = { selector: "TemplateElement[value.raw=/innerHTML/i], Property[key.name=/innerHTML/i]", message: MARKUP };
const CLOCK = "The browser's clock may be wrong, and a sandbox's is moved by hand: serverNow() of clock.js.";
const asksBrowser = { object: "Date", property: "now", message: CLOCK };
const makesNow = { selector: "NewExpression[callee.name='Date'][arguments.length=0], CallExpression[callee.name='Date']", message: CLOCK };

export default [
    { linterOptions: { noInlineConfig: true } },
    js.configs.recommended,
    {
        rules: {
            "array-callback-return": "error",
            "eqeqeq": "error",
            "max-lines": ["error", 400],
            "no-eval": "error",
            "no-implied-eval": "error",
            "no-new-func": "error",
            "no-restricted-globals": ["error", ...WINDOWS_OWN],
            "no-restricted-properties": ["error", ...makesMarkup],
            "no-restricted-syntax": ["error", namesMarkup],
            "no-self-compare": "error",
            "no-shadow": "error",
            "no-template-curly-in-string": "error",
            "no-unreachable-loop": "error",
            "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
            "no-var": "error",
            "object-shorthand": "error",
            "prefer-const": "error",
        },
    },
    {
        files: ["web/**/*.js"],
        languageOptions: { globals: globals.browser },
        plugins: { hooks },
        rules: {
            "hooks/rules-of-hooks": "error",
            "no-console": "error",
        },
    },
    {
        files: ["web/**/*.js"],
        ignores: ["web/lib.js"],
        rules: { "no-restricted-imports": ["error", { patterns: [{ group: ["**/lib/htm.js"], message: "The library's names come from lib.js." }] }] },
    },
    {
        files: ["web/**/*.js"],
        ignores: ["web/clock.js"],
        rules: { "no-restricted-properties": ["error", ...makesMarkup, asksBrowser], "no-restricted-syntax": ["error", namesMarkup, makesNow] },
    },
    { files: ["web/theme.js", "api/docs/*.js"], languageOptions: { sourceType: "script" } },
    { files: ["api/docs/*.js"], languageOptions: { globals: { SwaggerUIBundle: "readonly" } } },
    { files: ["**/*.mjs"], languageOptions: { globals: globals.node } },
];
