/* packed: the files of web/, as scripts/pack_web.py packs them into the program. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct packed_file {
    const char *name; /* after /console/; index.html is what pages get */
    const char *type;
    const char *data;
    size_t size;
    const char *etag;
    bool compressed; /* as gzip */
};

/* What is served under another name than it has in web/: files of libraries. */
struct packed_library {
    const char *name, *source;
};

extern const struct packed_file packed_files[];
extern const size_t packed_files_n;
extern const struct packed_library packed_libraries[]; /* ended by a NULL name */
