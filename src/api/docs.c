/* The description of the calls, and the page that shows it. */
#include <string.h>

#include "api/call.h"
#include "api/described.h"

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

static const struct file {
    const char *name; /* after "/docs/"; "" is /docs itself, NULL the description */
    const char *type;
    const char *data;
    const size_t *size;
    const char *etag;
    bool compressed;
} files[] = {
    {NULL, NULL, openapi_json, &openapi_json_size, openapi_json_etag, false},
    {"", "text/html; charset=utf-8", docs_page, &docs_page_size, docs_page_etag, false},
#ifdef DFYD_DOCS_VIEWER
    {"start.js", "text/javascript; charset=utf-8", docs_start_js, &docs_start_js_size, docs_start_js_etag, true},
    {"viewer.js", "text/javascript; charset=utf-8", docs_viewer_js, &docs_viewer_js_size, docs_viewer_js_etag, true},
    {"viewer.css", "text/css; charset=utf-8", docs_viewer_css, &docs_viewer_css_size, docs_viewer_css_etag, true},
    {"favicon.png", "image/png", docs_favicon, &docs_favicon_size, docs_favicon_etag, false},
#endif
};

static enum http_verdict send_file(struct call *call, const struct file *file) {
    struct http_response *response = call->response;
    http_response_header(response, "ETag", file->etag);
    http_response_header(response, "Cache-Control", "no-cache"); /* kept, but asked about each time */
    http_response_header(response, "X-Content-Type-Options", "nosniff");
    if (file->type) http_response_header(response, "Content-Security-Policy", POLICY);
    if (file->compressed) http_response_header(response, "Content-Encoding", "gzip");
    if (str_is(http_header(call->request, "If-None-Match", NULL), file->etag)) {
        response->status = 304;
        return HTTP_ANSWER;
    }
    response->content_type = file->type;
    buf_add(&response->body, (struct str){file->data, *file->size});
    call_answer(call);
    return HTTP_ANSWER;
}

enum http_verdict docs_description(struct call *call) {
    return send_file(call, &files[0]);
}

/* /docs, and /docs/{} with its parts. */
enum http_verdict docs_file(struct call *call) {
    for (size_t i = 1; i < ARRAY_LEN(files); i++)
        if (str_is(call->parameter, files[i].name)) return send_file(call, &files[i]);
    struct error error = {0};
    error_set(&error, ERR_NOT_FOUND, "Resource not found");
    call_refuse(call, &error);
    return HTTP_ANSWER;
}
