/*
 * What a domain's zone has to say of this mail host, and its DKIM keys: two a rotation, for receivers that know no
 * Ed25519 yet. Keys are made before the transaction that keeps them, and of those that two makers made, one pair stays.
 */
#include "driver/mailbox/mailhost/mailhost_inside.h"

enum { MX_PREFERENCE = 10 };

struct key_pair {
    struct mailhost_key keys[MAILHOST_KEY_END];
};

static const struct {
    const char *algorithm, *selector_end;
} kinds[MAILHOST_KEY_END] = {
    [MAILHOST_KEY_RSA] = {"rsa", ""},
    [MAILHOST_KEY_ED25519] = {"ed25519", "e"},
};

static bool make_pair(struct arena *arena, struct key_pair *ret, struct answer *answer) {
    *ret = (struct key_pair){0};
    for (size_t kind = 0; kind < MAILHOST_KEY_END; kind++)
        if (!mailhost_key_make((enum mailhost_key_kind)kind, arena, &ret->keys[kind], answer)) return false;
    return true;
}

static void wipe_pair(struct key_pair *pair) {
    for (size_t kind = 0; kind < MAILHOST_KEY_END; kind++) mailhost_key_wipe(&pair->keys[kind]);
}

/* ---- inside a transaction ---- */

/* How far a domain's keys are; rotation 0: it has none. */
struct state {
    int64_t rotation;
    enum dkim_phase phase;
};

static struct state state_of(struct notebook *dkim, struct str domain) {
    static const char sql[] = "SELECT rotation, phase FROM dkim_domains WHERE domain = $1";
    if (!notebook_run(dkim, sql, NOTEBOOK_TEXT(domain))) return (struct state){0};
    return (struct state){notebook_int(dkim, 0), (enum dkim_phase)notebook_int(dkim, 1)};
}

static bool has_keys(struct notebook *dkim, struct str domain, int64_t rotation) {
    return notebook_run(dkim, "SELECT 1 FROM dkim_keys WHERE domain = $1 AND rotation = $2", NOTEBOOK_TEXT(domain),
                        NOTEBOOK_INT(rotation));
}

static void put_pair(struct notebook *dkim, struct str domain, int64_t rotation, const struct key_pair *pair,
                     struct arena *arena) {
    static const char sql[] = "INSERT INTO dkim_keys (name, domain, algorithm, selector, private_key, record, rotation)"
                              " VALUES ($1, $2, $3, $4, $5, $6, $7)";
    for (size_t kind = 0; kind < MAILHOST_KEY_END; kind++) {
        struct str selector = arena_printf(arena, "dfy%lld%s", (long long)rotation, kinds[kind].selector_end);
        struct str name = arena_printf(arena, "%.*s.%.*s", STR_ARG(selector), STR_ARG(domain));
        notebook_run(dkim, sql, NOTEBOOK_TEXT(name), NOTEBOOK_TEXT(domain),
                     NOTEBOOK_TEXT(str_of(kinds[kind].algorithm)), NOTEBOOK_TEXT(selector),
                     NOTEBOOK_TEXT(str_of(pair->keys[kind].pem)), NOTEBOOK_TEXT(pair->keys[kind].record),
                     NOTEBOOK_INT(rotation));
    }
}

static void let_sign(struct notebook *dkim, struct str domain, int64_t rotation) {
    static const char sql[] = "INSERT INTO dkim_signing (domain, algorithm, name)"
                              " SELECT domain, algorithm, name FROM dkim_keys WHERE domain = $1 AND rotation = $2";
    notebook_run(dkim, "DELETE FROM dkim_signing WHERE domain = $1", NOTEBOOK_TEXT(domain));
    notebook_run(dkim, sql, NOTEBOOK_TEXT(domain), NOTEBOOK_INT(rotation));
}

/* The keys of that rotation are there. */
static void make_move(struct notebook *dkim, const struct mailbox_dkim *move) {
    static const char sql[] =
        "INSERT INTO dkim_domains (domain, rotation, phase) VALUES ($1, $2, $3)"
        " ON CONFLICT (domain) DO UPDATE SET rotation = excluded.rotation, phase = excluded.phase";
    static const char erase[] = "DELETE FROM dkim_keys WHERE domain = $1 AND rotation < $2";
    bool signs = notebook_run(dkim, "SELECT 1 FROM dkim_signing WHERE domain = $1", NOTEBOOK_TEXT(move->domain));
    if (move->phase >= DKIM_SIGNING || !signs) let_sign(dkim, move->domain, move->rotation);
    if (move->phase == DKIM_SOLE) notebook_run(dkim, erase, NOTEBOOK_TEXT(move->domain), NOTEBOOK_INT(move->rotation));
    notebook_run(dkim, sql, NOTEBOOK_TEXT(move->domain), NOTEBOOK_INT(move->rotation), NOTEBOOK_INT(move->phase));
}

/* ---- moves ---- */

static bool is_there(struct state state, const struct mailbox_dkim *move) {
    return state.rotation > move->rotation || (state.rotation == move->rotation && state.phase >= move->phase);
}

/* What a move finds: it is made already, or its keys are there. */
static enum outcome look(struct notebook *dkim, const struct mailbox_dkim *move, bool *ret_done, bool *ret_has_keys,
                         struct answer *answer) {
    notebook_begin(dkim);
    *ret_done = is_there(state_of(dkim, move->domain), move);
    *ret_has_keys = has_keys(dkim, move->domain, move->rotation);
    return notebook_end(dkim, OUTCOME_DONE, answer);
}

static enum outcome move_with(struct notebook *dkim, const struct mailbox_dkim *move, const struct key_pair *pair,
                              struct arena *arena, struct answer *answer) {
    notebook_begin(dkim);
    if (!is_there(state_of(dkim, move->domain), move)) {
        if (pair && !has_keys(dkim, move->domain, move->rotation))
            put_pair(dkim, move->domain, move->rotation, pair, arena);
        make_move(dkim, move);
    }
    return notebook_end(dkim, OUTCOME_DONE, answer);
}

enum outcome mailhost_set_dkim(struct mailbox *m, const struct mailbox_dkim *move, struct answer *answer) {
    struct notebook *dkim = mailhost_of(m)->dkim;
    if (!mailhost_is_domain(move->domain) || move->rotation < 1)
        return answer_set(answer, OUTCOME_REFUSED, "there is no such domain or rotation");
    bool is_done, is_made;
    if (look(dkim, move, &is_done, &is_made, answer) != OUTCOME_DONE) return OUTCOME_UNKNOWN;
    if (is_done) return OUTCOME_DONE;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(8192);
    struct key_pair pair = {0};
    enum outcome outcome = OUTCOME_UNKNOWN;
    if (is_made || make_pair(arena, &pair, answer))
        outcome = move_with(dkim, move, is_made ? NULL : &pair, arena, answer);
    wipe_pair(&pair);
    return outcome;
}

/* ---- facts ---- */

static enum outcome read_keys(struct notebook *dkim, struct str domain, struct arena *arena, struct mail_facts *ret,
                              struct answer *answer) {
    static const char count[] = "SELECT count(*) FROM dkim_keys WHERE domain = $1";
    static const char sql[] = "SELECT selector, record FROM dkim_keys WHERE domain = $1 ORDER BY rotation, selector";
    notebook_begin(dkim);
    int64_t n = notebook_run(dkim, count, NOTEBOOK_TEXT(domain)) ? notebook_int(dkim, 0) : 0;
    ret->dkim = ARENA_ARRAY(arena, (size_t)n, struct dkim_record);
    ret->n_dkim = 0;
    for (bool row = notebook_run(dkim, sql, NOTEBOOK_TEXT(domain)); row && ret->n_dkim < (size_t)n;
         row = notebook_next(dkim))
        ret->dkim[ret->n_dkim++] = (struct dkim_record){
            .selector = arena_str(arena, notebook_text(dkim, 0)),
            .value = arena_str(arena, notebook_text(dkim, 1)),
        };
    return notebook_end(dkim, OUTCOME_DONE, answer);
}

static enum outcome know_domain(struct notebook *mail, struct str domain, struct answer *answer) {
    notebook_begin(mail);
    notebook_run(mail, "INSERT OR IGNORE INTO mailhost_domains (name) VALUES ($1)", NOTEBOOK_TEXT(domain));
    return notebook_end(mail, OUTCOME_DONE, answer);
}

enum outcome mailhost_mail_facts(struct mailbox *m, struct str domain, enum provider provider, struct arena *arena,
                                 struct mail_facts *ret, struct answer *answer) {
    struct mailhost *host = mailhost_of(m);
    const struct mailhost_config *config = &host->config;
    (void)provider; /* it serves one */
    if (!mailhost_is_domain(domain)) return answer_set(answer, OUTCOME_REFUSED, "there is no such domain");
    struct mail_facts facts = {
        .mx_host = str_of(config->name),
        .mx_preference = MX_PREFERENCE,
        .spf_term = str_of(config->spf),
        .reports = str_of(config->reports),
        .mta_sts_id = str_of(host->mta_sts_id),
        .imap = {str_of(config->name), MAILHOST_IMAP_PORT},
        .submission = {str_of(config->name), MAILHOST_SUBMISSION_PORT},
    };
    if (read_keys(host->dkim, domain, arena, &facts, answer) != OUTCOME_DONE) return OUTCOME_UNKNOWN;
    if (!facts.n_dkim) {
        const struct mailbox_dkim first = {.domain = domain, .rotation = 1, .phase = DKIM_SOLE};
        if (mailhost_set_dkim(m, &first, answer) != OUTCOME_DONE ||
            read_keys(host->dkim, domain, arena, &facts, answer) != OUTCOME_DONE)
            return OUTCOME_UNKNOWN;
    }
    if (know_domain(host->mail, domain, answer) != OUTCOME_DONE) return OUTCOME_UNKNOWN;
    *ret = facts;
    return OUTCOME_DONE;
}
