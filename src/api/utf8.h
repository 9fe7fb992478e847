/* utf8: where text stops being UTF-8 (RFC 3629). Pure. */
#pragma once

#include "base/str.h"

/* How many bytes at the start of TEXT are whole, valid characters; TEXT.n when all are. */
size_t utf8_valid_bytes(struct str text);
