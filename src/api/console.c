/* The console's files: its one page, which "/" and the paths of its views answer, and what stands under /console/. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/file.h"
#include "api/packed.h"
#include "api/path.h"

/* Nothing from elsewhere, and no script or style that stands in the page itself. */
#define POLICY                                                                                                         \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "              \
    "font-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

enum { FILE_MAX_BYTES = 4 << 20, ETAG_BYTES = 8, ETAG_TEXT = 2 * ETAG_BYTES + 3 };

static const char *const pages[] = {
    "/",
    "/sign-in",
    "/order",
    "/orders",
    "/orders/{}",
    "/domains",
    "/domains/{}",
    "/mailboxes",
    "/money",
    "/invoices",
    "/invoices/{}",
    "/operator",
    "/operator/queue",
    "/operator/health",
    "/operator/prices",
    "/operator/promotions",
    "/operator/inventory",
    "/operator/audit",
};

bool console_has_page(struct str path) {
    struct str parameter;
    if (str_starts(path, "/api/")) return false;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        if (path_matches(path, pages[i], &parameter)) return true;
    return false;
}

/* What the file NAME is; NULL: nothing that the console is made of. */
static const char *type_of(struct str name) {
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        size_t n = strlen(types[i].end);
        if (name.n > n && str_is((struct str){name.p + name.n - n, n}, types[i].end)) return types[i].type;
    }
    return NULL;
}

/* A file that could be opened by itself is bound, too; scripts and style sheets only count inside of a page. */
static const char *policy_of(const char *type) {
    return strncmp(type, "text/html", strlen("text/html")) == 0 || strstr(type, "svg") ? POLICY : NULL;
}

static void send_file(struct call *call, const struct file *file) {
    http_response_header(call->response, "Referrer-Policy", "same-origin");
    file_send(call, file);
}

static void refuse(struct call *call) {
    struct error error = {0};
    error_set(&error, ERR_NOT_FOUND, "Resource not found");
    call_refuse(call, &error);
}

/* ---- from the program ---- */

static void send_packed(struct call *call, struct str name) {
    for (size_t i = 0; i < packed_files_n; i++) {
        const struct packed_file *packed = &packed_files[i];
        if (!str_is(name, packed->name)) continue;
        const struct file file = {
            .type = packed->type,
            .data = {packed->data, packed->size},
            .etag = packed->etag,
            .policy = policy_of(packed->type),
            .compressed = packed->compressed,
        };
        send_file(call, &file);
        return;
    }
    refuse(call);
}

/* ---- from a folder, for who works on them ---- */

/* Names of plain segments: none is hidden or leads up, and none is empty. */
static bool is_plain(struct str name) {
    for (struct str segment; name.n;) {
        bool more = memchr(name.p, '/', name.n) != NULL;
        segment = str_cut(name, '/', &name);
        if (!segment.n || segment.p[0] == '.' || (more && !name.n)) return false;
        for (size_t i = 0; i < segment.n; i++) {
            char c = segment.p[i];
            bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (!is_letter && c != '.' && c != '-' && c != '_') return false;
        }
    }
    return true;
}

static struct str source_of(struct str name) {
    for (const struct packed_library *library = packed_libraries; library->name; library++)
        if (str_is(name, library->name)) return str_of(library->source);
    return name;
}

/* Says in *reterr which file could not be read, and why. */
static bool read_file(const char *path, struct buf *out, struct error *reterr) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat about;
    bool ok = fd >= 0 && !fstat(fd, &about);
    if (ok && !S_ISREG(about.st_mode)) errno = EISDIR, ok = false;
    for (ssize_t n = 1; ok && n > 0;) {
        char *to = buf_reserve(out, 1 << 14);
        if (!to) errno = EFBIG;
        n = to ? read(fd, to, 1 << 14) : -1;
        ok = n >= 0;
        if (n > 0) out->n += (size_t)n;
    }
    if (!ok) error_set(reterr, ERR_NOT_FOUND, "%s cannot be read: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    return ok;
}

static void add_etag(struct str data, char ret_etag[ETAG_TEXT]) {
    unsigned char hash[crypto_generichash_BYTES_MIN];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)data.p, data.n, NULL, 0);
    ret_etag[0] = '"';
    sodium_bin2hex(ret_etag + 1, ETAG_TEXT - 1, hash, ETAG_BYTES);
    memcpy(ret_etag + ETAG_TEXT - 2, "\"", 2);
}

static void send_from_folder(struct call *call, struct str name) {
    const char *type = type_of(name);
    if (!type || !is_plain(name)) {
        refuse(call);
        return;
    }
    struct str path = arena_printf(call->arena, "%s/%.*s", call->config->web_dir, STR_ARG(source_of(name)));
    struct error error = {0};
    struct buf data;
    char etag[ETAG_TEXT];
    buf_init(&data, FILE_MAX_BYTES);
    if (read_file(arena_cstr(call->arena, path), &data, &error)) {
        add_etag(buf_str(&data), etag);
        send_file(call, &(struct file){.type = type, .data = buf_str(&data), .etag = etag, .policy = policy_of(type)});
    } else {
        call_refuse(call, &error);
    }
    buf_finish(&data);
}

/* ---- the routes ---- */

static enum http_verdict begin(struct call *call, struct str name) {
    if (call->config->web_dir) return HTTP_DEFER; /* the disk is waited for */
    send_packed(call, name);
    return HTTP_ANSWER;
}

enum http_verdict console_page(struct call *call) {
    return begin(call, STR("index.html"));
}

enum http_verdict console_file(struct call *call) {
    return begin(call, call->parameter);
}

void console_run(struct call *call) {
    send_from_folder(call, call->parameter.n ? call->parameter : STR("index.html"));
}
