#include "driver/outcome.h"

#include <stdarg.h>
#include <stdio.h>

enum outcome answer_set(struct answer *answer, enum outcome outcome, const char *fmt, ...) {
    if (!answer) return outcome;
    va_list args;
    va_start(args, fmt);
    vsnprintf(answer->reason, sizeof answer->reason, fmt, args);
    va_end(args);
    return outcome;
}
