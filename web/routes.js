// One row a page: its address, its name, its module, and where it stands in the menu.
export const routes = [
    { path: "/", title: "Overview", icon: "home", menu: "main", load: () => import("./pages/overview.js") },
    { path: "/order", title: "Order mailboxes", icon: "plus", menu: "main", load: () => import("./pages/order.js") },
    { path: "/orders", title: "Orders", icon: "list", menu: "main", load: () => import("./pages/orders.js") },
    { path: "/orders/{id}", title: "Order", under: "/orders", load: () => import("./pages/order_progress.js") },
    { path: "/domains", title: "Domains", icon: "globe", menu: "main", load: () => import("./pages/domains.js") },
    { path: "/domains/{domain}", title: "Domain", under: "/domains", load: () => import("./pages/domain.js") },
    { path: "/mailboxes", title: "Mailboxes", icon: "mail", menu: "main", load: () => import("./pages/mailboxes.js") },
    { path: "/money", title: "Money", icon: "money", menu: "main", load: () => import("./pages/money.js") },
    { path: "/invoices", title: "Invoices", icon: "page", menu: "main", load: () => import("./pages/invoices.js") },
    { path: "/invoices/{number}", title: "Invoice", under: "/invoices", load: () => import("./pages/invoice.js") },
    { path: "/operator", title: "Stuck work", icon: "alert", menu: "operator", load: () => import("./pages/operator.js") },
    { path: "/operator/queue", title: "Queue", icon: "plot", menu: "operator", load: () => import("./pages/operator_queue.js") },
    { path: "/operator/health", title: "Health", icon: "pulse", menu: "operator", load: () => import("./pages/operator_health.js") },
    { path: "/operator/prices", title: "Price book", icon: "tag", menu: "operator", load: () => import("./pages/operator_prices.js") },
    { path: "/operator/promotions", title: "Promotions", icon: "percent", menu: "operator", load: () => import("./pages/operator_promotions.js") },
    { path: "/operator/inventory", title: "Inventory", icon: "box", menu: "operator", load: () => import("./pages/operator_inventory.js") },
    { path: "/operator/audit", title: "Audit log", icon: "clock", menu: "operator", load: () => import("./pages/operator_audit.js") },
    { path: "/sign-in", title: "Sign in", alone: true, load: () => import("./pages/sign_in.js") },
];

const patterns = routes.map((route) => {
    const names = [];
    const source = route.path.replace(/\{(\w+)\}/g, (_, name) => (names.push(name), "([^/]+)"));
    return { route, names, pattern: new RegExp(`^${source}/?$`) };
});

const decode = (text) => {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
};

/** {route, params} of the page at PATH, or null. */
export function match(path) {
    for (const { route, names, pattern } of patterns) {
        const found = pattern.exec(path);
        if (found) return { route, params: Object.fromEntries(names.map((name, i) => [name, decode(found[i + 1])])) };
    }
    return null;
}
