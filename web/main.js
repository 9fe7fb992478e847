import { html, render, useEffect, useErrorBoundary, useState } from "./lib.js";
import { withQuery } from "./api.js";
import { navigate, safeNext, startRouter, useLocation } from "./router.js";
import { match } from "./routes.js";
import { isOperator, loadSession, sessionStore, useSession } from "./session.js";
import { Shell } from "./shell.js";
import { ButtonLink, Empty, Failed, Loading, Page, useStore } from "./ui/index.js";

const modules = new Map();

/** The page's component, {view}, or {error} when its module could not be fetched. */
function usePageModule(route) {
    const [found, setFound] = useState({ route: null });
    const [turn, setTurn] = useState(0);
    useEffect(() => {
        let gone = false;
        const put = (next) => gone || setFound({ route, ...next });
        if (modules.has(route)) put({});
        else route.load().then((module) => modules.set(route, module.default) && put({}), (error) => put({ error }));
        return () => (gone = true);
    }, [route, turn]);
    const retry = () => (setFound({ route: null }), setTurn((now) => now + 1));
    const view = modules.get(route);
    if (view) return { view };
    return found.route === route ? { ...found, retry } : {};
}

const notFetched = { message: "A part of the console could not be fetched. Check the connection." };

const Broken = ({ title, error, retry, what }) => html`<${Page} title=${title}><${Failed} error=${error} retry=${retry} title=${what} /><//>`;

function Opened({ route, params }) {
    const { view: View, error, retry } = usePageModule(route);
    const [broken, mend] = useErrorBoundary();
    if (broken) return html`<${Broken} title=${route.title} error=${broken} retry=${mend} what="This page stopped working" />`;
    if (error) return html`<${Broken} title=${route.title} error=${notFetched} retry=${retry} />`;
    if (!View) return html`<div class="page" aria-busy="true"><div class="bone title"></div><${Loading} what=${`Loading ${route.title}`} /></div>`;
    return html`<${View} params=${params} />`;
}

const NotFound = () => html`<${Page} title="Page not found">
    <${Empty} title="There is nothing at this address" action=${html`<${ButtonLink} href="/" kind="primary">Overview<//>`}>
        It may have been mistyped, or be from another version.
    <//>
<//>`;

const NotForYou = ({ title }) => html`<${Page} title=${title}>
    <${Empty} title="This page is for the operator">
        It needs a key made by <code>dfyd key create --operator</code> with the scope all:all. Sign out, then sign in with such a key.
    <//>
<//>`;

function CurrentPage() {
    const { path } = useLocation();
    const session = useSession();
    const found = match(path);
    if (!found) return html`<${NotFound} />`;
    if (path.startsWith("/operator") && !isOperator(session)) return html`<${NotForYou} title=${found.route.title} />`;
    return html`<${Opened} key=${path} ...${found} />`;
}

function Console() {
    const { path, query } = useLocation();
    const { state, error } = useStore(sessionStore);
    const isSignIn = match(path)?.route.path === "/sign-in";
    useEffect(() => {
        if (state === "out" && !isSignIn) navigate(withQuery("/sign-in", { next: location.pathname + location.search }), { replace: true });
        if (state === "in" && isSignIn) navigate(safeNext(query.next), { replace: true });
    }, [state, isSignIn]);
    if (state === "failed") return html`<${Shell}><${Broken} title="dfyd" error=${error} retry=${loadSession} what="The console could not start" /><//>`;
    if (state === "unknown" || (state === "in") === isSignIn) return html`<main class="alone" aria-busy="true"><${Loading} /></main>`;
    return html`<${Shell}><${CurrentPage} /><//>`;
}

startRouter();
loadSession();
render(html`<${Console} />`, document.getElementById("app"));
