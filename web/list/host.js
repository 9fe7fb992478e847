// The name in what somebody pastes: an address as browsers show it, too.
/** {host} of "https://www.acme.com/", or {error}: what to type instead. */
export function readHost(text) {
    const typed = text.trim();
    if (!typed) return { error: "Type the name that visitors are sent to, such as www.acme.com." };
    const host = typed.replace(/^https?:\/\//i, "").replace(/\/+$/, "");
    if (/[/?#]/.test(host)) return { error: `Only a name can be forwarded to: ${host.split(/[/?#]/)[0]}, without what follows it.` };
    if (/[\s:@]/.test(host) || !host.includes(".")) return { error: "This is no name of a site. One looks like www.acme.com." };
    return { host };
}
