#include "backup_parts.h"

#include <string.h>

#include "files.h"
#include "store/db.h"
#include "store/snapshot.h"

const char *const part_names[PART_END] = {
    [PART_DFYD] = "dfyd.db", [PART_SANDBOX] = "sandbox.db", [PART_MAIL] = "mail.db",
    [PART_DKIM] = "dkim.db", [PART_KEY] = "secret.key",
};

enum part part_of(struct str name) {
    enum part part = 0;
    while (part < PART_END && !str_is(name, part_names[part])) part++;
    return part;
}

const char *part_path(enum part part, const char *data, const char *mailhost_dir, struct arena *arena) {
    if (part == PART_MAIL) return files_path(arena, mailhost_dir, "mail.db");
    if (part == PART_DKIM) return files_path(arena, mailhost_dir, "signer/dkim.db");
    return files_path(arena, data, part_names[part]);
}

/* Those of the mail host are read by its programs, through their groups. */
mode_t part_mode(enum part part) {
    return part == PART_MAIL || part == PART_DKIM ? 0640 : 0600;
}

/* The value of NAME among lines NAME=VALUE. */
static struct str value_of(struct str lines, const char *name) {
    while (lines.n) {
        struct str value, line = str_cut(lines, '\n', &lines);
        if (str_is(str_cut(line, '=', &value), name)) return value;
    }
    return STR("");
}

static bool servers_settings(const char *db, struct arena *arena, struct str *ret, struct error *reterr) {
    struct str found;
    *ret = STR("");
    if (!db) return true;
    if (!snapshot_ask(db, true, DB_ONLY_SQLITE("SELECT 1 FROM sqlite_schema WHERE name = 'care_settings'"), arena,
                      &found, reterr))
        return false;
    return !found.n || snapshot_ask(db, true, "SELECT settings FROM care_settings", arena, ret, reterr);
}

bool part_mailhost_dir(const struct settings *settings, const char *db, struct arena *arena, const char **ret,
                       bool *ret_is_used, struct error *reterr) {
    struct str lines;
    if (!servers_settings(db, arena, &lines, reterr)) return false;
    struct str servers = value_of(lines, "mailhost_dir");
    *ret_is_used = str_is(value_of(lines, "mailbox"), "mailhost");
    *ret = settings->mailhost_dir ? settings->mailhost_dir
           : servers.n            ? arena_cstr(arena, servers)
                                  : files_path(arena, settings->data, "mailhost");
    return true;
}

bool part_wants_sqlite(const struct settings *settings, const char *command, struct error *reterr) {
    return !strcmp(settings->db, "sqlite") ||
           error_set(reterr, ERR_INVALID,
                     "`dfyd %s` is for SQLite; with PostgreSQL use its own tools, such as pg_basebackup with archived "
                     "WAL, and keep a copy of %s/secret.key: docs/backup.md",
                     command, settings->data);
}
