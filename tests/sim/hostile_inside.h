/* hostile_inside: what the files of the hostile world share; nobody else includes it. */
#pragma once

#include "driver/dns/dns.h"
#include "driver/hook/hook.h"
#include "driver/mailbox/mailbox.h"
#include "driver/payment/payment.h"
#include "driver/registrar/registrar.h"
#include "driver/resolver/resolver.h"
#include "driver/sandbox_book.h"
#include "hostile.h"

enum { FAULT_TEXT = 300, LATE_MAX = 32, SUBJECTS_MAX = 1024, TOLD_MAX = 4096 };

/* Something a call was about: a name, an address, a zone's part, an order's key. */
struct subject {
    enum hostile_kind kind;
    struct str text;
    bool is_refused; /* for good */
    bool may_be_done;
    int n_done; /* calls of it that were really done */
};

/* How far a domain's DKIM keys are, by what was really done. */
struct keys {
    struct str domain;
    bool is_published; /* its first record was */
    int64_t rotation;
    enum dkim_phase phase;
    int64_t signed_ms; /* when the newest one began to sign */
};

/* The calls that act. */
enum call_kind {
    CALL_REGISTER,
    CALL_CHANGE,
    CALL_CREATE,
    CALL_REMOVE,
    CALL_CHARGE,
    CALL_REFUND,
    CALL_RENEW,
    CALL_ACCESS,
    CALL_KEYS,
    CALL_KIND_END
};

/* A call; copies in the arena when it is on its way for long. */
struct late {
    enum call_kind call;
    struct subject *subject; /* of another kind for each kind of call that may be refused by itself */
    struct registrar_create registrar;
    struct mailbox_create mailbox;
    struct registrar_renew renewal;
    struct mailbox_access access;
    struct mailbox_dkim keys;
    struct payment_charge payment;
    struct payment_refund refund;
    struct {
        struct str zone;
        struct zone_change *changes;
        size_t n;
    } dns;
};

struct hostile_registrar {
    struct registrar base;
    struct hostile *hostile;
};
struct hostile_dns {
    struct dns base;
    struct hostile *hostile;
};
struct hostile_mailbox {
    struct mailbox base;
    struct hostile *hostile;
};
struct hostile_resolver {
    struct resolver base;
    struct hostile *hostile;
};
struct hostile_payment {
    struct payment base;
    struct hostile *hostile;
};
struct hostile_hook {
    struct hook base;
    struct hostile *hostile;
};

struct hostile {
    struct hostile_config config;
    struct hostile_level level;
    struct arena *arena; /* lives as long as this world */
    struct sandbox_book *book;
    struct drivers real;
    struct hostile_registrar registrar;
    struct hostile_dns dns;
    struct hostile_mailbox mailbox;
    struct hostile_resolver resolver;
    struct hostile_payment payment;
    struct hostile_hook hook;
    struct hostile_told *told;
    size_t n_told;
    bool told_otherwise;
    struct late late[LATE_MAX];
    size_t n_late;
    struct subject *subjects;
    size_t n_subjects;
    struct str *closed; /* keys of mailboxes that were removed */
    size_t n_closed;
    int64_t bank_calls; /* that reached the bank */
    struct keys *keys;
    size_t n_keys;
    int64_t key_moves;
    char fault[FAULT_TEXT];
};

enum fate { FATE_PASS, FATE_LOST, FATE_ANSWER_LOST, FATE_LATE, FATE_REFUSED, FATE_CUT_BEFORE, FATE_CUT_AFTER };

/* After a move of keys, or a change of records, was really done. */
void hostile_keys_moved(struct hostile *h, const struct mailbox_dkim *move);
void hostile_records_changed(struct hostile *h, struct str zone);

extern const struct registrar_ops hostile_registrar_ops;
extern const struct dns_ops hostile_dns_ops;
extern const struct mailbox_ops hostile_mailbox_ops;
extern const struct resolver_ops hostile_resolver_ops;
extern const struct payment_ops hostile_payment_ops;
extern const struct hook_ops hostile_hook_ops;

/* Of all that was called about. Never NULL. */
struct subject *hostile_subject(struct hostile *h, enum hostile_kind kind, struct str text);
bool hostile_is_off(const struct hostile *h);
/* UNKNOWN, with a reason. */
enum outcome hostile_no_answer(struct answer *answer);
/* Other work goes on while a call is on its way. */
void hostile_wait(struct hostile *h);
void hostile_note(struct hostile *h, enum hostile_kind kind, const char *what, struct str subject, const char *fate);
enum fate hostile_draw_fate(struct hostile *h, bool may_refuse, bool may_be_late);
/* A call that acts. All of ANSWER is for the bank's calls, the others use its answer alone, which may be NULL. */
enum outcome hostile_act_at_bank(struct hostile *h, const struct late *job, struct payment_answer *answer);
enum outcome hostile_act(struct hostile *h, const struct late *job, struct answer *answer);
/* Whether a call that only asks gets no answer. */
bool hostile_ask_is_lost(struct hostile *h, enum hostile_kind kind, const char *what, struct str subject);
