/*
 * verify_session: one user's talk with an IMAP and a submission server, as a mail program has it: TLS from the first
 * byte (RFC 8314), the certificate verified, one connection to each. Over libcurl. Every answer is limited in size and
 * time, and no reason holds a secret.
 */
#pragma once

#include "base/arena.h"
#include "driver/outcome.h"

struct check_place {
    const char *address; /* numeric; NULL or "": that of the host's name */
    int port;
};

struct check_servers {
    const char *host; /* the name in the certificate of both */
    struct check_place imap, submission;
    const char *ca_file; /* NULL: the system's */
};

/* Handles of libcurl without open connections, for those who talk next: what was read of CA files and agreed on in TLS
 * stays with them. Safe to share between threads. */
struct session_pool;
/* Never NULL. */
struct session_pool *session_pool_create(void);
/* NULL is fine. */
void session_pool_destroy(struct session_pool *pool);

struct session;
/* Connects to nobody yet. SERVERS must outlive it. EMAIL is plain (verify_message.h). DEADLINE_MS is of
 * clock_steady_ms: what is under way then is given up, whatever limit it was given. */
struct session *session_open(struct session_pool *pool, const struct check_servers *servers, struct str email,
                             struct str password, int64_t deadline_ms, struct arena *arena);
/* Logs out, for which it may take a second past the deadline. */
void session_close(struct session *session);

/* What is done over IMAP, in FOLDER, which is opened when it is not. The first logs in. */
struct session_step {
    const char *what; /* for reasons: "deleting the message over IMAP" */
    const char *folder;
    int64_t limit_ms;
};
/* COMMAND without a tag and without "%". *ret_lines: all lines of the server on the way, from the session's arena; also
 * set when it fails. */
enum outcome session_command(struct session *session, const struct session_step *step, const char *command,
                             struct str *ret_lines, struct answer *answer);
/* A whole message. */
enum outcome session_fetch(struct session *session, const struct session_step *step, uint32_t uid, struct str *ret,
                           struct answer *answer);
/* Logs in to the submission server, sends MESSAGE from the user to the user, and logs out. */
enum outcome session_submit(struct session *session, struct str message, int64_t limit_ms, struct answer *answer);
