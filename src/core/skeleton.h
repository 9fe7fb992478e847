/*
 * skeleton: what people read in a label: its letters with look-alikes taken for what they look like, without hyphens.
 * Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct lookalikes;

/* A label of 63 bytes has at most 59 characters beyond ASCII, and one of them may look like two letters. */
enum { SKELETON_MAX = 128 };

struct skeleton {
    size_t n;
    char raw[SKELETON_MAX];                /* letters and digits as they are */
    char letters[SKELETON_MAX];            /* plain: a digit that looks like one letter is that letter */
    unsigned char classes[SKELETON_MAX];   /* letters that look alike have one class; 0: looks like no letter */
    unsigned char edges[SKELETON_MAX + 1]; /* [i]: a word begins or ends before letter i */
};

/* TEXT: lines "LETTERS LOOKALIKE ...", '#' starts a comment, as in data/lookalikes.txt. All from ARENA; never NULL. */
struct lookalikes *lookalikes_create(struct str text, struct arena *arena);
/* How many classes there are, 0 included. */
size_t lookalikes_classes(const struct lookalikes *lookalikes);
/* Of a lower-case letter or a digit; 0 for any other byte. */
unsigned char lookalikes_class(const struct lookalikes *lookalikes, char c);
/* LABEL: A-label form in lower case; of one that begins with xn-- its Unicode form is read. */
void skeleton_read(const struct lookalikes *lookalikes, struct str label, struct skeleton *ret);
/*
 * Calls ADD with WORD and with each way to write it with look-alikes of several letters ("rn" for m); at most some
 * dozens. EXACT: also with digits that look like several letters, for comparing letters instead of classes. VARIANT
 * ends with the call.
 */
void lookalikes_variants(const struct lookalikes *lookalikes, struct str word, bool exact,
                         void (*add)(void *arg, struct str variant), void *arg);
