#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { NUMBER_BYTES = 24 };

static bool held_by_another(int fd, const char *dir, struct error *reterr) {
    char number[NUMBER_BYTES] = "";
    ssize_t n = pread(fd, number, sizeof number - 1, 0);
    number[n > 0 ? n : 0] = '\0';
    number[strspn(number, "0123456789")] = '\0';
    return error_set(reterr, ERR_CONFLICT, "another dfyd serves %s (pid %s)", dir, number[0] ? number : "unknown");
}

bool lock_take(const char *dir, int *ret_fd, struct error *reterr) {
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/lock", dir);
    if (n < 0 || (size_t)n >= sizeof path) return error_set(reterr, ERR_INVALID, "the data folder's path is too long");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno == EWOULDBLOCK)
            held_by_another(fd, dir, reterr);
        else
            error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
        close(fd);
        return false;
    }
    /* The number is only for people: on a full disk the lock holds without it. */
    char number[NUMBER_BYTES];
    snprintf(number, sizeof number, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) || pwrite(fd, number, strlen(number), 0) < 0) errno = 0;
    *ret_fd = fd;
    return true;
}
