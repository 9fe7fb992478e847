#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
    NUMBER_BYTES = 24,
    TRIES = 5, /* somebody may only be asking whether it is held */
    AGAIN_MS = 20,
};

static bool take_file(int fd, int kind) {
    for (int tries = 1;; tries++) {
        if (flock(fd, kind | LOCK_NB) == 0) return true;
        if (errno != EWOULDBLOCK || tries == TRIES) return false;
        nanosleep(&(struct timespec){.tv_nsec = AGAIN_MS * 1000000L}, NULL);
        errno = EWOULDBLOCK;
    }
}

/* Whether those who hold DIR share it. */
static bool can_share(const char *dir) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) == 0;
    if (fd >= 0) close(fd);
    return ok;
}

static void held_by_another(int fd, const char *dir, bool is_shared, struct error *reterr) {
    char number[NUMBER_BYTES] = "";
    ssize_t n = pread(fd, number, sizeof number - 1, 0);
    number[n > 0 ? n : 0] = '\0';
    number[strspn(number, "0123456789")] = '\0';
    const char *pid = number[0] ? number : "unknown";
    if (is_shared)
        error_set(reterr, ERR_CONFLICT, "another dfyd serves %s on SQLite (pid %s): stop it, or use another folder",
                  dir, pid);
    else if (can_share(dir))
        error_set(reterr, ERR_CONFLICT,
                  "nodes of a shared database use %s (pid %s is one of them): a server on SQLite needs a folder of its "
                  "own",
                  dir, pid);
    else
        error_set(reterr, ERR_CONFLICT,
                  "another dfyd serves %s (pid %s); on SQLite one process does all the work of a folder", dir, pid);
}

/* True with -1 when the file system cannot lock folders. */
static bool lock_folder(const char *dir, int kind, int *ret_fd) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_held = fd >= 0 && flock(fd, kind | LOCK_NB) && errno == EWOULDBLOCK;
    if (is_held) close(fd);
    *ret_fd = is_held ? -1 : fd;
    return !is_held;
}

bool lock_take(const char *dir, bool is_shared, struct lock *ret, struct error *reterr) {
    const int kind = is_shared ? LOCK_SH : LOCK_EX;
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/lock", dir);
    if (n < 0 || (size_t)n >= sizeof path) return error_set(reterr, ERR_INVALID, "the data folder's path is too long");
    struct lock lock = {.file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), .folder = -1};
    if (lock.file < 0) return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    bool is_mine = take_file(lock.file, kind);
    if (!is_mine && errno != EWOULDBLOCK) {
        error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
        lock_drop(&lock);
        return false;
    }
    /* The folder too: somebody may have removed the file of a running server, taking it for a left-over. */
    if (!is_mine || !lock_folder(dir, kind, &lock.folder)) {
        held_by_another(lock.file, dir, is_shared, reterr);
        lock_drop(&lock);
        return false;
    }
    /* The number is only for people: on a full disk the lock holds without it. */
    char number[NUMBER_BYTES];
    snprintf(number, sizeof number, "%ld\n", (long)getpid());
    if (ftruncate(lock.file, 0) || pwrite(lock.file, number, strlen(number), 0) < 0) errno = 0;
    *ret = lock;
    return true;
}

bool lock_is_held(const char *dir) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/lock", dir) >= (int)sizeof path) return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool is_held = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
    close(fd);
    return is_held;
}

void lock_drop(struct lock *lock) {
    if (lock->file >= 0) close(lock->file);
    if (lock->folder >= 0) close(lock->folder);
    *lock = (struct lock){-1, -1};
}
