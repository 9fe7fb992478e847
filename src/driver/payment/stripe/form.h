/* form: names and values as application/x-www-form-urlencoded, for bodies and queries alike. */
#pragma once

#include "base/buf.h"

enum { FORM_MAX_BYTES = 65536 };

struct form {
    struct buf text;
};

void form_init(struct form *form);
/* For CLEANUP(form_finish). */
void form_finish(struct form *form);
/* NAME may have brackets, as in "metadata[key]"; everything but letters, digits and "-._~" is written as %XX. */
void form_text(struct form *form, const char *name, struct str value);
void form_int(struct form *form, const char *name, int64_t value);
/* Empty when it became too long, so that nothing is sent cut off. */
struct str form_str(const struct form *form);
