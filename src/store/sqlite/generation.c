#include "store/sqlite/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(sizeof(_Atomic uint64_t) == 8 && ATOMIC_LLONG_LOCK_FREE == 2, "processes share it without a lock");

bool generation_open(struct generation *generation, const char *dir, struct error *reterr) {
    generation->at = &generation->own;
    generation->mapped = NULL;
    atomic_init(&generation->own, 1);
    if (!dir) return true;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/generation", dir) >= (int)sizeof path)
        return error_set(reterr, ERR_INVALID, "the path of the data folder is too long");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    /* Allocates the block without touching a number that is there already: writing to a hole of a mapped file would end
     * the process by SIGBUS when the disk is full. */
    int code;
    do code = posix_fallocate(fd, 0, sizeof(uint64_t));
    while (code == EINTR);
    void *at = MAP_FAILED;
    if (!code) {
        at = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED) code = errno;
    }
    close(fd);
    if (code) return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(code));
    generation->mapped = at;
    generation->at = at;
    return true;
}

void generation_close(struct generation *generation) {
    if (generation->mapped) munmap(generation->mapped, sizeof(uint64_t));
    generation->mapped = NULL;
    generation->at = NULL;
}

uint64_t generation_get(const struct generation *generation) {
    return atomic_load(generation->at);
}

void generation_bump(struct generation *generation) {
    atomic_fetch_add(generation->at, 1);
}
