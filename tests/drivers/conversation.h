/*
 * conversation: what the talking programs with many jobs at once have in common. A line of standard input is a JSON
 * object that is answered by one line; {"do": "all", "threads": 8, "jobs": [...]} by {"answers": [...], "took_ms": 12}.
 */
#pragma once

#include <yyjson.h>

/* Does what ASKED says, and writes to the object SAID of DOC. From several threads at once. */
typedef void talk_fn(void *driver, yyjson_val *asked, yyjson_mut_doc *doc, yyjson_mut_val *said);

/* Until standard input ends. */
void converse(talk_fn *talk, void *driver);
