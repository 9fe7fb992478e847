/* The description of the calls, and the page that shows it. */
#include "api/described.h"
#include "api/file.h"

/* Nothing from elsewhere, no inline script; the viewer's style sheet holds pictures as data. */
#define POLICY                                                                                                         \
    "default-src 'self'; object-src 'none'; img-src data: 'self'; base-uri 'none'; form-action 'none'; "               \
    "frame-ancestors 'none'"

extern const char docs_page[];
extern const size_t docs_page_size;
extern const char docs_page_etag[];

#ifdef DFYD_DOCS_VIEWER
extern const char docs_start_js[], docs_start_js_etag[], docs_viewer_js[], docs_viewer_js_etag[], docs_viewer_css[],
    docs_viewer_css_etag[], docs_favicon[], docs_favicon_etag[];
extern const size_t docs_start_js_size, docs_viewer_js_size, docs_viewer_css_size, docs_favicon_size;
#endif

static const struct part {
    const char *name; /* after "/docs/"; "" is /docs itself, NULL the description */
    const char *type;
    const char *data;
    const size_t *size;
    const char *etag;
    bool compressed;
} parts[] = {
    {NULL, NULL, openapi_json, &openapi_json_size, openapi_json_etag, false},
    {"", "text/html; charset=utf-8", docs_page, &docs_page_size, docs_page_etag, false},
#ifdef DFYD_DOCS_VIEWER
    {"start.js", "text/javascript; charset=utf-8", docs_start_js, &docs_start_js_size, docs_start_js_etag, true},
    {"viewer.js", "text/javascript; charset=utf-8", docs_viewer_js, &docs_viewer_js_size, docs_viewer_js_etag, true},
    {"viewer.css", "text/css; charset=utf-8", docs_viewer_css, &docs_viewer_css_size, docs_viewer_css_etag, true},
    {"favicon.png", "image/png", docs_favicon, &docs_favicon_size, docs_favicon_etag, false},
#endif
};

static enum http_verdict send_part(struct call *call, const struct part *part) {
    const struct file file = {
        .type = part->type,
        .data = {part->data, *part->size},
        .etag = part->etag,
        .policy = part->type ? POLICY : NULL,
        .compressed = part->compressed,
    };
    file_send(call, &file);
    return HTTP_ANSWER;
}

enum http_verdict docs_description(struct call *call) {
    return send_part(call, &parts[0]);
}

/* /docs, and /docs/{} with its parts. */
enum http_verdict docs_file(struct call *call) {
    for (size_t i = 1; i < ARRAY_LEN(parts); i++)
        if (str_is(call->parameter, parts[i].name)) return send_part(call, &parts[i]);
    struct error error = {0};
    error_set(&error, ERR_NOT_FOUND, "Resource not found");
    call_refuse(call, &error);
    return HTTP_ANSWER;
}
