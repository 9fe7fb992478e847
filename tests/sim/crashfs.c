#include "crashfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

enum { FILES_MAX = 16, NAME_MAX_LEN = 100 };

enum change_kind { CHANGE_WRITE, CHANGE_TRUNCATE, CHANGE_CREATE };

/* Something done to a file since its last sync. */
struct change {
    enum change_kind kind;
    size_t at; /* offset of a write, new length of a truncation */
    size_t n;  /* bytes of a write, which begin at DATA in the file's data */
    size_t data;
};

struct file {
    char name[NAME_MAX_LEN]; /* empty: the slot is free */
    bool exists;
    bool is_safe; /* the name itself survives a crash, with the bytes in SAFE */
    bool is_temporary;
    struct bytes now, safe;
    struct bytes changes; /* an array of struct change */
    struct bytes data;
};

struct kept {
    char name[NAME_MAX_LEN];
    struct bytes bytes;
};

struct crashfs {
    sqlite3_vfs vfs;
    struct rng *rng;
    struct crashfs_faults faults;
    bool is_off;
    int n_open;
    int n_temporary;
    struct file files[FILES_MAX];
    struct kept kept[FILES_MAX];
    struct crashfs_counts counts;
};

struct handle {
    sqlite3_file base;
    struct crashfs *fs;
    struct file *file;
    bool delete_on_close;
};

static _Noreturn void give_up(const char *why) {
    fprintf(stderr, "crashfs: %s\n", why);
    abort();
}

/* --- files ------------------------------------------------------------------------------------------------------- */

static struct file *file_find(struct crashfs *fs, const char *name) {
    for (size_t i = 0; i < FILES_MAX; i++)
        if (fs->files[i].name[0] && strcmp(fs->files[i].name, name) == 0) return &fs->files[i];
    return NULL;
}

static size_t count_changes(const struct file *file) {
    return file->changes.n / sizeof(struct change);
}

static struct change change_at(const struct file *file, size_t i) {
    struct change change;
    memcpy(&change, file->changes.p + i * sizeof change, sizeof change);
    return change;
}

static bool is_new(const struct file *file) {
    return count_changes(file) > 0 && change_at(file, 0).kind == CHANGE_CREATE;
}

static void forget_changes(struct file *file) {
    file->changes.n = file->data.n = 0;
}

static void note_change(struct file *file, enum change_kind kind, size_t at, const void *from, size_t n) {
    if (file->is_temporary) return;
    const struct change change = {.kind = kind, .at = at, .n = n, .data = file->data.n};
    bytes_put(&file->changes, file->changes.n, &change, sizeof change);
    bytes_put(&file->data, file->data.n, from, n);
}

static struct file *file_create(struct crashfs *fs, const char *name, bool is_temporary) {
    struct file *file = file_find(fs, name);
    for (size_t i = 0; !file && i < FILES_MAX; i++)
        if (!fs->files[i].name[0]) file = &fs->files[i];
    if (!file) give_up("too many files");
    snprintf(file->name, sizeof file->name, "%s", name);
    file->exists = true;
    file->is_temporary = is_temporary;
    file->now.n = 0;
    forget_changes(file);
    note_change(file, CHANGE_CREATE, 0, NULL, 0);
    return file;
}

static void file_clear(struct file *file) {
    file->name[0] = '\0';
    file->exists = file->is_safe = file->is_temporary = false;
    file->now.n = file->safe.n = 0;
    forget_changes(file);
}

static void apply_change(struct file *file, const struct change *change) {
    switch (change->kind) {
    case CHANGE_WRITE:
        bytes_put(&file->safe, change->at, file->data.p + change->data, change->n);
        break;
    case CHANGE_TRUNCATE:
        bytes_resize(&file->safe, change->at);
        break;
    case CHANGE_CREATE:
        file->safe.n = 0;
        file->is_safe = true;
        break;
    }
}

/* Makes every creation and deletion safe: all names lie in one directory. */
static void sync_names(struct crashfs *fs) {
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *file = &fs->files[i];
        if (!file->name[0] || file->is_temporary) continue;
        if (!file->exists) {
            file_clear(file);
        } else if (is_new(file)) {
            const struct change change = change_at(file, 0);
            apply_change(file, &change);
            file->changes.n -= sizeof change;
            memmove(file->changes.p, file->changes.p + sizeof change, file->changes.n);
        }
    }
}

static void file_sync(struct crashfs *fs, struct file *file) {
    if (is_new(file)) sync_names(fs);
    for (size_t i = 0; i < count_changes(file); i++) {
        const struct change change = change_at(file, i);
        apply_change(file, &change);
    }
    forget_changes(file);
}

static void file_delete(struct file *file) {
    file->exists = false;
    file->now.n = 0;
    forget_changes(file);
    if (!file->is_safe) file_clear(file);
}

/* --- a crash ----------------------------------------------------------------------------------------------------- */

/* A write reaches the platter by whole sectors of the disk, in any order. */
static bool tear_write(struct crashfs *fs, struct file *file, const struct change *change) {
    bool lost = false;
    for (size_t at = change->at, end = change->at + change->n; at < end;) {
        size_t next = (at / CRASHFS_SECTOR + 1) * CRASHFS_SECTOR;
        if (next > end) next = end;
        if (rng_below(fs->rng, 2))
            bytes_put(&file->safe, at, file->data.p + change->data + (at - change->at), next - at);
        else
            lost = true;
        at = next;
    }
    return lost;
}

static void crash_file(struct crashfs *fs, struct file *file) {
    if (file->is_temporary) {
        file_clear(file);
        return;
    }
    if (!file->exists) {
        /* Deleted, and its directory not synced. */
        if (rng_below(fs->rng, 2))
            file_clear(file);
        else {
            file->exists = true;
            bytes_copy(&file->now, &file->safe);
            fs->counts.changes_lost++;
        }
        return;
    }
    /* How the disk ordered what it was not asked to order. */
    enum { NOTHING, PREFIX, SUBSET, TORN, EVERYTHING, WAYS } way = (unsigned)rng_below(fs->rng, WAYS);
    size_t n = count_changes(file), prefix = n ? rng_below(fs->rng, (uint32_t)n + 1) : 0;
    for (size_t i = 0; i < n; i++) {
        const struct change change = change_at(file, i);
        bool kept = way == EVERYTHING || (way == PREFIX && i < prefix) ||
                    (way == SUBSET && rng_below(fs->rng, 2) != 0) || way == TORN;
        bool under_way = way == PREFIX && i == prefix; /* the first that is not in the prefix */
        if ((way == TORN || under_way) && change.kind == CHANGE_WRITE) {
            if (tear_write(fs, file, &change)) fs->counts.changes_lost++;
        } else if (kept && !(way == TORN && rng_below(fs->rng, 2))) {
            apply_change(file, &change);
        } else {
            fs->counts.changes_lost++;
            /* Without its name nothing else of a new file is found again. */
            if (change.kind == CHANGE_CREATE) break;
        }
    }
    forget_changes(file);
    if (!file->is_safe) {
        file_clear(file);
        return;
    }
    bytes_copy(&file->now, &file->safe);
}

static void expect_closed(const struct crashfs *fs) {
    if (fs->n_open) give_up("files are still open");
}

void crashfs_crash(struct crashfs *fs) {
    expect_closed(fs);
    for (size_t i = 0; i < FILES_MAX; i++)
        if (fs->files[i].name[0]) crash_file(fs, &fs->files[i]);
    fs->faults = (struct crashfs_faults){0};
    fs->is_off = false;
    fs->counts.crashes++;
}

void crashfs_power_off(struct crashfs *fs) {
    fs->is_off = true;
}

bool crashfs_is_off(const struct crashfs *fs) {
    return fs->is_off;
}

/* --- what SQLite calls ------------------------------------------------------------------------------------------- */

static bool happens(struct crashfs *fs, uint32_t permille) {
    return permille != 0 && rng_below(fs->rng, 1000) < permille;
}

static bool is_dead(const struct handle *handle) {
    return handle->fs->is_off;
}

/* After a change: may be the moment the power goes. */
static int changed(struct crashfs *fs) {
    if (!happens(fs, fs->faults.power_cut)) return SQLITE_OK;
    crashfs_power_off(fs);
    return SQLITE_IOERR;
}

static int fail(struct crashfs *fs, int code) {
    fs->counts.faults++;
    return code;
}

static int handle_close(sqlite3_file *base) {
    struct handle *handle = (struct handle *)base;
    if (handle->delete_on_close && !is_dead(handle) && handle->file->exists) file_delete(handle->file);
    handle->fs->n_open--;
    return SQLITE_OK;
}

static int handle_read(sqlite3_file *base, void *to, int n, sqlite3_int64 at) {
    struct handle *handle = (struct handle *)base;
    if (is_dead(handle)) return SQLITE_IOERR_READ;
    const struct bytes *now = &handle->file->now;
    size_t from = (size_t)at, want = (size_t)n, have = from < now->n ? now->n - from : 0;
    if (have > want) have = want;
    if (have) memcpy(to, now->p + from, have);
    if (have == want) return SQLITE_OK;
    memset((char *)to + have, 0, want - have);
    return SQLITE_IOERR_SHORT_READ;
}

static int handle_write(sqlite3_file *base, const void *from, int n, sqlite3_int64 at) {
    struct handle *handle = (struct handle *)base;
    struct crashfs *fs = handle->fs;
    if (is_dead(handle)) return SQLITE_IOERR_WRITE;
    struct file *file = handle->file;
    size_t offset = (size_t)at, size = (size_t)n;
    int code = SQLITE_OK;
    if (offset + size > file->now.n && happens(fs, fs->faults.full)) code = SQLITE_FULL;
    if (code == SQLITE_OK && happens(fs, fs->faults.write)) code = SQLITE_IOERR_WRITE;
    /* A failed write may have written its beginning. */
    if (code != SQLITE_OK) size = rng_below(fs->rng, 2) ? 0 : rng_below(fs->rng, (uint32_t)size + 1);
    if (size) {
        bytes_put(&file->now, offset, from, size);
        note_change(file, CHANGE_WRITE, offset, from, size);
    }
    return code == SQLITE_OK ? changed(fs) : fail(fs, code);
}

static int handle_truncate(sqlite3_file *base, sqlite3_int64 size) {
    struct handle *handle = (struct handle *)base;
    if (is_dead(handle)) return SQLITE_IOERR_TRUNCATE;
    bytes_resize(&handle->file->now, (size_t)size);
    note_change(handle->file, CHANGE_TRUNCATE, (size_t)size, NULL, 0);
    return changed(handle->fs);
}

static int handle_sync(sqlite3_file *base, int flags) {
    (void)flags;
    struct handle *handle = (struct handle *)base;
    struct crashfs *fs = handle->fs;
    if (is_dead(handle)) return SQLITE_IOERR_FSYNC;
    if (happens(fs, fs->faults.sync)) return fail(fs, SQLITE_IOERR_FSYNC);
    /* The power may go before the sync as well as after it. */
    if (changed(fs) != SQLITE_OK) return SQLITE_IOERR_FSYNC;
    file_sync(fs, handle->file);
    fs->counts.syncs++;
    return changed(fs);
}

static int handle_size(sqlite3_file *base, sqlite3_int64 *ret) {
    struct handle *handle = (struct handle *)base;
    if (is_dead(handle)) return SQLITE_IOERR_FSTAT;
    *ret = (sqlite3_int64)handle->file->now.n;
    return SQLITE_OK;
}

static int handle_lock(sqlite3_file *base, int lock) {
    (void)base, (void)lock;
    return SQLITE_OK;
}

static int handle_check_lock(sqlite3_file *base, int *ret) {
    (void)base;
    *ret = 0;
    return SQLITE_OK;
}

static int handle_control(sqlite3_file *base, int op, void *arg) {
    (void)base, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int handle_sector(sqlite3_file *base) {
    (void)base;
    return CRASHFS_SECTOR;
}

static int handle_device(sqlite3_file *base) {
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as SQLite's own unix VFS says of every disk */
}

static const sqlite3_io_methods methods = {
    .iVersion = 1, /* no shared memory */
    .xClose = handle_close,
    .xRead = handle_read,
    .xWrite = handle_write,
    .xTruncate = handle_truncate,
    .xSync = handle_sync,
    .xFileSize = handle_size,
    .xLock = handle_lock,
    .xUnlock = handle_lock,
    .xCheckReservedLock = handle_check_lock,
    .xFileControl = handle_control,
    .xSectorSize = handle_sector,
    .xDeviceCharacteristics = handle_device,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret_flags) {
    struct crashfs *fs = vfs->pAppData;
    struct handle *handle = (struct handle *)base;
    handle->base.pMethods = NULL;
    if (fs->is_off) return SQLITE_CANTOPEN;
    char temporary[NAME_MAX_LEN];
    if (!name) {
        snprintf(temporary, sizeof temporary, "temporary-%d", fs->n_temporary++);
        flags |= SQLITE_OPEN_CREATE | SQLITE_OPEN_DELETEONCLOSE;
    }
    struct file *file = file_find(fs, name ? name : temporary);
    if (!file || !file->exists) {
        if (!(flags & SQLITE_OPEN_CREATE)) return SQLITE_CANTOPEN;
        file = file_create(fs, name ? name : temporary, !name);
    }
    *handle = (struct handle){.fs = fs, .file = file, .delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0};
    handle->base.pMethods = &methods;
    fs->n_open++;
    if (ret_flags) *ret_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir) {
    struct crashfs *fs = vfs->pAppData;
    if (fs->is_off) return SQLITE_IOERR_DELETE;
    struct file *file = file_find(fs, name);
    if (!file || !file->exists) return SQLITE_IOERR_DELETE_NOENT;
    file_delete(file);
    if (changed(fs) != SQLITE_OK) return SQLITE_IOERR_DELETE;
    if (sync_dir) sync_names(fs);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret) {
    (void)flags;
    struct crashfs *fs = vfs->pAppData;
    if (fs->is_off) return SQLITE_IOERR_ACCESS;
    struct file *file = file_find(fs, name);
    *ret = file && file->exists;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *to) {
    (void)vfs;
    return snprintf(to, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *to) {
    struct crashfs *fs = vfs->pAppData;
    if (fs->rng)
        rng_fill(fs->rng, to, (size_t)size);
    else
        memset(to, 0, (size_t)size);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return microseconds;
}

static int vfs_time(sqlite3_vfs *vfs, double *ret) {
    (void)vfs;
    *ret = 2461041.5; /* days; 2026-01-01. Nothing may depend on it */
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *to) {
    (void)vfs, (void)size, (void)to;
    return 0;
}

/* --- the disk ---------------------------------------------------------------------------------------------------- */

struct crashfs *crashfs_create(const char *name) {
    struct crashfs *fs = calloc(1, sizeof *fs);
    if (!fs) give_up("out of memory");
    fs->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(struct handle),
        .mxPathname = NAME_MAX_LEN - 1,
        .zName = name,
        .pAppData = fs,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
    };
    if (sqlite3_vfs_register(&fs->vfs, 0) != SQLITE_OK) give_up("SQLite does not take the VFS");
    return fs;
}

void crashfs_destroy(struct crashfs *fs) {
    if (!fs) return;
    sqlite3_vfs_unregister(&fs->vfs);
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *file = &fs->files[i];
        bytes_free(&file->now);
        bytes_free(&file->safe);
        bytes_free(&file->data);
        bytes_free(&file->changes);
        bytes_free(&fs->kept[i].bytes);
    }
    free(fs);
}

void crashfs_reset(struct crashfs *fs, struct rng *rng) {
    expect_closed(fs);
    for (size_t i = 0; i < FILES_MAX; i++) file_clear(&fs->files[i]);
    fs->rng = rng;
    fs->faults = (struct crashfs_faults){0};
    fs->is_off = false;
    fs->n_temporary = 0;
    fs->counts = (struct crashfs_counts){0};
}

void crashfs_set_faults(struct crashfs *fs, struct crashfs_faults faults) {
    fs->faults = faults;
}

void crashfs_keep(struct crashfs *fs) {
    for (size_t i = 0; i < FILES_MAX; i++) {
        const struct file *file = &fs->files[i];
        struct kept *kept = &fs->kept[i];
        kept->name[0] = '\0';
        if (!file->exists || file->is_temporary) continue;
        memcpy(kept->name, file->name, sizeof kept->name);
        bytes_copy(&kept->bytes, &file->now);
    }
}

void crashfs_restore(struct crashfs *fs) {
    expect_closed(fs);
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *file = &fs->files[i];
        file_clear(file);
        if (!fs->kept[i].name[0]) continue;
        memcpy(file->name, fs->kept[i].name, sizeof file->name);
        file->exists = file->is_safe = true;
        bytes_copy(&file->now, &fs->kept[i].bytes);
        bytes_copy(&file->safe, &fs->kept[i].bytes);
    }
}

struct crashfs_counts crashfs_counts(const struct crashfs *fs) {
    return fs->counts;
}
