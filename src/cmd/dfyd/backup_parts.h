/*
 * backup_parts: the files that belong together in a data folder, with SQLite: what stands in one of them, others rely
 * on. What is not among them is made anew when it is missing.
 */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "settings.h"

enum part {
    PART_DFYD,    /* the database; it leads (store/snapshot.h) */
    PART_SANDBOX, /* the sandbox's book, where one was opened */
    PART_MAIL,    /* the mail host's, where dfyd has one */
    PART_DKIM,
    PART_KEY, /* no database; without it the stored passwords cannot be opened */
    PART_END,
    PARTS_SQLITE = PART_KEY, /* those before it are SQLite files */
};

/* By enum part: the name in a backup. */
extern const char *const part_names[PART_END];
/* The part of a backup's file; PART_END: there is none of that name. */
enum part part_of(struct str name);
/* Where it stands, and its mode; from ARENA. MAILHOST_DIR: see below. */
const char *part_path(enum part part, const char *data, const char *mailhost_dir, struct arena *arena);
mode_t part_mode(enum part part);

/* The folder of the mail host's files: by the settings, else what the last server worked with (of the database DB;
 * NULL: none), else DATA/mailhost. *ret_is_used: whether that server had a mail host. */
MUST_CHECK bool part_mailhost_dir(const struct settings *settings, const char *db, struct arena *arena,
                                  const char **ret, bool *ret_is_used, struct error *reterr);

/* With PostgreSQL these commands have nothing to do: the error says what has. */
MUST_CHECK bool part_wants_sqlite(const struct settings *settings, const char *command, struct error *reterr);
