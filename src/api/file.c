#include "api/file.h"

void file_send(struct call *call, const struct file *file) {
    struct http_response *response = call->response;
    http_response_header(response, "ETag", file->etag);
    http_response_header(response, "Cache-Control", "no-cache"); /* kept, but asked about each time */
    http_response_header(response, "X-Content-Type-Options", "nosniff");
    if (file->policy) http_response_header(response, "Content-Security-Policy", file->policy);
    if (file->compressed) http_response_header(response, "Content-Encoding", "gzip");
    if (str_is(http_header(call->request, "If-None-Match", NULL), file->etag)) {
        response->status = 304;
        return;
    }
    response->content_type = file->type;
    buf_add(&response->body, file->data);
    call_answer(call);
}
