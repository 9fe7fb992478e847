#include "step/reconcile.h"

#include <stdlib.h>

enum { BOOK_MIN = 256 };

/* A driver's book, as it comes. */
struct book {
    struct ledger_moved *all;
    size_t n, cap;
    struct arena *arena;
};

static void take(void *arg, const struct payment_movement *movement) {
    struct book *book = arg;
    if (book->n == book->cap) {
        size_t cap = book->cap ? 2 * book->cap : BOOK_MIN;
        struct ledger_moved *all = ARENA_ARRAY(book->arena, cap, struct ledger_moved);
        if (book->n) memcpy(all, book->all, book->n * sizeof *all);
        book->all = all;
        book->cap = cap;
    }
    book->all[book->n++] = (struct ledger_moved){
        .key = arena_str(book->arena, movement->key.n ? movement->key : movement->reference),
        .is_refund = movement->is_refund,
        .amount = movement->amount,
    };
}

static int by_key(const void *a, const void *b) {
    const struct ledger_moved *one = a, *other = b;
    int order = str_cmp(one->key, other->key);
    return order ? order : (int)one->is_refund - (int)other->is_refund;
}

struct work {
    struct store *store;
    struct payment *payment;
    struct arena *arena;
    ledger_found_fn *found;
    void *arg;
    struct reconciled *ret;
    struct ledger_moved *here; /* what is written down here */
    size_t n_here;
    /* Of a movement that is not, as far as was seen at the beginning. */
    struct str key, subject;
    enum ledger_known known;
};

static bool read_here(struct db *db, void *arg, struct error *reterr) {
    struct work *w = arg;
    return ledger_moved(db, str_of(w->payment->ops->name), w->arena, &w->here, &w->n_here, reterr);
}

static bool read_key(struct db *db, void *arg, struct error *reterr) {
    struct work *w = arg;
    return ledger_key(db, w->key, w->arena, &w->known, &w->subject, reterr);
}

static const char *word_of(const struct ledger_moved *moved) {
    return moved->is_refund ? "refund" : "charge";
}

static void tell(struct work *w, struct str subject, struct str problem, const char *todo) {
    w->ret->differences++;
    w->found(w->arg, subject, problem, todo);
}

static struct str dollars(struct work *w, cents amount) {
    struct buf text;
    buf_init(&text, 64);
    money_text(&text, amount);
    struct str ret = arena_str(w->arena, buf_str(&text));
    buf_finish(&text);
    return ret;
}

static void only_here(struct work *w, const struct ledger_moved *moved) {
    tell(w, arena_printf(w->arena, "payment %.*s", STR_ARG(moved->key)),
         arena_printf(w->arena, "a %s of %.*s is written down here; %s has none", word_of(moved),
                      STR_ARG(dollars(w, moved->amount)), w->payment->ops->name),
         "look for the key at the payment provider; is this the book of this folder, and this account?");
}

/* The payment may have ended since the payments were read, or be ending now. */
static bool only_there(struct work *w, const struct ledger_moved *moved, struct error *reterr) {
    w->key = moved->key;
    if (!store_read(w->store, read_key, w, reterr)) return false;
    if (w->known == LEDGER_UNDER_WAY) w->ret->under_way++;
    if (w->known == LEDGER_UNDER_WAY || w->known == LEDGER_ENDED) return true;
    struct str subject = w->subject.n ? w->subject : arena_printf(w->arena, "payment %.*s", STR_ARG(moved->key));
    struct str amount = dollars(w, moved->amount);
    if (w->known == LEDGER_UNKNOWN)
        tell(w, subject,
             arena_printf(w->arena, "%s made a %s of %.*s that nothing here knows", w->payment->ops->name,
                          word_of(moved), STR_ARG(amount)),
             "made by hand there, or by another dfyd on the same account? else give the money back there");
    else
        tell(w, subject,
             arena_printf(w->arena, "%s made a %s of %.*s, here it is not paid", w->payment->ops->name, word_of(moved),
                          STR_ARG(amount)),
             moved->is_refund ? "the customer has the money: `dfyd refund retry` writes that down"
                              : "give the money back at the payment provider, and tell the customer");
    return true;
}

static bool compare(struct work *w, const struct book *book, struct error *reterr) {
    size_t at = 0;
    for (size_t i = 0; i < book->n; i++) {
        const struct ledger_moved *there = &book->all[i];
        if (i && by_key(there, &book->all[i - 1]) == 0) {
            tell(w, arena_printf(w->arena, "payment %.*s", STR_ARG(there->key)),
                 arena_printf(w->arena, "%s made this %s more than once", w->payment->ops->name, word_of(there)),
                 "give back there what was taken too much");
            continue;
        }
        while (at < w->n_here && by_key(&w->here[at], there) < 0) only_here(w, &w->here[at++]);
        if (at == w->n_here || by_key(&w->here[at], there) != 0) {
            if (!only_there(w, there, reterr)) return false;
            continue;
        }
        const struct ledger_moved *here = &w->here[at++];
        if (here->amount != there->amount)
            tell(w, arena_printf(w->arena, "payment %.*s", STR_ARG(there->key)),
                 arena_printf(w->arena, "a %s of %.*s here, of %.*s at %s", word_of(here),
                              STR_ARG(dollars(w, here->amount)), STR_ARG(dollars(w, there->amount)),
                              w->payment->ops->name),
                 "what the payment provider says is what happened: mend the row here, or the difference there");
    }
    while (at < w->n_here) only_here(w, &w->here[at++]);
    return true;
}

bool reconcile_driver(struct store *store, struct payment *payment, struct arena *arena, ledger_found_fn *found,
                      void *arg, struct reconciled *ret, struct error *reterr) {
    *ret = (struct reconciled){0};
    struct work w = {.store = store, .payment = payment, .arena = arena, .found = found, .arg = arg, .ret = ret};
    struct book book = {.arena = arena};
    struct answer answer;
    /* In this order: what is written down here is in the driver's book by then, also beside a server that works. */
    if (!store_read(store, read_here, &w, reterr)) return false;
    if (payment_movements(payment, 0, take, &book, &answer) != OUTCOME_DONE)
        return error_set(reterr, ERR_UPSTREAM, "%s did not hand out its book: %s", payment->ops->name, answer.reason);
    if (book.n) qsort(book.all, book.n, sizeof *book.all, by_key);
    ret->movements = (int64_t)book.n;
    return compare(&w, &book, reterr);
}
