/* renew_fixture: a workspace in a sandbox world whose clock a test moves; orders are placed and provisioned at once. */
#pragma once

#include "core/calendar.h"
#include "driver/payment/payment.h"
#include "driver/registrar/registrar.h"
#include "driver/resolver/resolver.h"
#include "driver/sandbox_book.h"
#include "step/cancel.h"
#include "step/provision.h"
#include "step/renew.h"
#include "store/cancel.h"
#include "store/renewals.h"
#include "store_fixture.h"

enum { YEAR_PRICE = 1500, MAILBOX_PRICE = 500, MICROSOFT_PRICE = 2000, LEASE_MS = 60000 };

/* A bank in front of the sandbox's, through which a test can do something while a charge is under way. */
struct bank {
    struct payment base;
    struct payment *real;
    void (*meanwhile)(void *arg);
    void *arg;
};

struct life {
    struct fixture *f;
    struct sandbox_book *book;
    struct drivers drivers;
    struct bank bank;
    struct vault vault;
    struct world world;
};

static inline enum outcome bank_charge(struct payment *p, const struct payment_charge *job,
                                       struct payment_answer *answer) {
    struct bank *bank = (struct bank *)p;
    enum outcome outcome = payment_charge(bank->real, job, answer);
    void (*meanwhile)(void *) = bank->meanwhile;
    bank->meanwhile = NULL;
    if (meanwhile) meanwhile(bank->arg);
    return outcome;
}

static inline enum outcome bank_close(struct payment *p, const struct payment_charge *job,
                                      struct payment_answer *answer) {
    return payment_close(((struct bank *)p)->real, job, answer);
}

static inline enum outcome bank_refund(struct payment *p, const struct payment_refund *job,
                                       struct payment_answer *answer) {
    return payment_refund(((struct bank *)p)->real, job, answer);
}

static inline int64_t ms_of(const char *text) {
    int64_t ms = 0;
    if (strlen(text) == 10) {
        char full[TIME_TEXT];
        snprintf(full, sizeof full, "%sT00:00:00.000Z", text);
        assert_true(time_parse(str_of(full), &ms));
    } else {
        assert_true(time_parse(str_of(text), &ms));
    }
    return ms;
}

static inline bool run_sql(struct db *db, void *arg, struct error *reterr) {
    return db_exec(db, arg, reterr);
}

/* Through the store, so that its readers see it at once. */
static inline void change(struct life *l, const char *sql) {
    struct fixture *f = l->f;
    char text[400];
    snprintf(text, sizeof text, "%s", sql);
    OK(store_write(l->world.store, run_sql, text, &f->error));
}

static inline bool card_change(struct db *db, void *arg, struct error *reterr) {
    const struct card card = {.exists = true,
                              .token = str_of(arg),
                              .brand = STR("visa"),
                              .last4 = STR("4242"),
                              .name_on_card = STR("Ada Byron"),
                              .driver = STR("sandbox")};
    return card_set(db, STR(WORKSPACE), &card, 1, reterr);
}

static inline void set_card(struct life *l, const char *token) {
    struct fixture *f = l->f;
    char text[40];
    snprintf(text, sizeof text, "%s", token);
    OK(store_write(l->world.store, card_change, text, &f->error));
}

static inline void life_begin(struct fixture *f, struct life *l, const char *now) {
    static const struct payment_ops ops = {
        .name = "sandbox", .is_sandbox = true, .charge = bank_charge, .close = bank_close, .refund = bank_refund};
    *l = (struct life){.f = f};
    f->clock.manual_ms = f->now = ms_of(now);
    OK(sandbox_book_open(":memory:", &f->clock, &l->book, &f->error));
    l->bank = (struct bank){.base = {&ops}, .real = payment_sandbox_create(l->book)};
    l->drivers = (struct drivers){
        .registrar = registrar_sandbox_create(l->book),
        .dns = dns_sandbox_create(l->book),
        .resolver = resolver_sandbox_create(l->book),
        .mailbox = mailbox_sandbox_create(l->book),
        .payment = &l->bank.base,
        .book = l->book,
    };
    vault_init(&l->vault, &f->rng);
    l->world = (struct world){
        .clock = &f->clock,
        .rng = &f->rng,
        .ids = &f->ids,
        .store = fixture_store(f),
        .drivers = &l->drivers,
        .vault = &l->vault,
        .edge = {.ipv4 = STR("192.0.2.1")},
        .retry_base_ms = 1000,
        .retry_max_ms = 60000,
        .lease_ms = LEASE_MS,
    };
    set_card(l, "tok_visa");
}

static inline void life_end(struct life *l) {
    l->drivers.payment = l->bank.real;
    store_close(l->world.store);
    drivers_close(&l->drivers);
}

/* Does all that is due now; fails when that never ends. */
static inline void work(struct life *l) {
    struct fixture *f = l->f;
    size_t n = 1;
    for (int round = 0; n; round++) {
        struct step *steps;
        size_t n_steps;
        assert_true(round < 1000);
        OK(renew_due(&l->world, 10, &n, &f->error));
        OK(provision_claim(&l->world, 100, f->arena, &steps, &n_steps, &f->error));
        for (size_t i = 0; i < n_steps; i++) OK(provision_run(&l->world, &steps[i], &f->error));
        n += n_steps;
    }
}

static inline bool next_due_read(struct db *db, void *arg, struct error *reterr) {
    return step_next_due(db, arg, reterr);
}

/* Everything happens at its time until WHEN, and what is due then, too. */
static inline void live_until(struct life *l, const char *when) {
    struct fixture *f = l->f;
    int64_t end = ms_of(when), due;
    for (;;) {
        work(l);
        OK(store_read(l->world.store, next_due_read, &due, &f->error));
        if (due > end) break;
        assert_true(due > f->clock.manual_ms);
        f->clock.manual_ms = f->now = due;
    }
    f->clock.manual_ms = f->now = end;
    work(l);
}

/* As if nobody had been there for that time, or as if the clock had been set back. */
static inline void jump_to(struct life *l, const char *when) {
    l->f->clock.manual_ms = l->f->now = ms_of(when);
    work(l);
}

/* The domain with N mailboxes a@, b@, ... from the letter FIRST on. */
static inline struct reserve_domain priced_domain(struct life *l, const char *name, char first, size_t n,
                                                  enum provider provider) {
    struct fixture *f = l->f;
    struct reserve_domain domain = make_domain(f, name, n, "");
    bool is_microsoft = provider == PROVIDER_MICROSOFT;
    domain.provider = provider;
    domain.year_price = YEAR_PRICE;
    domain.month_price = is_microsoft ? MICROSOFT_PRICE : 0;
    domain.mailbox_price = is_microsoft ? 0 : MAILBOX_PRICE;
    for (size_t i = 0; i < n; i++) {
        struct reserve_account *account = &domain.accounts[i];
        account->email = arena_printf(f->arena, "%c%s%zu@%s", first, i < 26 ? "" : "x", i, name);
        account->sealed_password = vault_seal(&l->vault, &f->rng, STR("secret"), f->arena);
    }
    return domain;
}

static inline bool place_change(struct db *db, void *arg, struct error *reterr) {
    const struct reservation *r = arg;
    return order_reserve(db, r, reterr) && order_settle(db, str_of(r->order_id), STR(""), r->now_ms, reterr);
}

static inline void place(struct life *l, enum order_type type, struct reserve_domain *domains, size_t n) {
    struct fixture *f = l->f;
    struct reservation r = make_order(f, type, domains, n);
    r.amount = 0; /* without lines: what orders cost is not looked at here */
    r.payment_driver = STR("");
    OK(store_write(l->world.store, place_change, &r, &f->error));
    work(l);
}

/* One new domain at Google with N mailboxes a0@, a1@, ... */
static inline void buy(struct life *l, const char *name, size_t n) {
    struct reserve_domain domain = priced_domain(l, name, 'a', n, PROVIDER_GOOGLE);
    place(l, ORDER_DFY, &domain, 1);
}

static inline void cancel(struct life *l, const char *email) {
    struct fixture *f = l->f;
    struct str address = str_of(email);
    struct account_row *rows;
    size_t n;
    OK(cancel_run(&l->world, STR(WORKSPACE), &address, 1, (struct actor){{0}}, f->arena, &rows, &n, &f->error));
}

/* "2026-02-15 paid 2500|...": all renewals, as they were made. */
static inline const char *renewals_of(struct life *l) {
    return words_of(l->f, "SELECT strftime('%Y-%m-%d', day_ms / 1000, 'unixepoch') || ' ' || state || ' ' || amount"
                          " FROM renewals ORDER BY id");
}

static inline bool opens(struct life *l, const char *email) {
    return sandbox_book_has_mailbox(l->book, str_of(email), STR("secret"));
}

/* What renew_due does before anybody is asked for money. */
static inline size_t life_collect(struct life *l, size_t max) {
    struct fixture *f = l->f;
    size_t n = 0;
    for (; n < max; n++) {
        struct renewal_group group;
        OK(IN_TX(renewal_first_group(f->db, &group, &f->error)));
        if (group.day_ms > f->now) break;
        OK(IN_TX(renewal_collect(f->db, &f->ids, &group, f->now, &f->error)));
        OK(IN_TX(renewal_collect(f->db, &f->ids, &group, f->now, &f->error))); /* the others find nothing more of it */
    }
    return n;
}

struct claims {
    struct renewal_try *tries;
    size_t n;
};

static inline struct claims life_claim(struct life *l, size_t max) {
    struct fixture *f = l->f;
    struct claims claims = {0};
    OK(IN_TX(renewal_claim(f->db, f->now, f->now + LEASE_MS, max, f->arena, &claims.tries, &claims.n, &f->error)));
    for (size_t i = 0; i < claims.n; i++) {
        enum renewal_start start;
        OK(IN_TX(renewal_start(f->db, &f->ids, &claims.tries[i], f->now, false, f->arena, &start, &f->error)));
        assert_int_equal(start, RENEWAL_STARTED);
    }
    return claims;
}

/* The bank, dfyd's payments and its ledger agree. */
static inline void check_books(struct life *l, int64_t charged) {
    assert_int_equal(sandbox_book_charged_cents(l->book), charged);
    assert_int_equal(number_of(l->f, "SELECT COALESCE(SUM(amount), 0) FROM payments WHERE kind = 'charge'"
                                     " AND state = 'succeeded'"),
                     charged);
    assert_int_equal(number_of(l->f, "SELECT COALESCE(SUM(amount), 0) FROM ledger_entries WHERE account"
                                     " = 'cash/sandbox' AND subject_kind = 'renewal'"),
                     charged);
    assert_int_equal(number_of(l->f, "SELECT COALESCE(SUM(amount), 0) FROM ledger_entries"), 0);
    /* Each paid renewal was charged what its bill says. */
    assert_int_equal(number_of(l->f, "SELECT COUNT(*) FROM renewals r WHERE state = 'paid' AND amount <>"
                                     " (SELECT COALESCE(SUM(amount), 0) FROM bill_lines WHERE bill_id = r.id)"),
                     0);
    /* No thing has one period twice, and no open renewal has what waits for another one. */
    assert_int_equal(number_of(l->f, "SELECT COUNT(*) FROM (SELECT 1 FROM renewal_items"
                                     " GROUP BY domain_id, account_id, kind, from_ms HAVING COUNT(*) > 1) t"),
                     0);
}
