/*
 * call: one request on its way through a handler. A handler either answers where it is called, without waiting, or
 * defers to its run function. All of it lives in the request's arena.
 */
#pragma once

#include "api/api.h"
#include "api/auth.h"
#include "core/check.h"
#include "core/limit.h"
#include "store/audit.h"

struct call;
struct hub;
struct idempotent;
struct restrictions;

/* GET routes and the like take none; an optional one may be missing or empty; BODY_OR_CSV: JSON or text/csv. */
enum body_rule { BODY_NONE, BODY_NEEDED, BODY_OPTIONAL, BODY_OR_CSV };

struct route {
    const char *method;
    const char *path;              /* "{}", one segment, or "{*}", the rest, is call->parameter */
    const char *resource, *action; /* the scope it needs; all:all: and an operator's key; NULL: open to all */
    enum body_rule body;
    /* On the event thread, where waiting is forbidden; with a shared database on an order thread when the route needs a
     * scope, as it may ask the store then. */
    enum http_verdict (*begin)(struct call *call);
    /* On a worker thread, after begin said HTTP_DEFER; NULL when it never does. */
    void (*run)(struct call *call);
    /* Beside those of the workspace; NULL: none. */
    const struct limits *limits;
};

/*
 * Makes the next part of a long answer: appends it to response->body, and says by *ret_last whether nothing follows.
 * On an order thread, each time the client has taken what was there before; the identity was read anew. SCRATCH is
 * emptied after each part. False: it is logged, and the client sees its connection cut.
 */
typedef bool call_more_fn(struct call *call, struct arena *scratch, bool *ret_last, struct error *reterr);

struct call {
    struct api *api;
    const struct api_config *config;
    struct idempotent *idempotent;
    struct restrictions *restrictions;
    struct hub *hub;
    const struct route *route; /* NULL: none */
    struct str parameter;      /* what stands for "{}" or "{*}" in the path, percent-decoded; empty: none */
    const struct http_request *request;
    struct http_response *response;
    struct arena *arena;
    const struct identity *identity; /* NULL for open routes; read anew for run */
    void *order;                     /* what begin decoded, for run */
    call_more_fn *more;              /* NULL: the answer is whole */
    bool may_wait;                   /* all of it runs on an order thread */
    bool by_cookie;                  /* the console's cookie says who calls, or does so from now on */
    bool changes_nothing;            /* a read or a simulation: its line in the log is for debugging */
    int64_t started_ms;              /* by clock_steady_ms: a sandbox's clock jumps */
};

/* Says {"statusCode", "error", "message"}; with Retry-After where a retry helps by itself. */
void call_refuse(struct call *call, const struct error *error);
/*
 * The same for an error of a lower part. What went wrong inside is logged and not shown; REASSURE, such as "Nothing was
 * placed or charged.", is.
 */
void call_fail(struct call *call, const struct error *error, const char *reassure);
/* 200 with what the handler put into response->body. */
void call_answer(struct call *call);
/* The same for an answer that goes on with what MORE makes, for as long as the client takes it. */
void call_answer_in_parts(struct call *call, call_more_fn *more);
/* Adds a header with a NUMBER from 0. NAME is a literal. */
void call_header(struct call *call, const char *name, int64_t number);
bool call_is_draining(const struct call *call);
/* A run that waits for a client's server, or for the DNS, takes a place first, so that not all threads wait for such;
 * false when there is none left. call_has_waited gives it back. */
bool call_may_wait(const struct call *call);
void call_has_waited(const struct call *call);
/* Reads the caller anew: card, prices and all. What was read before is dead. */
MUST_CHECK bool call_identify(struct call *call, struct error *reterr);
/* The same past the cache: another node may have changed what was read before it is heard of here. */
MUST_CHECK bool call_identify_anew(struct call *call, struct error *reterr);
/* For the run of a call that any key may make, whatever its scopes: who calls, counted against its limits. SECRET: the
 * key; NULL: as the request says. */
MUST_CHECK bool call_identify_any(struct call *call, const struct str *secret, struct error *reterr);
/* What this call's orders and names are judged by now; what it points to is good until this thread's next call_rules.
 */
MUST_CHECK bool call_rules(const struct call *call, struct rules *ret, struct error *reterr);
/* Who makes this call; for audit records. The user agent is cut, and what is not UTF-8 is shown as '?'. Lives as long
 * as the call. */
struct actor call_actor(const struct call *call);
/* A record of what this call does to one thing, by call_actor, with an id of its own and no detail yet. */
struct audit_record call_record(const struct call *call, enum activity activity, struct str workspace_id,
                                int64_t now_ms);

/* Where the caller reaches this server, without a slash at the end: the setting, else as the request did. Empty when
 * neither says so. */
struct str call_base_url(const struct call *call);

/* Whether customers reach this server over https, by the setting. */
bool call_is_https(const struct call *call);

/* For the limits of a route: domains/check, setting or removing a forwarding, looking at a zone, and what may be asked
 * for about a domain. */
extern const struct limits check_limits, forwarding_limits, dns_limits, mend_limits;

/* The domain that stands in the path. ERR_INVALID: it is no host name. ERR_NOT_FOUND: nobody can have it. */
MUST_CHECK bool call_domain(const struct call *call, struct str *ret, struct error *reterr);

/* The handlers. */
enum http_verdict health_live(struct call *call);
enum http_verdict health_ready_begin(struct call *call);
void health_ready_run(struct call *call);
enum http_verdict docs_description(struct call *call);
enum http_verdict docs_file(struct call *call);
/* Whether PATH is one of the console's: "/" answers it. */
bool console_has_page(struct str path);
enum http_verdict console_page(struct call *call);
enum http_verdict console_file(struct call *call);
void console_run(struct call *call);
enum http_verdict sign_in_begin(struct call *call);
void sign_in_run(struct call *call);
enum http_verdict session_defer(struct call *call); /* the begin of the next two */
void get_session_run(struct call *call);
void sign_out_run(struct call *call);
enum http_verdict place_order_begin(struct call *call);
void place_order_run(struct call *call);
enum http_verdict list_orders(struct call *call);
enum http_verdict list_accounts(struct call *call);
enum http_verdict check_domains_begin(struct call *call);
void check_domains_run(struct call *call);
enum http_verdict similar_domains_begin(struct call *call);
void similar_domains_run(struct call *call);
enum http_verdict pre_warmed_begin(struct call *call);
void pre_warmed_run(struct call *call);
enum http_verdict checkout_defer(struct call *call); /* the begin of the next four */
void payment_event_run(struct call *call);
void checkout_return_run(struct call *call);
void sandbox_page_run(struct call *call);
void sandbox_pay_run(struct call *call);
enum http_verdict cancel_accounts_begin(struct call *call);
void cancel_accounts_run(struct call *call);
enum http_verdict get_forwarding(struct call *call);
enum http_verdict put_forwarding_begin(struct call *call);
enum http_verdict delete_forwarding_begin(struct call *call);
void change_forwarding_run(struct call *call);
enum http_verdict domain_dns_begin(struct call *call);
void domain_dns_run(struct call *call);
enum http_verdict mend_domain_begin(struct call *call); /* the begin of the next three */
void retry_domain_run(struct call *call);
void repair_domain_run(struct call *call);
void check_domain_run(struct call *call);
enum http_verdict swap_domain_begin(struct call *call);
void swap_domain_run(struct call *call);
enum http_verdict create_key_begin(struct call *call);
void create_key_run(struct call *call);
enum http_verdict list_keys(struct call *call);
enum http_verdict delete_key_begin(struct call *call);
void delete_key_run(struct call *call);
enum http_verdict get_workspace(struct call *call);
enum http_verdict change_workspace_begin(struct call *call);
void change_workspace_run(struct call *call);
enum http_verdict list_audit_begin(struct call *call);
void list_audit_run(struct call *call);
enum http_verdict list_webhooks(struct call *call);
enum http_verdict list_webhook_types(struct call *call);
enum http_verdict create_webhook_begin(struct call *call);
void create_webhook_run(struct call *call);
enum http_verdict get_webhook(struct call *call);
enum http_verdict change_webhook_begin(struct call *call);
void change_webhook_run(struct call *call);
enum http_verdict webhook_defer(struct call *call); /* the begin of the next three */
void delete_webhook_run(struct call *call);
void test_webhook_run(struct call *call);
void resume_webhook_run(struct call *call);
enum http_verdict get_order(struct call *call);
enum http_verdict summary_defer(struct call *call);
void summary_run(struct call *call);
enum http_verdict get_prices(struct call *call);
enum http_verdict list_payments(struct call *call);
enum http_verdict list_renewals(struct call *call);
enum http_verdict get_invoice(struct call *call);
enum http_verdict get_invoice_page(struct call *call);
enum http_verdict follow_events(struct call *call);
enum http_verdict search_orders_begin(struct call *call);
enum http_verdict search_domains_begin(struct call *call);
enum http_verdict search_mailboxes_begin(struct call *call);
enum http_verdict search_invoices_begin(struct call *call);
void listing_run(struct call *call); /* of the four before it */
enum http_verdict get_domain(struct call *call);
enum http_verdict show_password_begin(struct call *call);
void show_password_run(struct call *call);
