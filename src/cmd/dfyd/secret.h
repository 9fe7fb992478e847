/* secret: texts that stand in the environment or in a file of their own, but never on a command line, which others see.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/*
 * The text of the environment variable ENV when it is set, else that of the file PATH (may be NULL), which the setting
 * NAME says, without the white space around it; empty when neither is given. ERR_INVALID names what is wrong, never the
 * text. Text from ARENA.
 */
MUST_CHECK bool secret_read(const char *env, const char *name, const char *path, struct arena *arena, struct str *ret,
                            struct error *reterr);
