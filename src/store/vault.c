#define _GNU_SOURCE /* mkostemp */
#include "store/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof((struct vault *)0)->key == crypto_secretbox_KEYBYTES, "the key is secretbox's");

enum { NONCE = crypto_secretbox_NONCEBYTES, TAG = crypto_secretbox_MACBYTES };

static bool sync_folder(const char *dir) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return ok;
}

/* Under its final name the file appears whole or not at all: it is written beside it and linked. Two that start at once
 * agree on the first link. */
static bool make_key(const char *dir, const char *path, struct error *reterr) {
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.XXXXXX", path) >= (int)sizeof beside)
        return error_set(reterr, ERR_INVALID, "the path of the data folder is too long");
    int fd = mkostemp(beside, O_CLOEXEC); /* O_EXCL, mode 0600 */
    if (fd < 0) return error_set(reterr, ERR_UNAVAILABLE, "cannot make %s: %s", path, strerror(errno));
    unsigned char key[crypto_secretbox_KEYBYTES];
    randombytes_buf(key, sizeof key);
    bool ok = write(fd, key, sizeof key) == (ssize_t)sizeof key && fsync(fd) == 0;
    sodium_memzero(key, sizeof key);
    ok = ok && (link(beside, path) == 0 || errno == EEXIST);
    if (!ok) error_set(reterr, ERR_UNAVAILABLE, "cannot make %s: %s", path, strerror(errno));
    close(fd);
    unlink(beside);
    if (!ok) return false;
    return sync_folder(dir) || error_set(reterr, ERR_UNAVAILABLE, "%s: %s", dir, strerror(errno));
}

static bool read_key(int fd, const char *path, struct vault *ret, struct error *reterr) {
    struct stat about;
    if (fstat(fd, &about)) return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode)) return error_set(reterr, ERR_INVALID, "%s is not a file", path);
    if (about.st_mode & 077)
        return error_set(reterr, ERR_INVALID, "%s has mode %04o, so others may read it: set mode 0600 (chmod 600 %s)",
                         path, (unsigned)(about.st_mode & 07777), path);
    struct vault vault;
    if (about.st_size != (off_t)sizeof vault.key || read(fd, vault.key, sizeof vault.key) != (ssize_t)sizeof vault.key)
        return error_set(reterr, ERR_INVALID, "%s is not a key of %zu bytes: restore it from a backup", path,
                         sizeof vault.key);
    *ret = vault;
    sodium_memzero(&vault, sizeof vault);
    return true;
}

bool vault_open(const char *dir, bool may_make, struct vault *ret, struct error *reterr) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/secret.key", dir) >= (int)sizeof path)
        return error_set(reterr, ERR_INVALID, "the path of the data folder is too long");
    /* O_NONBLOCK: a pipe of that name would be waited for without end. */
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = open(path, flags);
    if (fd < 0 && errno == ENOENT) {
        if (!may_make)
            return error_set(
                reterr, ERR_INVALID,
                "%s is missing: restore it, or copy it from another node; the stored passwords are sealed with it",
                path);
        if (!make_key(dir, path, reterr)) return false;
        fd = open(path, flags);
    }
    if (fd < 0) return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    bool ok = read_key(fd, path, ret, reterr);
    close(fd);
    return ok;
}

void vault_init(struct vault *vault, struct rng *rng) {
    rng_fill(rng, vault->key, sizeof vault->key);
}

void vault_finish(struct vault *vault) {
    sodium_memzero(vault->key, sizeof vault->key);
}

struct str vault_seal(const struct vault *vault, struct rng *rng, struct str plain, struct arena *arena) {
    size_t n = NONCE + TAG + plain.n;
    unsigned char *sealed = arena_alloc(arena, n);
    rng_fill(rng, sealed, NONCE);
    crypto_secretbox_easy(sealed + NONCE, (const unsigned char *)plain.p, plain.n, sealed, vault->key);
    return (struct str){(const char *)sealed, n};
}

bool vault_open_sealed(const struct vault *vault, struct str sealed, struct arena *arena, struct str *ret,
                       struct error *reterr) {
    const unsigned char *bytes = (const unsigned char *)sealed.p;
    if (sealed.n >= NONCE + TAG) {
        size_t n = sealed.n - NONCE - TAG;
        unsigned char *plain = arena_alloc(arena, n + 1);
        if (!crypto_secretbox_open_easy(plain, bytes + NONCE, sealed.n - NONCE, bytes, vault->key)) {
            *ret = (struct str){(const char *)plain, n};
            return true;
        }
    }
    return error_set(reterr, ERR_INTERNAL,
                     "a stored password does not open with secret.key: restore the key that belongs to this database");
}
