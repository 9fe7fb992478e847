/* numbers: values in PostgreSQL's binary format, which is big-endian. */
#pragma once

#include "base/str.h"

void number_put32(char *to, int32_t value);
void number_put64(char *to, int64_t value);
/* An integer of 1, 2, 4 or 8 bytes. */
int64_t number_get(const char *p, size_t n);
/* A numeric without what follows its point; cut to what int64_t holds. */
int64_t number_numeric(const char *p, size_t n);
