/* fuzz_settings: bytes as a settings file. What is accepted keeps to the ranges; what is refused names its line. */
#define _GNU_SOURCE /* memfd_create */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "cmd/dfyd/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

static void must_be_in_range(const struct settings *settings) {
    must(settings->data[0] != '\0' && settings->retry_base_ms <= settings->retry_max_ms);
    for (size_t i = 0; i < SETTING_END; i++) {
        const struct setting_row *row = &setting_rows[i];
        int64_t number;
        if (row->kind != SETTING_INT) continue;
        memcpy(&number, (const char *)settings + row->offset, sizeof number);
        must(number >= row->min && number <= row->max);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int fd = memfd_create("settings", MFD_CLOEXEC);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const char *flags[SETTING_END] = {[SETTING_CONFIG] = path};
    struct arena *arena = arena_create(4096);
    struct settings settings;
    struct error error = {0};
    if (settings_load(&(struct setting_sources){.flags = flags}, arena, &settings, &error))
        must_be_in_range(&settings);
    else
        must(error.code == ERR_INVALID && error.message[0] != '\0');
    arena_destroy(arena);
    close(fd);
    return 0;
}
