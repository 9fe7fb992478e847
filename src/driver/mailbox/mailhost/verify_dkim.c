/*
 * libopendkim calls back twice: with the list of signatures, of which those of other organisations are put aside, and
 * for each key, which the resolver driver is asked for. Nothing else asks the DNS.
 */
#include "driver/mailbox/mailhost/verify_dkim.h"

#include <stdlib.h>
#include <string.h>

#include <opendkim/dkim.h>

#include "base/clock.h"
#include "driver/mailbox/mailhost/verify_message.h"
#include "driver/resolver/resolver.h"

enum { SIGNATURES_MAX = 8 }; /* looked at; each costs a question to the DNS */

struct check_dkim {
    DKIM_LIB *lib;
};

/* One message under way. */
struct look {
    struct resolver *resolver;
    struct str domain;
    int64_t deadline_ms;
    struct arena *arena;
    int n_aligned;
    struct str stranger;      /* the domain of a signature that was put aside; empty: there was none */
    DKIM_SIGINFO *keyless;    /* whose key could not be had; NULL: there is none */
    enum outcome key_outcome; /* REFUSED, UNKNOWN; with key_answer, why */
    struct answer key_answer;
};

static struct str text_of(const unsigned char *text) {
    return text ? (struct str){(const char *)text, strlen((const char *)text)} : STR("");
}

/* ---- what libopendkim calls back ---- */

static DKIM_CBSTAT choose(DKIM *handle, DKIM_SIGINFO **signatures, int n) {
    struct look *look = dkim_get_user_context(handle);
    for (int i = 0; i < n; i++) {
        struct str signer = text_of(dkim_sig_getdomain(signatures[i]));
        bool is_aligned = check_alignment(signer, look->domain, look->arena) != ALIGNED_NOT;
        if (!is_aligned) look->stranger = arena_str(look->arena, signer);
        if (!is_aligned || look->n_aligned == SIGNATURES_MAX)
            dkim_sig_ignore(signatures[i]);
        else
            look->n_aligned++;
    }
    return DKIM_CBSTAT_CONTINUE;
}

static DKIM_CBSTAT find_key(DKIM *handle, DKIM_SIGINFO *signature, u_char *to, size_t size) {
    struct look *look = dkim_get_user_context(handle);
    struct answer *answer = &look->key_answer;
    struct str selector = text_of(dkim_sig_getselector(signature)), domain = text_of(dkim_sig_getdomain(signature));
    struct str name = arena_printf(look->arena, "%.*s." DKIM_DNSKEYNAME ".%.*s", STR_ARG(selector), STR_ARG(domain));
    struct rrset found = {0};
    enum outcome outcome;
    if (look->keyless) return DKIM_CBSTAT_ERROR; /* one is enough to say */
    if (clock_steady_ms() >= look->deadline_ms)
        outcome = answer_set(answer, OUTCOME_UNKNOWN, "there was no time left to ask for it");
    else
        outcome = resolver_ask(look->resolver, name, "TXT", look->arena, &found, answer);
    if (outcome == OUTCOME_DONE && !found.n_data) return DKIM_CBSTAT_NOTFOUND;
    if (outcome == OUTCOME_DONE && found.n_data > 1)
        outcome = answer_set(answer, OUTCOME_REFUSED, "the DNS has %zu records where one belongs", found.n_data);
    if (outcome == OUTCOME_DONE && found.data[0].n >= size)
        outcome = answer_set(answer, OUTCOME_REFUSED, "its record is too long");
    if (outcome != OUTCOME_DONE) {
        look->keyless = signature;
        look->key_outcome = outcome;
        return DKIM_CBSTAT_ERROR;
    }
    memcpy(to, found.data[0].p, found.data[0].n);
    to[found.data[0].n] = '\0';
    return DKIM_CBSTAT_CONTINUE;
}

/* ---- what came of it ---- */

/* Why SIGNATURE does not verify; NULL: it does. */
static const char *fault_of(DKIM_SIGINFO *signature) {
    if (DKIM_SIG_CHECK(signature)) {
        dkim_alg_t algorithm;
        if (dkim_sig_getsignalg(signature, &algorithm) == DKIM_STAT_OK && algorithm == DKIM_SIGN_RSASHA1)
            return "it is made with SHA-1, which RFC 8301 forbids";
        return NULL;
    }
    int error = dkim_sig_geterror(signature);
    if (error == DKIM_SIGERROR_NOKEY) return "its key is not in the DNS";
    if (dkim_sig_getbh(signature) == DKIM_SIGBH_MISMATCH) return "the text of the message was changed on the way";
    if (error == DKIM_SIGERROR_BADSIG) return "the DNS has another key, or the message was changed on the way";
    const char *text = dkim_sig_geterrorstr(error);
    return text ? text : "libopendkim gives no reason";
}

static enum outcome judge(DKIM *handle, struct look *look, struct answer *answer) {
    DKIM_SIGINFO **signatures = NULL;
    int n = 0;
    if (!look->n_aligned && look->stranger.n)
        return answer_set(answer, OUTCOME_REFUSED, "the message arrived signed by %.*s only, not by %.*s",
                          STR_ARG(look->stranger), STR_ARG(look->domain));
    if (!look->n_aligned || dkim_getsiglist(handle, &signatures, &n) != DKIM_STAT_OK)
        return answer_set(answer, OUTCOME_REFUSED, "the message arrived without a DKIM signature");
    for (int i = 0; i < n; i++) {
        if (dkim_sig_getflags(signatures[i]) & DKIM_SIGFLAG_IGNORE) continue;
        struct str selector = text_of(dkim_sig_getselector(signatures[i]));
        if (signatures[i] == look->keyless)
            return answer_set(answer, look->key_outcome, "the key of the signature by %.*s: %s", STR_ARG(selector),
                              look->key_answer.reason);
        const char *fault = fault_of(signatures[i]);
        if (fault)
            return answer_set(answer, OUTCOME_REFUSED, "the signature by %.*s does not verify: %s", STR_ARG(selector),
                              fault);
    }
    return OUTCOME_DONE;
}

enum outcome check_dkim_verify(struct check_dkim *dkim, struct resolver *resolver, struct str message,
                               struct str domain, int64_t deadline_ms, struct arena *arena, struct answer *answer) {
    static const unsigned char id[] = "check";
    struct look look = {.resolver = resolver, .domain = domain, .deadline_ms = deadline_ms, .arena = arena};
    DKIM_STAT status;
    DKIM *handle = dkim_verify(dkim->lib, id, NULL, &status);
    if (!handle) abort(); /* no memory */
    dkim_set_user_context(handle, &look);
    /* It wants bytes that it may write to, though it does not. */
    unsigned char *bytes = arena_alloc(arena, message.n + 1);
    if (message.n) memcpy(bytes, message.p, message.n);
    status = dkim_chunk(handle, bytes, message.n);
    if (status == DKIM_STAT_OK) status = dkim_chunk(handle, NULL, 0);
    enum outcome outcome;
    if (status == DKIM_STAT_OK || status == DKIM_STAT_NOSIG) {
        dkim_eom(handle, NULL); /* what it says is of one signature; all of them count here */
        outcome = judge(handle, &look, answer);
    } else {
        outcome =
            answer_set(answer, OUTCOME_REFUSED, "the message that arrived is broken: %s", dkim_getresultstr(status));
    }
    dkim_free(handle);
    return outcome;
}

struct check_dkim *check_dkim_create(void) {
    struct check_dkim *dkim = calloc(1, sizeof *dkim);
    if (!dkim || !(dkim->lib = dkim_init(NULL, NULL))) abort();
    /* Keys are asked for at the end, once each, when all signatures were looked at. */
    uint32_t flags = DKIM_LIBFLAGS_DELAYSIGPROC;
    if (dkim_options(dkim->lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags) != DKIM_STAT_OK) abort();
    dkim_set_prescreen(dkim->lib, choose);
    dkim_set_key_lookup(dkim->lib, find_key);
    return dkim;
}

void check_dkim_destroy(struct check_dkim *dkim) {
    if (!dkim) return;
    dkim_close(dkim->lib);
    free(dkim);
}
