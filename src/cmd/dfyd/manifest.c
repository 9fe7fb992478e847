#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "files.h"

enum { HASH = HASH_TEXT / 2, READ_BYTES = 1 << 16, TEXT_MAX = 8192 };

static const char first_line[] = "dfyd backup 1";

static void hash_text(crypto_generichash_state *state, char ret[HASH_TEXT + 1]) {
    unsigned char hash[HASH];
    crypto_generichash_final(state, hash, sizeof hash);
    sodium_bin2hex(ret, HASH_TEXT + 1, hash, sizeof hash);
}

bool manifest_hash(const char *path, struct manifest_file *ret, struct error *reterr) {
    crypto_generichash_state state;
    unsigned char bytes[READ_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    crypto_generichash_init(&state, NULL, 0, HASH);
    ret->bytes = 0;
    ssize_t n;
    while ((n = read(fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0) continue;
        crypto_generichash_update(&state, bytes, (size_t)n);
        ret->bytes += n;
    }
    close(fd);
    if (n < 0) return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    hash_text(&state, ret->hash);
    return true;
}

static void seal(struct str text, char ret[HASH_TEXT + 1]) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, HASH);
    crypto_generichash_update(&state, (const unsigned char *)text.p, text.n);
    hash_text(&state, ret);
}

static bool write_text(const char *path, struct str text, struct error *reterr) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n && !fsync(fd);
    if (!ok) error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, errno ? strerror(errno) : "no room left on its disk");
    if (fd >= 0) close(fd);
    return ok;
}

bool manifest_write(const char *folder, const struct manifest *manifest, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    CLEANUP(buf_finish) struct buf text;
    char made[TIME_TEXT], hash[HASH_TEXT + 1];
    buf_init(&text, TEXT_MAX);
    time_format(manifest->made_ms, made);
    buf_printf(&text, "%s\nmade %s\nprogram %.*s\nschema %" PRId64 "\nkey %s\n", first_line, made,
               STR_ARG(manifest->program), manifest->schema, manifest->has_key ? "included" : "left-out");
    for (size_t i = 0; i < manifest->n_files; i++) {
        const struct manifest_file *file = &manifest->files[i];
        buf_printf(&text, "file %" PRId64 " %s %.*s\n", file->bytes, file->hash, STR_ARG(file->name));
    }
    seal(buf_str(&text), hash);
    buf_printf(&text, "end %s\n", hash);
    if (!buf_ok(&text)) return error_set(reterr, ERR_INTERNAL, "the manifest is too long");
    const char *beside = files_path(arena, folder, "manifest.part"), *path = files_path(arena, folder, "manifest");
    errno = 0;
    return write_text(beside, buf_str(&text), reterr) && files_sync(folder, reterr) &&
           files_move(beside, path, reterr) && files_sync(folder, reterr) && files_sync_above(folder, reterr);
}

/* -- reading */

static bool no_backup(const char *folder, struct error *reterr) {
    if (!files_exist(folder)) return error_set(reterr, ERR_NOT_FOUND, "%s is not there", folder);
    return error_set(reterr, ERR_INVALID, "%s has no manifest: it is no backup, or one that was never finished",
                     folder);
}

static bool damaged(const char *path, struct error *reterr) {
    return error_set(reterr, ERR_INVALID, "%s was changed or is damaged: take another backup", path);
}

static bool read_text(const char *folder, const char *path, char text[TEXT_MAX], struct str *ret,
                      struct error *reterr) {
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT || errno == ENOTDIR
                   ? no_backup(folder, reterr)
                   : error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    size_t n = fread(text, 1, TEXT_MAX, file);
    bool ok = !ferror(file) || error_set(reterr, ERR_UNAVAILABLE, "%s cannot be read", path);
    fclose(file);
    *ret = (struct str){text, n};
    return ok;
}

/* Whether the last line is the hash of those before, which are returned. */
static bool unseal(struct str text, struct str *ret) {
    enum { END = sizeof "end " - 1 + HASH_TEXT + 1 };
    char hash[HASH_TEXT + 1];
    if (text.n < END || text.p[text.n - 1] != '\n') return false;
    *ret = (struct str){text.p, text.n - END};
    seal(*ret, hash);
    return !memcmp(text.p + ret->n, "end ", 4) && !memcmp(text.p + ret->n + 4, hash, HASH_TEXT);
}

/* A name of one piece: what is read from it must not reach out of the folder. */
static bool take_file(struct str words, struct arena *arena, struct manifest *ret) {
    if (ret->n_files == MANIFEST_FILES_MAX) return false;
    struct manifest_file *file = &ret->files[ret->n_files++];
    struct str bytes = str_cut(words, ' ', &words), hash = str_cut(words, ' ', &words);
    file->name = arena_str(arena, words);
    if (hash.n != HASH_TEXT || !words.n || str_contains(words, "/") || words.p[0] == '.') return false;
    memcpy(file->hash, hash.p, HASH_TEXT);
    return str_to_int(bytes, 0, INT64_MAX, &file->bytes);
}

static bool take_line(struct str line, struct arena *arena, struct manifest *ret) {
    struct str rest, word = str_cut(line, ' ', &rest);
    if (str_is(word, "made")) return time_parse(rest, &ret->made_ms);
    if (str_is(word, "schema")) return str_to_int(rest, 0, INT64_MAX, &ret->schema);
    if (str_is(word, "file")) return take_file(rest, arena, ret);
    if (str_is(word, "program")) ret->program = arena_str(arena, rest);
    if (str_is(word, "key")) ret->has_key = str_is(rest, "included");
    return true; /* a later program may say more */
}

bool manifest_read(const char *folder, struct arena *arena, struct manifest *ret, struct error *reterr) {
    char bytes[TEXT_MAX];
    struct str text = STR(""), line;
    const char *path = files_path(arena, folder, "manifest");
    if (!read_text(folder, path, bytes, &text, reterr)) return false;
    if (!unseal(text, &text)) return damaged(path, reterr);
    if (!str_is(str_cut(text, '\n', &text), first_line))
        return error_set(reterr, ERR_INVALID,
                         "%s is of a kind that this program does not know: use the one that made it", path);
    *ret = (struct manifest){0};
    while (text.n) {
        line = str_cut(text, '\n', &text);
        if (!take_line(line, arena, ret)) return damaged(path, reterr);
    }
    return true;
}

bool manifest_prove(const struct manifest_file *file, const char *path, struct error *reterr) {
    struct manifest_file found = {.bytes = 0};
    if (!manifest_hash(path, &found, reterr)) return false;
    if (found.bytes != file->bytes)
        return error_set(reterr, ERR_INVALID,
                         "%s has %" PRId64 " bytes, the manifest says %" PRId64 ": take another backup", path,
                         found.bytes, file->bytes);
    return !memcmp(found.hash, file->hash, HASH_TEXT) ||
           error_set(reterr, ERR_INVALID,
                     "%s is not what was backed up: its hash differs from the manifest's; take another backup", path);
}
