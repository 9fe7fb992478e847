/* bytes: a block of memory that grows; the contents of a file in memory. Ends the process when there is no memory. */
#pragma once

#include <stddef.h>

struct bytes {
    unsigned char *p;
    size_t n, cap;
};

/* Sets the length; new bytes are 0. */
void bytes_resize(struct bytes *bytes, size_t n);
/* Copies N bytes to the offset AT; grows when they reach over the end. */
void bytes_put(struct bytes *bytes, size_t at, const void *from, size_t n);
void bytes_copy(struct bytes *to, const struct bytes *from);
void bytes_free(struct bytes *bytes);
