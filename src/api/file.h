/* file: answers that are files, kept by clients and asked about each time. */
#pragma once

#include "api/call.h"

struct file {
    const char *type; /* NULL: JSON */
    struct str data;
    const char *etag;   /* with its quotation marks */
    const char *policy; /* Content-Security-Policy; NULL: none */
    bool compressed;    /* DATA is gzip */
};

/* 200 with FILE, or 304 where the client has it. */
void file_send(struct call *call, const struct file *file);
