/* files: small things done with files and folders, for the commands that move whole databases. Errors name the path. */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"

/* "DIR/NAME" from ARENA. */
const char *files_path(struct arena *arena, const char *dir, const char *name);
bool files_exist(const char *path);
/* Makes an empty file with MODE, whatever the umask; one that is there is an error. */
MUST_CHECK bool files_make(const char *path, mode_t mode, struct error *reterr);
/* Copies FROM into a new file TO with MODE; synced. */
MUST_CHECK bool files_copy(const char *from, const char *to, mode_t mode, struct error *reterr);
/* Makes the content of a file, or the entries of a folder, durable. */
MUST_CHECK bool files_sync(const char *path, struct error *reterr);
/* The same for the folder that PATH lies in. */
MUST_CHECK bool files_sync_above(const char *path, struct error *reterr);
/* Within one file system; the folders are not synced. */
MUST_CHECK bool files_move(const char *from, const char *to, struct error *reterr);
