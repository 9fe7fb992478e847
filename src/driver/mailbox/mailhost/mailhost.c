/* The driver's table and its settings. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/target.h"
#include "driver/mailbox/mailhost/mailhost_inside.h"

enum { KEY_MAX_BYTES = 512, TEXT_MAX_BYTES = 255 };

/* Printable and without spaces, as what stands in a DNS record or a header field has to be. */
static bool is_word(const char *text, size_t max) {
    size_t n = strlen(text);
    if (!n || n > max) return false;
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~') return false;
    return true;
}

static bool doveadm_is_fit(const struct mailhost_config *config, struct error *reterr) {
    if (!config->doveadm_url) return true;
    struct str url = str_of(config->doveadm_url);
    if (!config->doveadm_key || !config->doveadm_key[0])
        return error_set(reterr, ERR_INVALID,
                         "the key of Dovecot's doveadm is missing: say mailhost_doveadm_key_file, or "
                         "DFYD_MAILHOST_DOVEADM_KEY");
    if (!is_word(config->doveadm_key, KEY_MAX_BYTES))
        return error_set(reterr, ERR_INVALID,
                         "the key of Dovecot's doveadm must be of at most %d printable characters without spaces",
                         KEY_MAX_BYTES);
    if (target_url_fault(url))
        return error_set(reterr, ERR_INVALID, "mailhost_doveadm_url must be a URL, such as http://127.0.0.1:8080");
    if (!target_url_keeps_secrets(url))
        return error_set(reterr, ERR_INVALID,
                         "mailhost_doveadm_url must begin with https://, or its key could be read on the way");
    return true;
}

static bool config_is_fit(const struct mailhost_config *config, struct error *reterr) {
    if (!config->name || !config->name[0])
        return error_set(reterr, ERR_INVALID,
                         "mailhost_name is missing: say the host name of the mail host, such as mx.example.net");
    if (config->spf && !is_word(config->spf, TEXT_MAX_BYTES))
        return error_set(reterr, ERR_INVALID,
                         "mailhost_spf must be one term of an SPF record, such as include:_spf.example.net");
    if (config->reports &&
        (!is_word(config->reports, TEXT_MAX_BYTES) || !strchr(config->reports, '@') || strpbrk(config->reports, ",;!")))
        return error_set(reterr, ERR_INVALID, "mailhost_reports must be a mail address, such as reports@example.net");
    if (config->ca_file && access(config->ca_file, R_OK))
        return error_set(reterr, ERR_INVALID, "mailhost_ca_file %s: %s", config->ca_file, strerror(errno));
    return doveadm_is_fit(config, reterr);
}

static const char *copy(struct arena *arena, const char *text) {
    return text ? arena_cstr(arena, str_of(text)) : NULL;
}

/* Changes with the policy that the edge serves, and only then (RFC 8461 section 3.1). */
static void make_mta_sts_id(struct mailhost *host) {
    const char *mode = host->config.mta_sts;
    if (!mode || !strcmp(mode, "off")) return;
    unsigned char hash[16];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    crypto_generichash_update(&state, (const unsigned char *)mode, strlen(mode) + 1);
    crypto_generichash_update(&state, (const unsigned char *)host->config.name, strlen(host->config.name));
    crypto_generichash_final(&state, hash, sizeof hash);
    sodium_bin2hex(host->mta_sts_id, sizeof host->mta_sts_id, hash, sizeof hash);
}

static char *make_authorization(const char *key, struct arena *arena) {
    static const char scheme[] = "X-Dovecot-API ";
    const size_t room = sodium_base64_ENCODED_LEN(strlen(key), sodium_base64_VARIANT_ORIGINAL);
    char *text = arena_alloc(arena, sizeof scheme + room);
    memcpy(text, scheme, sizeof scheme - 1);
    sodium_bin2base64(text + sizeof scheme - 1, room, (const unsigned char *)key, strlen(key),
                      sodium_base64_VARIANT_ORIGINAL);
    return text;
}

static void take_config(struct mailhost *host, const struct mailhost_config *config) {
    struct arena *texts = host->texts;
    struct mailhost_config *to = &host->config;
    *to = *config;
    to->dir = copy(texts, config->dir);
    to->name = copy(texts, config->name);
    to->spf = config->spf ? copy(texts, config->spf) : arena_cstr(texts, arena_printf(texts, "a:%s", config->name));
    to->reports = config->reports ? copy(texts, config->reports)
                                  : arena_cstr(texts, arena_printf(texts, "postmaster@%s", config->name));
    to->mta_sts = copy(texts, config->mta_sts);
    to->imap.host = copy(texts, config->imap.host);
    to->submission.host = copy(texts, config->submission.host);
    to->ca_file = copy(texts, config->ca_file);
    to->doveadm_url = copy(texts, config->doveadm_url);
    to->doveadm_key = NULL; /* it stands in the header field that is sent */
    if (config->doveadm_url) host->doveadm_authorization = make_authorization(config->doveadm_key, texts);
    make_mta_sts_id(host);
}

static void destroy(struct mailbox *m) {
    struct mailhost *host = mailhost_of(m);
    notebook_close(host->mail);
    notebook_close(host->dkim);
    web_destroy(host->web);
    mail_check_destroy(host->check);
    if (host->doveadm_authorization) sodium_memzero(host->doveadm_authorization, strlen(host->doveadm_authorization));
    arena_destroy(host->texts);
    free(host);
}

bool mailbox_mailhost_open(const struct mailhost_config *config, struct mailbox **ret, struct error *reterr) {
    static const struct mailbox_ops ops = {
        .name = "mailhost",
        .providers = 1 << PROVIDER_AIRMAIL,
        .mail_facts = mailhost_mail_facts,
        .lookup = mailhost_lookup,
        .create = mailhost_create,
        .remove = mailhost_remove,
        .set_access = mailhost_set_access,
        .verify = mailhost_verify,
        .set_dkim = mailhost_set_dkim,
        .destroy = destroy,
    };
    if (!config_is_fit(config, reterr)) return false;
    struct mailhost *host = calloc(1, sizeof *host);
    if (!host) abort();
    *host = (struct mailhost){.base = {.ops = &ops}, .texts = arena_create(4096), .web = web_create()};
    take_config(host, config);
    host->clock = clock_system();
    host->check = mailhost_check_create(host);
    if (!mailhost_book_open(host, reterr)) {
        destroy(&host->base);
        return false;
    }
    *ret = &host->base;
    return true;
}
