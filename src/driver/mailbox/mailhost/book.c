/*
 * The two files. Their tables are read by others as well (docs/mailhost.md): columns are added, never changed. What
 * dfyd alone needs stands in them too, so that each answer is one transaction.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/mailbox/mailhost/mailhost_inside.h"

enum {
    MAIL_VERSION = 1,
    DKIM_VERSION = 1,
    FILE_MODE = 0640,
    FOLDER_MODE = S_ISGID | 0750,
    WAIT_MS = 3000, /* readers are in for less than a millisecond; a step's lease is far longer */
};

static const char mail_schema[] =
    /* Mail for these is taken, each address of them that mailhost_users does not know is refused. */
    "CREATE TABLE IF NOT EXISTS mailhost_domains (name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS mailhost_users ("
    " email TEXT NOT NULL PRIMARY KEY,"
    " password TEXT NOT NULL," /* Argon2id, as crypt(3) writes it */
    " active INTEGER NOT NULL CHECK (active = 0 OR active = 1),"
    " quota INTEGER NOT NULL,"    /* bytes */
    " home TEXT NOT NULL UNIQUE," /* a folder's name, never used again for another account */
    " sends_per_day INTEGER NOT NULL,"
    " key TEXT NOT NULL," /* the account's id; '': put here by an operator, no account took it over yet */
    " domain TEXT NOT NULL REFERENCES mailhost_domains (name)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX IF NOT EXISTS mailhost_users_key ON mailhost_users (key) WHERE key <> '';"
    "CREATE INDEX IF NOT EXISTS mailhost_users_domain ON mailhost_users (domain);"
    /* Accounts that get no mailbox any more: theirs was removed, or another account took it over. So no home comes
     * back either. */
    "CREATE TABLE IF NOT EXISTS closed_keys (key TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;"
    /* Of mailboxes that were closed for use once; without a row they may be used. */
    "CREATE TABLE IF NOT EXISTS access (key TEXT NOT NULL PRIMARY KEY, is_allowed INTEGER NOT NULL,"
    " change INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

static const char dkim_schema[] =
    /* How far the rotation of a domain's keys is (enum dkim_phase). */
    "CREATE TABLE IF NOT EXISTS dkim_domains (domain TEXT NOT NULL PRIMARY KEY, rotation INTEGER NOT NULL,"
    " phase INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    /* Those that the DNS has to know; what is erased here is gone. */
    "CREATE TABLE IF NOT EXISTS dkim_keys ("
    " name TEXT NOT NULL PRIMARY KEY," /* SELECTOR.DOMAIN */
    " domain TEXT NOT NULL,"
    " algorithm TEXT NOT NULL CHECK (algorithm = 'rsa' OR algorithm = 'ed25519'),"
    " selector TEXT NOT NULL,"
    " private_key TEXT NOT NULL," /* PEM, PKCS #8 */
    " record TEXT NOT NULL,"      /* for the DNS */
    " rotation INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS dkim_keys_domain ON dkim_keys (domain, rotation);"
    /* Those that sign. */
    "CREATE TABLE IF NOT EXISTS dkim_signing (domain TEXT NOT NULL, algorithm TEXT NOT NULL,"
    " name TEXT NOT NULL REFERENCES dkim_keys (name), PRIMARY KEY (domain, algorithm)) STRICT, WITHOUT ROWID;"
    /* All that the signer reads: of each domain and algorithm one row at most. */
    "CREATE VIEW IF NOT EXISTS dkim_signer AS SELECT s.domain, s.algorithm, k.selector, k.private_key"
    " FROM dkim_signing s JOIN dkim_keys k ON k.name = s.name;";

/* One that is there stays as it is. What is made in a new one belongs to the folder's group, which is GROUP, or that of
 * the folder above when GROUP is -1 and that folder hands its group on. */
static bool make_folder(const char *path, gid_t group, struct error *reterr) {
    struct stat about;
    if (mkdir(path, 0700)) {
        if (errno != EEXIST)
            return error_set(reterr, ERR_UNAVAILABLE, "cannot make the folder %s: %s", path, strerror(errno));
        if (!stat(path, &about) && S_ISDIR(about.st_mode)) return true;
        return error_set(reterr, ERR_UNAVAILABLE, "%s is not a folder: move it away, or say another mailhost_dir",
                         path);
    }
    if (!chown(path, (uid_t)-1, group) && !chmod(path, FOLDER_MODE)) return true;
    return error_set(reterr, ERR_UNAVAILABLE, "cannot give the folder %s its mode: %s", path, strerror(errno));
}

/*
 * mail.db is made first, so keys without it mean that it was lost. With an empty one in its place every mail to every
 * customer would be sent back for good.
 */
static bool mail_is_there(const char *mail_db, const char *dkim_db, struct error *reterr) {
    struct stat about;
    if (stat(dkim_db, &about)) return true;
    bool is_missing = stat(mail_db, &about) != 0;
    if (is_missing ? errno != ENOENT : about.st_size > 0) return true;
    return error_set(reterr, ERR_UNAVAILABLE, "%s is %s: restore it from a backup, or move %s away too to start anew",
                     mail_db, is_missing ? "missing" : "empty", dkim_db);
}

bool mailhost_book_open(struct mailhost *host, struct error *reterr) {
    static const struct notebook_kind mail = {
        .who = "mailhost",
        .remedy = "restore it from a backup",
        .wait_ms = WAIT_MS,
        .mode = FILE_MODE,
        .is_shared = true,
    };
    static const struct notebook_kind dkim = {
        .who = "mailhost",
        .remedy = "restore it from a backup",
        .wait_ms = WAIT_MS,
        .mode = FILE_MODE,
        .is_shared = true,
        .erases = true,
    };
    const char *dir = host->config.dir;
    const char *signer = arena_cstr(host->texts, arena_printf(host->texts, "%s/signer", dir));
    const char *mail_db = arena_cstr(host->texts, arena_printf(host->texts, "%s/mail.db", dir));
    const char *dkim_db = arena_cstr(host->texts, arena_printf(host->texts, "%s/dkim.db", signer));
    /* Without an operator who gives the signer's folder to the signer, nobody else reads the keys. */
    return make_folder(dir, (gid_t)-1, reterr) && make_folder(signer, getegid(), reterr) &&
           mail_is_there(mail_db, dkim_db, reterr) &&
           notebook_open(mail_db, &mail, mail_schema, MAIL_VERSION, &host->mail, reterr) &&
           notebook_open(dkim_db, &dkim, dkim_schema, DKIM_VERSION, &host->dkim, reterr);
}

struct str mailhost_domain_of(struct str email) {
    size_t at = email.n;
    while (at > 0 && email.p[at - 1] != '@') at--;
    return (struct str){email.p + at, email.n - at};
}
