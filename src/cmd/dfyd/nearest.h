/* nearest: what a mistyped word was likely meant to be. Pure. */
#pragma once

#include <stddef.h>

/* The one of N words that is WORD but for a few slips of the keyboard; NULL when none is near. */
const char *nearest_word(const char *word, const char *const *words, size_t n);
