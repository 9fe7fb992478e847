// What stands around every page: the menu, who is signed in, the theme.
import { html, useEffect, useRef, useState } from "./lib.js";
import { navigate, useLocation } from "./router.js";
import { match, routes } from "./routes.js";
import { isOperator, readClock, signOut, useSession } from "./session.js";
import { Questions } from "./ui/dialog.js";
import { Button, Icon, Time, toast, useAction, useEvery } from "./ui/index.js";
import { Toasts } from "./ui/toast.js";

// How often the server is asked for its time: that of a sandbox may be moved at any moment.
const CLOCK_MS = 300_000;
const SANDBOX_CLOCK_MS = 10_000;
const themes = [["system", "System"], ["light", "Light"], ["dark", "Dark"]];

function Theme() {
    const [chosen, setChosen] = useState(document.documentElement.dataset.theme ?? "system");
    const choose = (theme) => {
        setChosen(theme);
        if (theme === "system") {
            localStorage.removeItem("theme");
            delete document.documentElement.dataset.theme;
        } else {
            localStorage.setItem("theme", theme);
            document.documentElement.dataset.theme = theme;
        }
    };
    return html`<div class="segments" role="group" aria-label="Theme">${themes.map(([theme, name]) => html`
        <button key=${theme} type="button" aria-pressed=${chosen === theme ? "true" : "false"} aria-label=${name} title=${name}
            onClick=${() => choose(theme)}><${Icon} name=${theme} /></button>`)}</div>`;
}

function MenuList({ menu, current }) {
    return html`<ul>${routes.filter((route) => route.menu === menu).map((route) => html`<li key=${route.path}>
        <a href=${route.path} aria-current=${current === route.path ? "page" : undefined}><${Icon} name=${route.icon} />${route.title}</a></li>`)}</ul>`;
}

function Account({ session }) {
    const [leave, { busy, error }] = useAction(async () => {
        await signOut();
        navigate("/sign-in", { replace: true });
    });
    useEffect(() => {
        if (error) toast(error.message, { tone: "bad" });
    }, [error]);
    return html`<div class="account">
        <p class="account-name">${session.workspace.name}</p>
        <p class="account-key"><${Icon} name="key" size=${14} />${session.key.name || "API key"}</p>
        <p class="account-key"><span>until <${Time} at=${session.timestamp_expires} /></span></p>
        <div class="account-foot"><${Button} kind="quiet" icon="out" busy=${busy} onClick=${leave}>Sign out<//><${Theme} /></div>
    </div>`;
}

/** The menu: at the side, or behind a button where there is no room. */
function Menu({ session }) {
    const { path } = useLocation();
    const [isOpen, setOpen] = useState(false);
    const button = useRef();
    const found = match(path)?.route;
    useEvery(session.is_sandbox ? SANDBOX_CLOCK_MS : CLOCK_MS, readClock);
    const current = found?.under ?? found?.path;
    useEffect(() => setOpen(false), [path]);
    const escape = (event) => {
        if (event.key !== "Escape" || !isOpen) return;
        setOpen(false);
        button.current.focus();
    };
    return html`<header class="side" onKeyDown=${escape}>
        <div class="bar">
            <a class="brand" href="/"><${Mark} />dfyd</a>
            ${session.is_sandbox && html`<span class="tag">sandbox</span>`}
            <button ref=${button} type="button" class="button quiet menu-button" aria-expanded=${isOpen ? "true" : "false"} aria-controls="menu"
                onClick=${() => setOpen(!isOpen)}><${Icon} name=${isOpen ? "close" : "menu"} />Menu</button>
        </div>
        <div id="menu" class=${isOpen ? "menu open" : "menu"}>
            <nav aria-label="Main">
                <${MenuList} menu="main" current=${current} />
                ${isOperator(session) && html`<h2 class="menu-title">Operator</h2><${MenuList} menu="operator" current=${current} />`}
                <h2 class="menu-title">Reference</h2>
                <ul><li><a href="/docs"><${Icon} name="page" />API documentation</a></li></ul>
            </nav>
            <${Account} session=${session} />
        </div>
    </header>`;
}

export function Mark() {
    return html`<svg class="mark" width="22" height="22" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" />
        <path d="M7 11.5h18v10a2 2 0 0 1-2 2H9a2 2 0 0 1-2-2zM7 12l9 6.5 9-6.5" /></svg>`;
}

const skip = (event) => {
    event.preventDefault();
    document.querySelector("h1")?.focus();
};

/** The menu and the page; without a session the page alone. */
export function Shell({ children }) {
    const session = useSession();
    const layers = html`<${Questions} /><${Toasts} />`;
    if (!session) return html`<main class="alone">${children}</main>${layers}`;
    return html`<a class="skip" href="#main" onClick=${skip}>Skip to the page</a>
        <div class="shell"><${Menu} session=${session} /><main id="main">${children}</main></div>${layers}`;
}
