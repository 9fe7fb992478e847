#include "api/html.h"

#include <sodium.h>
#include <stdio.h>

static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#1d2530;"
    "background:#f5f7f9}main{background:#fff;border:1px solid #d8dee6;border-radius:10px;padding:1.5rem}"
    "h1{font-size:1.3rem;margin:0 0 .5rem}.amount{font-size:2rem;font-weight:600;margin:.5rem 0}"
    "form{margin:0}button{display:block;width:100%;margin:.4rem 0;padding:.6rem .8rem;text-align:left;font:inherit;"
    "background:#fff;border:1px solid #b8c2cf;border-radius:6px;cursor:pointer}"
    "button:hover,button:focus{background:#eef3f9;border-color:#4477aa}small{color:#5a6675;display:block}"
    ".bad{color:#a3261a}@media(prefers-color-scheme:dark){body{background:#14181d;color:#e4e8ed}"
    "main,button{background:#1d232a;border-color:#3a444f;color:inherit}button:hover,button:focus{background:#27303a}"
    "small{color:#9aa6b2}.bad{color:#ff9d92}a{color:#8ab8ff}}";

void html_text(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '&':
            BUF_LIT(out, "&amp;");
            break;
        case '<':
            BUF_LIT(out, "&lt;");
            break;
        case '>':
            BUF_LIT(out, "&gt;");
            break;
        case '"':
            BUF_LIT(out, "&quot;");
            break;
        case '\'':
            BUF_LIT(out, "&#39;");
            break;
        default:
            buf_add_byte(out, text.p[i]);
        }
    }
}

void html_policy(struct http_response *response, const char *style_text, const char *forms) {
    unsigned char hash[crypto_hash_sha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof hash, sodium_base64_VARIANT_ORIGINAL)], policy[256];
    crypto_hash_sha256(hash, (const unsigned char *)style_text, strlen(style_text));
    sodium_bin2base64(text, sizeof text, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
    snprintf(policy, sizeof policy,
             "default-src 'none'; style-src 'sha256-%s'; form-action %s; base-uri 'none'; frame-ancestors 'none'", text,
             forms);
    http_response_header(response, "Content-Security-Policy", policy);
}

void html_begin(struct call *call, const char *title) {
    struct http_response *response = call->response;
    struct buf *out = &response->body;
    response->content_type = "text/html; charset=utf-8";
    html_policy(response, style, "'self'");
    http_response_header(response, "Cache-Control", "no-store");
    http_response_header(response, "Referrer-Policy", "no-referrer");
    http_response_header(response, "X-Content-Type-Options", "nosniff");
    BUF_LIT(out, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>");
    html_text(out, str_of(title));
    BUF_LIT(out, "</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n<style>");
    buf_add(out, str_of(style));
    BUF_LIT(out, "</style>\n<main>\n<h1>");
    html_text(out, str_of(title));
    BUF_LIT(out, "</h1>\n");
}

void html_end(struct call *call, int status) {
    BUF_LIT(&call->response->body, "</main>\n</html>\n");
    call->response->status = status;
}

void html_money(struct buf *out, cents amount) {
    buf_add_byte(out, '$');
    money_text(out, amount);
}
