/*
 * snapshot: copies SQLite files as all of them stood at one moment, while other processes write to them. Knows nothing
 * of what is in them.
 *
 * The first file is the one that leads: whoever writes to the others wrote down in it before that they would. So the
 * others are locked against writing for the moment (well under a millisecond) in which all of them are looked at; after
 * that each copy is made from what was seen then. Writers of a file with a write-ahead log go on during its copy, those
 * of one with a rollback journal wait for the end of its copy with their commit.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum { SNAPSHOT_FILES_MAX = 4 };

struct snapshot_file {
    const char *from, *to; /* TO: an empty file that is there, with its mode */
};

/*
 * Copies FILES, 1 to SNAPSHOT_FILES_MAX of them; what is written to them since the call began may be missing. Waits up
 * to WAIT_MS for writers who do not let go. The copies are not synced. ERR_UNAVAILABLE: a disk is full, a file is
 * locked or cannot be opened; then what TO holds is worth nothing.
 */
MUST_CHECK bool snapshot_take(const struct snapshot_file *files, size_t n, int64_t wait_ms, struct error *reterr);

/* Proves by `PRAGMA integrity_check` that nothing of the copy PATH is damaged. Nobody may write to it; it is not
 * changed, and no file is made beside it. */
MUST_CHECK bool snapshot_check(const char *path, struct error *reterr);
/* The first column of the first row that SQL selects, as text or bytes from ARENA; empty when there is no row. From a
 * copy as above, or, with IS_LIVE, from a file that others write to. */
MUST_CHECK bool snapshot_ask(const char *path, bool is_live, const char *sql, struct arena *arena, struct str *ret,
                             struct error *reterr);
