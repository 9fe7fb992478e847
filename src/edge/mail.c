#define _GNU_SOURCE /* memmem */
#include "edge/mail.h"

#include <strings.h>

enum { IMAP_PORT = 993, SUBMISSION_PORT = 465, ENFORCE_S = 7 * 24 * 60 * 60, TESTING_S = 24 * 60 * 60 };

enum mail_name mail_name_of(struct str host, struct str *ret_domain) {
    static const char *const labels[] = {
        [MAIL_STS] = "mta-sts.", [MAIL_AUTOCONFIG] = "autoconfig.", [MAIL_AUTODISCOVER] = "autodiscover."};
    for (size_t i = MAIL_STS; i < ARRAY_LEN(labels); i++) {
        if (!str_starts(host, labels[i])) continue;
        size_t n = strlen(labels[i]);
        *ret_domain = (struct str){host.p + n, host.n - n};
        return (enum mail_name)i;
    }
    return MAIL_NONE;
}

static bool is_path(struct str path, const char *expected) {
    return path.n == strlen(expected) && strncasecmp(path.p, expected, path.n) == 0;
}

static void add_xml(struct buf *to, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '&':
            BUF_LIT(to, "&amp;");
            break;
        case '<':
            BUF_LIT(to, "&lt;");
            break;
        case '>':
            BUF_LIT(to, "&gt;");
            break;
        case '"':
            BUF_LIT(to, "&quot;");
            break;
        default:
            buf_add_byte(to, text.p[i]);
        }
    }
}

static void add_element(struct buf *to, const char *name, struct str text) {
    buf_printf(to, "<%s>", name);
    add_xml(to, text);
    buf_printf(to, "</%s>", name);
}

static void add_policy(struct buf *to, const struct mail_host *host) {
    bool is_enforced = host->mta_sts == MTA_STS_ENFORCE;
    buf_printf(to, "version: STSv1\r\nmode: %s\r\nmx: %.*s\r\nmax_age: %d\r\n", is_enforced ? "enforce" : "testing",
               STR_ARG(host->name), is_enforced ? ENFORCE_S : TESTING_S);
}

/* ---- https://www.bucksch.org/1/projects/thunderbird/autoconfiguration/config-file-format.html ---- */

static void add_server(struct buf *to, const char *element, const char *type, const struct mail_host *host, int port) {
    buf_printf(to, "<%s type=\"%s\">", element, type);
    add_element(to, "hostname", host->name);
    buf_printf(to,
               "<port>%d</port><socketType>SSL</socketType><authentication>password-cleartext</authentication>"
               "<username>%%EMAILADDRESS%%</username></%s>",
               port, element);
}

static void add_autoconfig(struct buf *to, const struct mail_host *host, struct str domain) {
    BUF_LIT(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clientConfig version=\"1.1\"><emailProvider id=\"");
    add_xml(to, domain);
    BUF_LIT(to, "\">");
    add_element(to, "domain", domain);
    add_element(to, "displayName", domain);
    add_element(to, "displayShortName", domain);
    add_server(to, "incomingServer", "imap", host, IMAP_PORT);
    add_server(to, "outgoingServer", "smtp", host, SUBMISSION_PORT);
    BUF_LIT(to, "</emailProvider></clientConfig>\n");
}

/* ---- [MS-OXDSCLI], the POX forms ---- */

static bool is_of_address(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c && strchr(".!#$%*+-=?^_~@", c));
}

/* The address that the request names when it is one of DOMAIN, else the empty text: the answer shows nothing else of
 * what was sent. */
static struct str asked_address(struct str body, struct str domain) {
    static const char open[] = "<EMailAddress>";
    const char *at = memmem(body.p, body.n, open, sizeof open - 1);
    if (!at) return STR("");
    struct str rest = {at + sizeof open - 1, (size_t)(body.p + body.n - at) - (sizeof open - 1)}, host;
    struct str address = str_trim(str_cut(rest, '<', &host));
    for (size_t i = 0; i < address.n; i++)
        if (!is_of_address(address.p[i])) return STR("");
    str_cut(address, '@', &host);
    bool is_ours = host.n == domain.n && host.n && strncasecmp(host.p, domain.p, host.n) == 0;
    return is_ours ? address : STR("");
}

static void add_protocol(struct buf *to, const char *type, const struct mail_host *host, int port, struct str login) {
    buf_printf(to, "<Protocol><Type>%s</Type>", type);
    add_element(to, "Server", host->name);
    buf_printf(to, "<Port>%d</Port><DomainRequired>off</DomainRequired>", port);
    if (login.n) add_element(to, "LoginName", login);
    BUF_LIT(to, "<SPA>off</SPA><SSL>on</SSL><AuthRequired>on</AuthRequired>");
    if (!strcmp(type, "SMTP")) BUF_LIT(to, "<UsePOPAuth>on</UsePOPAuth><SMTPLast>off</SMTPLast>");
    BUF_LIT(to, "</Protocol>");
}

static void add_autodiscover(struct buf *to, const struct mail_host *host, struct str domain, struct str body) {
    struct str login = asked_address(body, domain);
    BUF_LIT(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\">"
                "<Response xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a\">");
    if (login.n) {
        BUF_LIT(to, "<User>");
        add_element(to, "DisplayName", login);
        BUF_LIT(to, "</User>");
    }
    BUF_LIT(to, "<Account><AccountType>email</AccountType><Action>settings</Action>");
    add_protocol(to, "IMAP", host, IMAP_PORT, login);
    add_protocol(to, "SMTP", host, SUBMISSION_PORT, login);
    BUF_LIT(to, "</Account></Response></Autodiscover>\n");
}

bool mail_document(const struct mail_host *host, enum mail_name name, struct str domain, struct str path,
                   struct str body, struct buf *to, const char **ret_type) {
    if (!host->name.n) return false;
    switch (name) {
    case MAIL_STS:
        if (host->mta_sts == MTA_STS_OFF || !str_is(path, ".well-known/mta-sts.txt")) return false;
        *ret_type = "text/plain";
        add_policy(to, host);
        return true;
    case MAIL_AUTOCONFIG:
        if (!is_path(path, "mail/config-v1.1.xml") && !is_path(path, ".well-known/autoconfig/mail/config-v1.1.xml"))
            return false;
        *ret_type = "application/xml; charset=utf-8";
        add_autoconfig(to, host, domain);
        return true;
    case MAIL_AUTODISCOVER:
        if (!is_path(path, "autodiscover/autodiscover.xml")) return false;
        *ret_type = "application/xml; charset=utf-8";
        add_autodiscover(to, host, domain, body);
        return true;
    case MAIL_NONE:
        break;
    }
    return false;
}
