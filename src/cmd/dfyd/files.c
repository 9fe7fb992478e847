#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 16 };

static bool fail(const char *path, struct error *reterr) {
    return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
}

const char *files_path(struct arena *arena, const char *dir, const char *name) {
    return arena_cstr(arena, arena_printf(arena, "%s/%s", dir, name));
}

bool files_exist(const char *path) {
    struct stat about;
    return lstat(path, &about) == 0;
}

static int make(const char *path, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || !fchmod(fd, mode)) return fd;
    close(fd);
    return -1;
}

bool files_make(const char *path, mode_t mode, struct error *reterr) {
    int fd = make(path, mode);
    return fd >= 0 ? !close(fd) || fail(path, reterr) : fail(path, reterr);
}

/* Returns which of the two paths failed, or NULL. */
static const char *pump(int in, int out, const char *from, const char *to) {
    char bytes[COPY_BYTES];
    ssize_t n;
    while ((n = read(in, bytes, sizeof bytes)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return from;
        for (ssize_t done = 0, some; done < n; done += some) {
            some = write(out, bytes + done, (size_t)(n - done));
            if (some < 0 && errno == EINTR) some = 0;
            if (some < 0) return to;
        }
    }
    return fsync(out) ? to : NULL;
}

bool files_copy(const char *from, const char *to, mode_t mode, struct error *reterr) {
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0) return fail(from, reterr);
    int out = make(to, mode);
    const char *failed = out < 0 ? to : pump(in, out, from, to);
    bool ok = !failed || fail(failed, reterr);
    if (out >= 0) close(out);
    close(in);
    return ok;
}

bool files_sync(const char *path, struct error *reterr) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = (fd >= 0 && fsync(fd) == 0) || fail(path, reterr);
    if (fd >= 0) close(fd);
    return ok;
}

bool files_sync_above(const char *path, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    while (n > 0 && path[n - 1] != '/') n--;
    while (n > 1 && path[n - 1] == '/') n--;
    return files_sync(n ? arena_cstr(arena, (struct str){path, n}) : ".", reterr);
}

bool files_move(const char *from, const char *to, struct error *reterr) {
    return !rename(from, to) ||
           error_set(reterr, ERR_UNAVAILABLE, "cannot move %s to %s: %s", from, to, strerror(errno));
}
