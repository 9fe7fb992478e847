/*
 * Mailboxes are rows of mail.db: one works from the moment that its row is committed, and ends with it. Passwords are
 * hashed before the transaction, so that no reader waits for that.
 */
#include <sodium.h>
#include <string.h>

#include "driver/mailbox/mailhost/mailhost_inside.h"

enum {
    /* The least that OWASP asks for, and of its equal choices the one with the least memory, which costs a login half
     * of the time of 19 MiB. dfyd draws passwords of over 100 bits, so more would only make logins slow. */
    HASH_PASSES = 5,
    HASH_BYTES = 7 << 20,
    KEY_MAX_BYTES = 64,
    EMAIL_MAX_BYTES = 254,
};

/* ---- what may become a row ---- */

/* Letters, digits and some more: nothing that means something in a path, in a query or in a mask. */
static bool is_plain(struct str text, const char *more) {
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_alnum && (!c || !strchr(more, c))) return false;
    }
    return true;
}

/* It becomes the name of a folder. */
static bool is_key(struct str key) {
    return key.n && key.n <= KEY_MAX_BYTES && key.p[0] != '.' && is_plain(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.");
}

static bool is_email(struct str email) {
    struct str domain, prefix = str_cut(email, '@', &domain);
    return prefix.n && email.n <= EMAIL_MAX_BYTES && is_plain(prefix, "-_.+") && mailhost_is_domain(domain);
}

bool mailhost_is_domain(struct str domain) {
    return domain.n && domain.n <= EMAIL_MAX_BYTES && domain.p[0] != '.' && is_plain(domain, "-.");
}

/* ---- inside a transaction ---- */

static bool is_closed(struct notebook *mail, struct str key) {
    return notebook_run(mail, "SELECT 1 FROM closed_keys WHERE key = $1", NOTEBOOK_TEXT(key));
}

static void close_key(struct notebook *mail, struct str key) {
    notebook_run(mail, "INSERT OR IGNORE INTO closed_keys (key) VALUES ($1)", NOTEBOOK_TEXT(key));
}

/* Whether KEY may have the mailbox EMAIL. */
static enum outcome judge(struct notebook *mail, struct str email, struct str key, struct answer *answer) {
    static const char of_key[] = "SELECT email FROM mailhost_users WHERE key = $1 AND key <> ''";
    if (is_closed(mail, key))
        return answer_set(answer, OUTCOME_REFUSED, "the mailbox was removed, or another account has it now");
    if (notebook_run(mail, of_key, NOTEBOOK_TEXT(key)) && !str_eq(notebook_text(mail, 0), email))
        return answer_set(answer, OUTCOME_REFUSED, "the account has another mailbox already");
    return OUTCOME_DONE;
}

/* ---- creating ---- */

/* What stands under an address. */
struct found {
    bool is_own; /* made under the key that was asked for */
    char hash[crypto_pwhash_STRBYTES];
};

static enum outcome look(struct notebook *mail, const struct mailbox_create *job, struct found *ret,
                         struct answer *answer) {
    static const char sql[] = "SELECT password FROM mailhost_users WHERE email = $1 AND key = $2";
    *ret = (struct found){0};
    notebook_begin(mail);
    enum outcome outcome = judge(mail, job->email, job->key, answer);
    if (outcome == OUTCOME_DONE && notebook_run(mail, sql, NOTEBOOK_TEXT(job->email), NOTEBOOK_TEXT(job->key))) {
        struct str hash = notebook_text(mail, 0);
        ret->is_own = hash.n < sizeof ret->hash;
        if (ret->is_own) memcpy(ret->hash, hash.p, hash.n);
    }
    return notebook_end(mail, outcome, answer);
}

static bool opens(const char *hash, struct str password) {
    return !crypto_pwhash_str_verify(hash, password.p, password.n) &&
           !crypto_pwhash_str_needs_rehash(hash, HASH_PASSES, HASH_BYTES);
}

/*
 * A mailbox that was put there by an operator keeps its home, and so its mail. One of another account, which may be
 * left when that account's removal is late, begins anew in a home of its own, and that account gets nothing any more.
 */
static void put_mailbox(struct mailhost *host, const struct mailbox_create *job, const char *hash) {
    static const char domain_sql[] = "INSERT OR IGNORE INTO mailhost_domains (name) VALUES ($1)";
    static const char sql[] =
        "INSERT INTO mailhost_users (email, password, active, quota, home, sends_per_day, key, domain)"
        " VALUES ($1, $2, coalesce((SELECT is_allowed FROM access WHERE key = $3), 1), $4, $3, $5, $3, $6)"
        " ON CONFLICT (email) DO UPDATE SET password = excluded.password, active = excluded.active,"
        " quota = excluded.quota, home = CASE WHEN key = '' OR key = excluded.key THEN home ELSE excluded.home END,"
        " sends_per_day = excluded.sends_per_day, key = excluded.key";
    static const char close_sql[] = "INSERT OR IGNORE INTO closed_keys (key) SELECT key FROM mailhost_users"
                                    " WHERE email = $1 AND key <> '' AND key <> $2";
    const struct str domain = mailhost_domain_of(job->email);
    notebook_run(host->mail, domain_sql, NOTEBOOK_TEXT(domain));
    notebook_run(host->mail, close_sql, NOTEBOOK_TEXT(job->email), NOTEBOOK_TEXT(job->key));
    notebook_run(host->mail, sql, NOTEBOOK_TEXT(job->email), NOTEBOOK_TEXT(str_of(hash)), NOTEBOOK_TEXT(job->key),
                 NOTEBOOK_INT(host->config.quota_bytes), NOTEBOOK_INT(host->config.sends_per_day),
                 NOTEBOOK_TEXT(domain));
}

enum outcome mailhost_create(struct mailbox *m, const struct mailbox_create *job, struct answer *answer) {
    struct mailhost *host = mailhost_of(m);
    if (!is_email(job->email)) return answer_set(answer, OUTCOME_REFUSED, "the mail host does not take this address");
    if (!is_key(job->key)) return answer_set(answer, OUTCOME_REFUSED, "the account's id cannot name a folder");
    struct found found;
    enum outcome outcome = look(host->mail, job, &found, answer);
    if (outcome != OUTCOME_DONE || (found.is_own && opens(found.hash, job->password))) return outcome;
    char hash[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str_alg(hash, job->password.p, job->password.n, HASH_PASSES, HASH_BYTES,
                              crypto_pwhash_ALG_ARGON2ID13))
        return answer_set(answer, OUTCOME_UNKNOWN, "not enough memory to hash a password (7 MiB)");
    notebook_begin(host->mail);
    outcome = judge(host->mail, job->email, job->key, answer);
    if (outcome == OUTCOME_DONE) put_mailbox(host, job, hash);
    return notebook_end(host->mail, outcome, answer);
}

/* ---- the rest ---- */

enum outcome mailhost_lookup(struct mailbox *m, struct str email, struct str key, struct answer *answer) {
    struct notebook *mail = mailhost_of(m)->mail;
    enum outcome outcome = OUTCOME_DONE;
    notebook_begin(mail);
    if (!notebook_run(mail, "SELECT key FROM mailhost_users WHERE email = $1", NOTEBOOK_TEXT(email)))
        outcome = answer_set(answer, OUTCOME_REFUSED, "no such mailbox");
    else if (!str_eq(notebook_text(mail, 0), key))
        outcome = answer_set(answer, OUTCOME_REFUSED, "the mailbox was made for another account");
    return notebook_end(mail, outcome, answer);
}

enum outcome mailhost_remove(struct mailbox *m, struct str email, struct str key, struct answer *answer) {
    static const char sql[] = "DELETE FROM mailhost_users WHERE email = $1 AND (key = $2 OR key = '')";
    static const char domain_sql[] = "DELETE FROM mailhost_domains WHERE name = $1"
                                     " AND NOT EXISTS (SELECT 1 FROM mailhost_users WHERE domain = $1)";
    struct mailhost *host = mailhost_of(m);
    notebook_begin(host->mail);
    notebook_run(host->mail, sql, NOTEBOOK_TEXT(email), NOTEBOOK_TEXT(key));
    notebook_run(host->mail, domain_sql, NOTEBOOK_TEXT(mailhost_domain_of(email)));
    notebook_run(host->mail, "DELETE FROM access WHERE key = $1", NOTEBOOK_TEXT(key));
    close_key(host->mail, key);
    if (notebook_end(host->mail, OUTCOME_DONE, answer) != OUTCOME_DONE) return OUTCOME_UNKNOWN;
    /* Also when there was no row: it may have gone by an earlier call that could not end the sessions. */
    return is_email(email) ? mailhost_end_sessions(host, email, answer) : OUTCOME_DONE;
}

/* True when KEY has a mailbox that is closed for use; its address then. */
static bool apply_access(struct notebook *mail, const struct mailbox_access *job, char ret_email[EMAIL_MAX_BYTES + 1]) {
    static const char note[] = "INSERT INTO access (key, is_allowed, change) VALUES ($1, $2, $3) ON CONFLICT (key)"
                               " DO UPDATE SET is_allowed = excluded.is_allowed, change = excluded.change"
                               " WHERE excluded.change > change";
    static const char sql[] = "UPDATE mailhost_users SET active = (SELECT is_allowed FROM access WHERE key = $1)"
                              " WHERE key = $1";
    static const char closed[] = "SELECT email FROM mailhost_users WHERE key = $1 AND active = 0";
    ret_email[0] = '\0';
    if (is_closed(mail, job->key)) return false;
    notebook_run(mail, note, NOTEBOOK_TEXT(job->key), NOTEBOOK_INT(job->is_allowed), NOTEBOOK_INT(job->change));
    notebook_run(mail, sql, NOTEBOOK_TEXT(job->key));
    if (!notebook_run(mail, closed, NOTEBOOK_TEXT(job->key))) return false;
    struct str email = notebook_text(mail, 0);
    if (email.n > EMAIL_MAX_BYTES) return false;
    memcpy(ret_email, email.p, email.n);
    ret_email[email.n] = '\0';
    return true;
}

enum outcome mailhost_set_access(struct mailbox *m, const struct mailbox_access *job, struct answer *answer) {
    struct mailhost *host = mailhost_of(m);
    char email[EMAIL_MAX_BYTES + 1];
    if (!is_key(job->key)) return answer_set(answer, OUTCOME_REFUSED, "the account's id is none");
    notebook_begin(host->mail);
    bool was_closed = apply_access(host->mail, job, email);
    if (notebook_end(host->mail, OUTCOME_DONE, answer) != OUTCOME_DONE) return OUTCOME_UNKNOWN;
    return was_closed && !job->is_allowed ? mailhost_end_sessions(host, str_of(email), answer) : OUTCOME_DONE;
}
