/*
 * Everything is copied into DIR/restoring first (the mail host's files beside their place), proved there, and moved
 * into its place, dfyd.db last. As long as DIR/restoring is there, nobody serves DIR (setup.c), and a restore that was
 * cut off is begun again by the next one.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_parts.h"
#include "commands.h"
#include "files.h"
#include "lock.h"
#include "manifest.h"
#include "named_point.h"
#include "prove.h"
#include "setup.h"
#include "store/snapshot.h"
#include "store/vault_proof.h"
#include "text.h"

enum { SIGNER_MODE = S_ISGID | 0750 }; /* of the mail host's folders, as its driver makes them */

struct restoring {
    const struct invocation *invocation;
    const struct settings *settings;
    struct arena *arena;
    const char *folder, *data;
    const char *stage;          /* DATA/restoring */
    const char *mailhost_dir;   /* NULL: the backup has no files of a mail host */
    const char *from[PART_END]; /* in the backup; NULL: it is not in it */
    const char *beside[PART_END], *to[PART_END];
    struct manifest manifest;
    bool again; /* an earlier restore was cut off */
};

/* -- where from, where to */

static bool read_backup(struct restoring *r, struct error *reterr) {
    struct manifest *m = &r->manifest;
    if (!manifest_read(r->folder, r->arena, m, reterr)) return false;
    for (size_t i = 0; i < m->n_files; i++) {
        enum part part = part_of(m->files[i].name);
        if (part == PART_END)
            return error_set(reterr, ERR_INVALID, "%s holds %.*s, which this program does not know: use dfyd %.*s",
                             r->folder, STR_ARG(m->files[i].name), STR_ARG(m->program));
        r->from[part] = files_path(r->arena, r->folder, part_names[part]);
    }
    return r->from[PART_DFYD] || error_set(reterr, ERR_INVALID, "%s holds no dfyd.db", r->folder);
}

static bool choose_places(struct restoring *r, struct error *reterr) {
    bool is_used;
    /* A copy would be changed by a look that is not one of copies: the backup's own word for the folder is not asked.
     */
    if (!part_mailhost_dir(r->settings, NULL, r->arena, &r->mailhost_dir, &is_used, reterr)) return false;
    if (!r->from[PART_MAIL] && !r->from[PART_DKIM]) r->mailhost_dir = NULL;
    const char *key = invocation_value(r->invocation, "key");
    if (key && r->manifest.has_key) return error_set(reterr, ERR_INVALID, "--key: %s has its secret.key", r->folder);
    if (key) r->from[PART_KEY] = key;
    for (enum part part = 0; part < PART_END; part++) {
        r->to[part] = part_path(part, r->data, r->mailhost_dir ? r->mailhost_dir : r->data, r->arena);
        bool is_mailhosts = part == PART_MAIL || part == PART_DKIM;
        r->beside[part] = is_mailhosts ? arena_cstr(r->arena, arena_printf(r->arena, "%s.restoring", r->to[part]))
                                       : files_path(r->arena, r->stage, part_names[part]);
    }
    return true;
}

/* -- an empty folder, of nobody */

static bool is_left_over(const struct restoring *r, const char *name) {
    static const char *const fine[] = {"lock", "lost+found", "restoring"};
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        if (!strcmp(name, fine[i])) return true;
    /* Moved into its place by a restore that was cut off. The mail host's folder is looked into by itself. */
    return r->again && (part_of(str_of(name)) < PART_END || !strcmp(name, "mailhost"));
}

static bool is_empty(struct restoring *r, struct error *reterr) {
    DIR *dir = opendir(r->data);
    if (!dir) return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", r->data, strerror(errno));
    r->again = files_exist(r->stage);
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(dir));) {
        bool is_self = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
        ok = is_self || is_left_over(r, entry->d_name) ||
             (lock_is_held(r->data)
                  ? error_set(reterr, ERR_CONFLICT, "%s is served: restore into another folder", r->data)
                  : error_set(reterr, ERR_CONFLICT,
                              "%s is not empty (%.100s): restore into another folder, or move away what is in it",
                              r->data, entry->d_name));
    }
    closedir(dir);
    return ok;
}

/* Whether PART may be put in its place: nothing is there, or what the restore before has put there. */
static bool is_free(const struct restoring *r, enum part part, struct error *reterr) {
    struct manifest_file found = {.bytes = 0};
    if (!files_exist(r->to[part])) return true;
    if (r->again && manifest_hash(r->to[part], &found, reterr))
        for (size_t i = 0; i < r->manifest.n_files; i++)
            if (!memcmp(r->manifest.files[i].hash, found.hash, HASH_TEXT)) return true;
    return error_set(reterr, ERR_CONFLICT, "%s is already there: move it away first", r->to[part]);
}

static void remove_staged(const struct restoring *r) {
    static const char *const more[] = {"dfyd.db-wal", "dfyd.db-shm", "sandbox.db-wal", "sandbox.db-shm", "generation"};
    for (size_t i = 0; i < ARRAY_LEN(more); i++) unlink(files_path(r->arena, r->stage, more[i]));
    for (enum part part = 0; part < PART_END; part++) unlink(r->beside[part]);
}

static bool make_folder(const char *path, mode_t mode, struct error *reterr) {
    if (!mkdir(path, 0700))
        return !chmod(path, mode) || error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    return errno == EEXIST ||
           error_set(reterr, ERR_UNAVAILABLE, "cannot make the folder %s: %s", path, strerror(errno));
}

static bool clear_way(struct restoring *r, struct error *reterr) {
    if (r->mailhost_dir && (!make_folder(r->mailhost_dir, SIGNER_MODE, reterr) ||
                            !make_folder(files_path(r->arena, r->mailhost_dir, "signer"), SIGNER_MODE, reterr) ||
                            !is_free(r, PART_MAIL, reterr) || !is_free(r, PART_DKIM, reterr)))
        return false;
    if (!make_folder(r->stage, 0700, reterr) || !files_sync(r->data, reterr)) return false;
    remove_staged(r);
    return true;
}

/* -- copies, and whether they are what they should be */

static bool copy_parts(struct restoring *r, struct error *reterr) {
    for (size_t i = 0; i < r->manifest.n_files; i++) {
        const struct manifest_file *file = &r->manifest.files[i];
        enum part part = part_of(file->name);
        if (!files_copy(r->from[part], r->beside[part], part_mode(part), reterr)) return false;
        /* The backup's file first, whose name the message should have; then what will be used. */
        if (!manifest_prove(file, r->from[part], reterr) || !manifest_prove(file, r->beside[part], reterr))
            return false;
        if (part < PARTS_SQLITE && !snapshot_check(r->beside[part], reterr)) return false;
    }
    bool extra = r->from[PART_KEY] && !r->manifest.has_key;
    return !extra || files_copy(r->from[PART_KEY], r->beside[PART_KEY], part_mode(PART_KEY), reterr);
}

static bool prove_key(const struct restoring *r, struct store *store, struct error *reterr) {
    struct rng rng = rng_system();
    struct vault vault;
    if (!r->from[PART_KEY]) return true;
    if (!vault_proof_open(store, r->stage, &rng, &vault, reterr)) return false;
    vault_finish(&vault);
    return true;
}

/* The sandbox's book was copied at the same moment, so it has to agree. A real provider's went on since. */
static bool prove_books(const struct restoring *r, struct store *store, struct error *reterr) {
    bool ok = ledger_prove_folder(store, r->stage, r->arena, reterr);
    if (ok || reterr->code != ERR_CONFLICT || !invocation_has(r->invocation, "accept-differences")) return ok;
    printf("\nrestored in spite of that\n");
    return true;
}

/* Opening brings an older schema up to date, as a start would. */
static bool prove(const struct restoring *r, struct error *reterr) {
    const struct store_config config = {.dir = r->stage, .single = true};
    struct store *store;
    if (!store_open(&config, &store, reterr)) return false;
    bool ok = prove_key(r, store, reterr) && prove_books(r, store, reterr);
    store_close(store);
    return ok;
}

/* -- into their places */

/* The mail host's first and dfyd.db last: until then no program takes what is there for a business. */
static bool move_parts(const struct restoring *r, struct error *reterr) {
    static const enum part order[] = {PART_MAIL, PART_DKIM, PART_SANDBOX, PART_KEY, PART_DFYD};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        enum part part = order[i];
        if (!r->from[part]) continue;
        if (!files_sync(r->beside[part], reterr) || !files_move(r->beside[part], r->to[part], reterr) ||
            !files_sync_above(r->to[part], reterr))
            return false;
        named_point(r->settings, "restore.moved");
    }
    remove_staged(r);
    return (!rmdir(r->stage) ||
            error_set(reterr, ERR_UNAVAILABLE, "cannot remove %s: %s", r->stage, strerror(errno))) &&
           files_sync(r->data, reterr);
}

static bool restore(struct restoring *r, struct error *reterr) {
    if (!clear_way(r, reterr)) return false;
    bool ok = copy_parts(r, reterr);
    if (ok) named_point(r->settings, "restore.copied");
    ok = ok && prove(r, reterr);
    if (!ok && !r->again) {
        remove_staged(r);
        rmdir(r->stage);
    }
    return ok && move_parts(r, reterr);
}

bool run_restore(const struct invocation *invocation, struct error *reterr) {
    struct arena *arena = invocation->arena;
    struct restoring r = {
        .invocation = invocation,
        .settings = invocation->settings,
        .arena = arena,
        .folder = invocation_value(invocation, "from"),
        .data = invocation->settings->data,
    };
    r.stage = files_path(arena, r.data, "restoring");
    if (!part_wants_sqlite(r.settings, "restore", reterr) || !read_backup(&r, reterr) || !choose_places(&r, reterr) ||
        !make_folder(r.data, 0700, reterr) || !is_empty(&r, reterr))
        return false;
    struct lock lock;
    if (!lock_take(r.data, false, &lock, reterr)) return false;
    bool ok = restore(&r, reterr);
    lock_drop(&lock);
    if (!ok) return false;
    printf("\n%s holds what was backed up at %.*s\n", r.data, STR_ARG(text_time(r.manifest.made_ms, arena)));
    if (r.mailhost_dir)
        printf("the mail host's files are in %s: look at their groups (docs/mailhost.md)\n", r.mailhost_dir);
    if (!r.from[PART_KEY]) printf("put secret.key there, with mode 0600, before it is served\n");
    return true;
}
