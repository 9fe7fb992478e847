#include "setup.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "driver/payment/payment.h"
#include "secret.h"
#include "store/moves.h"
#include "store/sandbox_clock.h"
#include "store/vault_proof.h"
#include "store/workspaces.h"

enum { ARENA_CHUNK = 4096 };

static const char first_token[] = "tok_visa";

static bool count_read(struct db *db, void *arg, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(ARENA_CHUNK);
    struct workspace *workspaces;
    return workspace_list(db, arena, &workspaces, arg, reterr);
}

struct first {
    struct workspace workspace;
    bool has_card;
    struct card card;
};

/* Two processes may come here at once; the second finds a workspace and leaves it at that. */
static bool first_change(struct db *db, void *arg, struct error *reterr) {
    const struct first *first = arg;
    size_t n;
    if (!count_read(db, &n, reterr)) return false;
    if (n) return true;
    return workspace_add(db, &first->workspace, reterr) &&
           (!first->has_card ||
            card_set(db, str_of(first->workspace.id), &first->card, first->workspace.created_ms, reterr));
}

/* With a card to begin with where cards are only pretended. */
static bool make_first_workspace(struct setup *setup, struct payment *payment, struct error *reterr) {
    struct card_facts facts = {0};
    struct answer answer = {0};
    bool has_card = payment->ops->is_sandbox;
    if (has_card && payment_describe(payment, str_of(first_token), &facts, &answer) != OUTCOME_DONE)
        return error_set(reterr, ERR_INTERNAL, "the first card %s: %s", first_token, answer.reason);
    struct first first = {
        .workspace = {.name = STR("default"), .plan_active = true, .created_ms = clock_now(&setup->clock)},
        .has_card = has_card,
        .card = {.exists = true,
                 .token = str_of(first_token),
                 .brand = str_of(facts.brand),
                 .last4 = str_of(facts.last4),
                 .name_on_card = STR("Sandbox Card"),
                 .driver = str_of(payment->ops->name)},
    };
    ids_uuid(&setup->ids, first.workspace.id);
    return store_write(setup->store, first_change, &first, reterr);
}

static bool take_mailhost(const struct settings *settings, struct arena *arena, struct mailhost_config *ret,
                          struct error *reterr) {
    struct str key = STR("");
    if (settings->mailhost_doveadm_url && !secret_read("DFYD_MAILHOST_DOVEADM_KEY", "mailhost_doveadm_key_file",
                                                       settings->mailhost_doveadm_key_file, arena, &key, reterr))
        return false;
    *ret = (struct mailhost_config){
        .dir = settings->mailhost_dir ? settings->mailhost_dir
                                      : arena_cstr(arena, arena_printf(arena, "%s/mailhost", settings->data)),
        .name = settings->mailhost_name,
        .spf = settings->mailhost_spf,
        .reports = settings->mailhost_reports,
        .mta_sts = setting_rows[SETTING_MTA_STS].words[settings->mta_sts],
        .quota_bytes = settings->mailhost_quota_mb << 20,
        .sends_per_day = settings->mailhost_sends_per_day,
        .imap = {settings->mailhost_imap.host, settings->mailhost_imap.port},
        .submission = {settings->mailhost_submission.host, settings->mailhost_submission.port},
        .ca_file = settings->mailhost_ca_file,
        .doveadm_url = settings->mailhost_doveadm_url,
        .doveadm_key = arena_cstr(arena, key),
    };
    return true;
}

/* The texts need not last longer than ARENA: drivers copy what they keep. */
static bool open_drivers(struct setup *setup, const struct settings *settings, struct arena *arena,
                         struct error *reterr) {
    setup->on_account = (struct on_account){setup->store, &setup->clock};
    struct credit_book credit = on_account_book(&setup->on_account);
    struct drivers_config config = {
        .dir = settings->data,
        .clock = &setup->clock,
        .mailbox = setting_rows[SETTING_MAILBOX].words[settings->mailbox],
        .payment = setting_rows[SETTING_PAYMENT].words[settings->payment],
        .stripe = {.clock = &setup->clock, .url = settings->stripe_url},
        .credit = &credit,
        .dns = setting_rows[SETTING_DNS].words[settings->dns],
        .rfc2136 = {.host = settings->rfc2136_server.host,
                    .port = settings->rfc2136_server.port,
                    .nameservers = settings->dns_nameservers},
        .powerdns = {.url = settings->powerdns_url, .nameservers = settings->dns_nameservers},
        .resolver = {.host = settings->resolver.host, .port = settings->resolver.port},
    };
    if (!strcmp(config.payment, "stripe")) {
        struct str key, secret;
        if (!secret_read("DFYD_STRIPE_KEY", "stripe_key_file", settings->stripe_key_file, arena, &key, reterr) ||
            !secret_read("DFYD_STRIPE_WEBHOOK_SECRET", "stripe_webhook_secret_file",
                         settings->stripe_webhook_secret_file, arena, &secret, reterr))
            return false;
        if (!key.n)
            return error_set(reterr, ERR_INVALID,
                             "Stripe's secret key is missing: say stripe_key_file, or DFYD_STRIPE_KEY");
        config.stripe.key = arena_cstr(arena, key);
        config.stripe.webhook_secret = arena_cstr(arena, secret);
        setup->refuses_notices = !secret.n;
    }
    if (!strcmp(config.mailbox, "mailhost") && !take_mailhost(settings, arena, &config.mailhost, reterr)) return false;
    if (!strcmp(config.dns, "powerdns")) {
        struct str key;
        if (!secret_read("DFYD_POWERDNS_KEY", "powerdns_key_file", settings->powerdns_key_file, arena, &key, reterr))
            return false;
        config.powerdns.key = arena_cstr(arena, key);
    }
    if (!strcmp(config.dns, "rfc2136")) {
        struct str key;
        if (!secret_read("DFYD_RFC2136_KEY", "rfc2136_key_file", settings->rfc2136_key_file, arena, &key, reterr))
            return false;
        config.rfc2136.key = arena_cstr(arena, key);
    }
    return drivers_open(&config, &setup->drivers, reterr);
}

static bool first_run(struct setup *setup, const struct settings *settings, struct arena *arena, struct error *reterr) {
    size_t n;
    if (!store_read(setup->store, count_read, &n, reterr)) return false;
    if (n) return true;
    if (setup->drivers.payment) return make_first_workspace(setup, setup->drivers.payment, reterr);
    if (!open_drivers(setup, settings, arena, reterr)) return false;
    bool ok = make_first_workspace(setup, setup->drivers.payment, reterr);
    drivers_close(&setup->drivers);
    return ok;
}

bool setup_is_shared(const struct settings *settings) {
    return strcmp(settings->db, "sqlite") != 0;
}

static bool folder_is_ready(const char *dir, unsigned flags, struct arena *arena, struct error *reterr) {
    if (flags & SETUP_CREATE) {
        if (!mkdir(dir, 0700) || errno == EEXIST) return true;
        return error_set(reterr, ERR_UNAVAILABLE, "cannot make the data folder %s: %s", dir, strerror(errno));
    }
    const char *path = arena_cstr(arena, arena_printf(arena, "%s/dfyd.db", dir));
    if (!access(path, F_OK)) return true;
    if (errno != ENOENT && errno != ENOTDIR)
        return error_set(reterr, ERR_UNAVAILABLE, "cannot look into the data folder %s: %s", dir, strerror(errno));
    return error_set(reterr, ERR_NOT_FOUND, "%s holds no data of dfyd; `dfyd serve` and `dfyd key create` make it",
                     dir);
}

/* restore.c: what is in such a folder may be half of it. */
static bool is_restored(const char *dir, struct arena *arena, struct error *reterr) {
    const char *path = arena_cstr(arena, arena_printf(arena, "%s/restoring", dir));
    if (access(path, F_OK)) return true;
    return error_set(reterr, ERR_UNAVAILABLE, "%s is there: a restore into %s has not ended; run `dfyd restore` again",
                     path, dir);
}

/*
 * The database is made before the key, so a key without a database means that the database was lost. Making an empty
 * one in its place would answer every client that its key is unknown.
 */
static bool database_is_there(const char *dir, struct arena *arena, struct error *reterr) {
    struct stat about;
    const char *key = arena_cstr(arena, arena_printf(arena, "%s/secret.key", dir));
    if (access(key, F_OK)) return true;
    const char *path = arena_cstr(arena, arena_printf(arena, "%s/dfyd.db", dir));
    bool is_missing = stat(path, &about) != 0;
    if (is_missing ? errno != ENOENT : about.st_size > 0 || !S_ISREG(about.st_mode)) return true;
    return error_set(reterr, ERR_UNAVAILABLE,
                     "%s is %s: restore it from a backup, or say --db if the data is in PostgreSQL; to start anew,"
                     " remove %s too",
                     path, is_missing ? "missing" : "empty", key);
}

static bool clock_read(struct db *db, void *arg, struct error *reterr) {
    return sandbox_clock_get(db, arg, reterr);
}

static bool move_read(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    return move_check(db, reterr);
}

static bool set_clock(struct setup *setup, struct error *reterr) {
    struct sandbox_clock clock;
    if (!store_read(setup->store, clock_read, &clock, reterr)) return false;
    clock_move(&setup->clock, clock.ahead_ms);
    log_set_clock(&setup->clock);
    return true;
}

static void log_of_store(void *arg, const char *event, const char *reason, const char *next) {
    (void)arg;
    log_event(LOG_WARN, event, LOG_TEXT("reason", reason), LOG_TEXT("next", next));
}

static bool open_parts(struct setup *setup, const struct settings *settings, unsigned flags, struct error *reterr) {
    const char *dir = settings->data;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(ARENA_CHUNK);
    bool is_shared = setup_is_shared(settings);
    if (!is_restored(dir, arena, reterr)) return false;
    if (!folder_is_ready(dir, is_shared ? flags | SETUP_CREATE : flags, arena, reterr)) return false;
    if (!is_shared && !database_is_there(dir, arena, reterr)) return false;
    struct store_config config = {
        .dir = dir,
        .url = is_shared ? settings->db : NULL,
        .single = !(flags & SETUP_SERVE),
        .connections = (unsigned)settings->db_connections,
        .wait_ms = flags & SETUP_LONG ? SETUP_LONG_MS : settings->db_wait_ms,
        .listen_url = settings->db_listen_url,
        .tell = log_of_store,
    };
    if (!store_open(&config, &setup->store, reterr)) {
        setup->store = NULL;
        return false;
    }
    if (!store_read(setup->store, move_read, NULL, reterr) || !set_clock(setup, reterr)) return false;
    if (flags & (SETUP_SERVE | SETUP_VAULT) && !vault_proof_open(setup->store, dir, &setup->rng, &setup->vault, reterr))
        return false;
    if (flags & SETUP_DRIVERS && !open_drivers(setup, settings, arena, reterr)) {
        setup->drivers = (struct drivers){0};
        return false;
    }
    return !(flags & SETUP_CREATE) || first_run(setup, settings, arena, reterr);
}

bool setup_open(struct setup *setup, const struct settings *settings, unsigned flags, struct error *reterr) {
    *setup = (struct setup){.clock = clock_sandbox(0), .rng = rng_system()};
    ids_init(&setup->ids, &setup->clock, &setup->rng);
    if (open_parts(setup, settings, flags, reterr)) return true;
    setup_close(setup);
    return false;
}

void setup_close(struct setup *setup) {
    drivers_close(&setup->drivers);
    store_close(setup->store);
    setup->store = NULL;
    vault_finish(&setup->vault);
}
