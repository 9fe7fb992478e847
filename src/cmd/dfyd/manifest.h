/*
 * manifest: what a backup holds, in FOLDER/manifest: lines of words, the last of which seals those before it. It is
 * written last, so a folder without one is no backup, whatever else lies in it (docs/backup.md).
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

enum { MANIFEST_FILES_MAX = 8, HASH_TEXT = 64 };

struct manifest_file {
    struct str name; /* in the backup's folder */
    int64_t bytes;
    char hash[HASH_TEXT + 1]; /* BLAKE2b-256, as `b2sum -l 256` prints it */
};

struct manifest {
    int64_t made_ms;    /* what was answered before this is in it */
    struct str program; /* the version that made it */
    int64_t schema;
    bool has_key; /* or it was left out */
    struct manifest_file files[MANIFEST_FILES_MAX];
    size_t n_files;
};

/* Length and hash of PATH. */
MUST_CHECK bool manifest_hash(const char *path, struct manifest_file *ret, struct error *reterr);
/* Makes FOLDER a backup: durable when it returns true. */
MUST_CHECK bool manifest_write(const char *folder, const struct manifest *manifest, struct error *reterr);
/* ERR_INVALID when FOLDER holds no backup, half a one, or a manifest that was changed. Texts from ARENA. */
MUST_CHECK bool manifest_read(const char *folder, struct arena *arena, struct manifest *ret, struct error *reterr);
/* Whether PATH is what the manifest says of FILE: ERR_INVALID. */
MUST_CHECK bool manifest_prove(const struct manifest_file *file, const char *path, struct error *reterr);
