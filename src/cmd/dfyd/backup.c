#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_parts.h"
#include "base/clock.h"
#include "commands.h"
#include "files.h"
#include "manifest.h"
#include "named_point.h"
#include "setup.h"
#include "store/snapshot.h"
#include "table.h"
#include "text.h"

enum { LOCK_WAIT_MS = 10000 };

struct backup {
    const struct settings *settings;
    struct arena *arena;
    const char *folder;
    const char *from[PART_END]; /* NULL: there is none */
    const char *to[PART_END];
    struct manifest manifest;
};

static bool find_mail_host(struct backup *b, struct error *reterr) {
    bool is_used;
    const char *dir;
    if (!part_mailhost_dir(b->settings, b->from[PART_DFYD], b->arena, &dir, &is_used, reterr)) return false;
    for (enum part part = PART_MAIL; part <= PART_DKIM; part++) {
        b->from[part] = part_path(part, NULL, dir, b->arena);
        if (!files_exist(b->from[part])) b->from[part] = NULL;
    }
    return !is_used || b->from[PART_MAIL] ||
           error_set(reterr, ERR_NOT_FOUND,
                     "the mail host's file %s/mail.db is not there: say with mailhost_dir where it is", dir);
}

/* The key is made after the database, and never changes. */
static bool find_key(struct backup *b, bool leave_out, struct error *reterr) {
    struct str proof;
    if (!snapshot_ask(b->from[PART_DFYD], true, "SELECT sealed FROM vault_proof", b->arena, &proof, reterr))
        return false;
    b->manifest.has_key = proof.n > 0 && !leave_out;
    if (!b->manifest.has_key) {
        b->from[PART_KEY] = NULL;
        return true;
    }
    struct vault vault;
    struct str plain;
    bool ok = vault_open(b->settings->data, false, &vault, reterr);
    if (!ok) return false;
    ok = vault_open_sealed(&vault, proof, b->arena, &plain, reterr) ||
         error_set(reterr, ERR_INVALID, "%s is not the key of this database: find the one that belongs to it",
                   b->from[PART_KEY]);
    vault_finish(&vault);
    return ok;
}

static bool find_parts(struct backup *b, bool leave_key_out, struct error *reterr) {
    const char *data = b->settings->data;
    for (enum part part = 0; part < PART_END; part++) {
        b->to[part] = files_path(b->arena, b->folder, part_names[part]);
        b->from[part] = part_path(part, data, data, b->arena);
    }
    if (!files_exist(b->from[PART_DFYD])) return error_set(reterr, ERR_NOT_FOUND, "%s holds no data of dfyd", data);
    if (!files_exist(b->from[PART_SANDBOX])) b->from[PART_SANDBOX] = NULL;
    return find_mail_host(b, reterr) && find_key(b, leave_key_out, reterr);
}

static bool make_folder(const struct backup *b, struct error *reterr) {
    if (!mkdir(b->folder, 0700)) return true;
    if (errno == EEXIST)
        return error_set(reterr, ERR_CONFLICT, "%s is already there: a backup goes into a folder of its own",
                         b->folder);
    return error_set(reterr, ERR_UNAVAILABLE, "cannot make the folder %s: %s", b->folder, strerror(errno));
}

static bool copy_parts(struct backup *b, struct error *reterr) {
    struct snapshot_file files[PARTS_SQLITE];
    size_t n = 0;
    for (enum part part = 0; part < PARTS_SQLITE; part++) {
        if (!b->from[part]) continue;
        files[n++] = (struct snapshot_file){b->from[part], b->to[part]};
        if (!files_make(b->to[part], 0600, reterr)) return false;
    }
    if (!snapshot_take(files, n, LOCK_WAIT_MS, reterr)) return false;
    named_point(b->settings, "backup.copied");
    if (b->from[PART_KEY] && !files_copy(b->from[PART_KEY], b->to[PART_KEY], 0600, reterr)) return false;
    for (size_t i = 0; i < n; i++)
        if (!files_sync(files[i].to, reterr) || !snapshot_check(files[i].to, reterr)) return false;
    return true;
}

static bool describe(struct backup *b, struct error *reterr) {
    struct manifest *m = &b->manifest;
    struct str schema;
    if (!snapshot_ask(b->to[PART_DFYD], false, "SELECT MAX(version) FROM schema_version", b->arena, &schema, reterr))
        return false;
    if (!str_to_int(schema, 1, INT64_MAX, &m->schema))
        return error_set(reterr, ERR_INTERNAL, "%s says no version of its schema: it is damaged", b->from[PART_DFYD]);
    m->program = STR(DFYD_VERSION);
    for (enum part part = 0; part < PART_END; part++) {
        if (!b->from[part]) continue;
        struct manifest_file *file = &m->files[m->n_files++];
        file->name = str_of(part_names[part]);
        if (!manifest_hash(b->to[part], file, reterr)) return false;
    }
    return true;
}

/* What lies there without a manifest is no backup; it only takes room. */
static void clear(const struct backup *b) {
    for (enum part part = 0; part < PART_END; part++) unlink(b->to[part]);
    unlink(files_path(b->arena, b->folder, "manifest.part"));
    rmdir(b->folder);
}

static void print_files(const struct manifest *manifest, struct arena *arena) {
    static const char *const titles[] = {"FILE", "BYTES", "BLAKE2B-256", NULL};
    struct table *table = table_create(arena, titles);
    for (size_t i = 0; i < manifest->n_files; i++) {
        const struct manifest_file *file = &manifest->files[i];
        table_add(table, (const struct str[]){file->name, arena_printf(arena, "%lld", (long long)file->bytes),
                                              str_of(file->hash)});
    }
    table_print(table, stdout);
}

static const char no_key[] =
    "secret.key was left out: without it nobody can open the stored passwords, so keep it elsewhere\n";

bool run_backup(const struct invocation *invocation, struct error *reterr) {
    struct clock clock = clock_system();
    struct backup b = {
        .settings = invocation->settings,
        .arena = invocation->arena,
        .folder = invocation_value(invocation, "to"),
        .manifest.made_ms = clock_now(&clock),
    };
    if (!part_wants_sqlite(b.settings, "backup", reterr) ||
        !find_parts(&b, invocation_has(invocation, "without-key"), reterr) || !make_folder(&b, reterr))
        return false;
    if (!copy_parts(&b, reterr) || !describe(&b, reterr) || !manifest_write(b.folder, &b.manifest, reterr)) {
        clear(&b);
        return false;
    }
    print_files(&b.manifest, b.arena);
    printf("\n%s holds %s as it stood at %.*s\n", b.folder, b.settings->data,
           STR_ARG(text_time(b.manifest.made_ms, b.arena)));
    if (!b.manifest.has_key) fputs(no_key, stdout);
    return true;
}

bool run_backup_check(const struct invocation *invocation, struct error *reterr) {
    struct arena *arena = invocation->arena;
    const char *folder = invocation_value(invocation, "folder");
    struct manifest manifest;
    if (!manifest_read(folder, arena, &manifest, reterr)) return false;
    for (size_t i = 0; i < manifest.n_files; i++) {
        const struct manifest_file *file = &manifest.files[i];
        const char *path = files_path(arena, folder, arena_cstr(arena, file->name));
        if (!manifest_prove(file, path, reterr)) return false;
        if (part_of(file->name) < PARTS_SQLITE && !snapshot_check(path, reterr)) return false;
    }
    print_files(&manifest, arena);
    printf("\n%s is whole: made at %.*s by dfyd %.*s, schema version %lld\n", folder,
           STR_ARG(text_time(manifest.made_ms, arena)), STR_ARG(manifest.program), (long long)manifest.schema);
    if (!manifest.has_key) fputs(no_key, stdout);
    return true;
}
