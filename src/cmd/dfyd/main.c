/* dfyd: the table of its commands. */
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

#include "commands.h"
#include "setup.h"

static const char *const yes_no[] = {"yes", "no", NULL};
static const char *const providers[] = {"1", "2", "3", NULL};
static const char *const promotion_kinds[] = {"percent", "amount", "free_domains", "first_month", NULL};

#define WORKSPACE                                                                                                      \
    { .flag = "workspace", .value = "WORKSPACE", .help = "name or id of the workspace", .fallback = "default" }
#define OPTIONS(rows) .options = (rows), .n_options = ARRAY_LEN(rows)

static const struct option_row serve_options[] = {
    {.flag = "no-worker", .help = "the same as --worker off"},
};
static const struct option_row key_create_options[] = {
    WORKSPACE,
    {.flag = "scope",
     .value = "SCOPE",
     .help = "what the key may do, as RESOURCE:ACTION; all:all is everything",
     .required = true,
     .repeats = true},
    {.flag = "name", .value = "NAME", .help = "what the key is for"},
    {.flag = "operator", .help = "the key may act for other workspaces, with the header x-as-workspace"},
};
static const struct option_row key_list_options[] = {
    {.flag = "workspace", .value = "WORKSPACE", .help = "only of this workspace, by name or id"},
};
static const struct option_row key_revoke_options[] = {
    {.flag = "id", .value = "ID", .help = "id of the key, from `dfyd key list`", .required = true},
};
static const struct option_row workspace_create_options[] = {
    {.flag = "name", .value = "NAME", .help = "name, different from all others", .required = true},
    {.flag = "active", .value = "YES|NO", .help = "whether its plan is active", .fallback = "yes", .words = yes_no},
};
static const struct option_row workspace_options[] = {WORKSPACE};
static const struct option_row workspace_plan_options[] = {
    WORKSPACE,
    {.flag = "active", .value = "YES|NO", .help = "whether its plan is active", .words = yes_no, .required = true},
};
static const struct option_row workspace_credit_options[] = {
    WORKSPACE,
    {.flag = "limit", .value = "DOLLARS", .help = "how much it may owe from now on, such as 500.00; 0: nothing"},
};
static const struct option_row card_set_options[] = {
    WORKSPACE,
    {.flag = "token", .value = "TOKEN", .help = "the payment provider's name for the card: tok_visa"},
    {.flag = "name", .value = "NAME", .help = "name on the card"},
    {.flag = "on-account", .help = "no card: the workspace owes what it orders, up to `dfyd workspace credit`"},
};
static const struct option_row clock_advance_options[] = {
    {.flag = "by", .value = "TIME", .help = "how far: 45d, 1d12h; s m h d w, and y for 365 days", .required = true},
    {.flag = "no-wait", .help = "returns at once"},
};
static const struct option_row inventory_add_options[] = {
    {.flag = "domain", .value = "DOMAIN", .help = "name under com, org or co", .required = true},
    {.flag = "provider",
     .value = "N",
     .help = "who serves its mailboxes (1 Google, 2 AirMail, 3 Microsoft)",
     .words = providers,
     .required = true},
    {.flag = "account",
     .value = "PREFIX,FIRST,LAST",
     .help = "a mailbox that it has",
     .required = true,
     .repeats = true},
};
static const struct option_row inventory_list_options[] = {
    {.flag = "unsold", .help = "only those that are for sale"},
};
static const struct option_row inventory_remove_options[] = {
    {.flag = "domain", .value = "DOMAIN", .help = "name of the domain", .required = true},
};
#define ONE_WORKSPACE                                                                                                  \
    { .flag = "workspace", .value = "WORKSPACE", .help = "for this workspace alone, by name or id" }
#define PRICE_NAME                                                                                                     \
    { .flag = "name", .value = "NAME", .help = "which price, from `dfyd price list`", .required = true }
static const struct option_row price_list_options[] = {
    ONE_WORKSPACE,
    {.flag = "at", .value = "TIME", .help = "as they are at that day or time in UTC; default now"},
};
static const struct option_row price_add_options[] = {
    ONE_WORKSPACE,
    PRICE_NAME,
    {.flag = "amount", .value = "DOLLARS", .help = "the price in US dollars, such as 4.50", .required = true},
    {.flag = "starts", .value = "TIME", .help = "day or time in UTC from which it counts; default now, never earlier"},
};
static const struct option_row price_end_options[] = {
    ONE_WORKSPACE,
    PRICE_NAME,
    {.flag = "at", .value = "TIME", .help = "day or time in UTC; default now, never earlier", .also = "starts"},
};
static const struct option_row price_history_options[] = {
    {.flag = "workspace", .value = "WORKSPACE", .help = "only what counts for this workspace, by name or id"},
    {.flag = "limit", .value = "N", .help = "this many at most", .fallback = "50"},
};
static const struct option_row promo_add_options[] = {
    ONE_WORKSPACE,
    {.flag = "name",
     .value = "NAME",
     .help = "name, different from all others, such as black-friday",
     .required = true},
    {.flag = "kind",
     .value = "KIND",
     .help = "what is taken off the first charge: percent or an amount of all of it, the year of free_domains, or the"
             " first_month",
     .words = promotion_kinds,
     .required = true},
    {.flag = "value",
     .value = "VALUE",
     .help =
         "percent from 1 to 100, US dollars such as 5.00, or how many free domains a workspace gets over all orders"},
    {.flag = "starts", .value = "TIME", .help = "day or time in UTC from which it counts; default now, never earlier"},
    {.flag = "ends", .value = "TIME", .help = "day or time in UTC from which it counts no more; default never"},
    {.flag = "orders", .value = "N", .help = "at most so many orders of all workspaces together; default any number"},
    {.flag = "orders-each", .value = "N", .help = "at most so many orders of each workspace; default any number"},
};
static const struct option_row promo_list_options[] = {
    {.flag = "all", .help = "also those that have ended"},
};
static const struct option_row promo_end_options[] = {
    {.flag = "name", .value = "NAME", .help = "which promotion, from `dfyd promo list`", .required = true},
    {.flag = "at", .value = "TIME", .help = "day or time in UTC; default now, never earlier"},
};
#define ENTRY_HELP "a word, such as acme (=acme counts only alone between hyphens), or a domain in full"
#define ENTRY                                                                                                          \
    { .flag = "entry", .value = "ENTRY", .help = ENTRY_HELP, .required = true }
static const struct option_row restrict_add_options[] = {ENTRY};
static const struct option_row restrict_options[] = {ONE_WORKSPACE, ENTRY};
static const struct option_row order_list_options[] = {
    {.flag = "stuck", .help = "only those with something unfinished, or failed and not given back"},
    {.flag = "limit", .value = "N", .help = "this many at most", .fallback = "50"},
};
static const struct option_row order_show_options[] = {
    {.flag = "id", .value = "ID", .help = "id of the order, from `dfyd order list`", .required = true},
};
static const struct option_row domain_list_options[] = {
    {.flag = "stuck", .help = "only those with something wrong, or something that is tried again"},
    {.flag = "limit", .value = "N", .help = "this many at most", .fallback = "50"},
};
static const struct option_row domain_options[] = {
    {.flag = "domain", .value = "DOMAIN", .help = "name of the domain", .required = true},
};
static const struct option_row refund_list_options[] = {
    {.flag = "stuck", .help = "only those that were refused or are tried again"},
    {.flag = "limit", .value = "N", .help = "this many at most", .fallback = "50"},
};
static const struct option_row refund_make_options[] = {
    {.flag = "order", .value = "ID", .help = "the order or renewal that took the money", .required = true},
    {.flag = "amount", .value = "DOLLARS", .help = "how much goes back, such as 4.50", .required = true},
    {.flag = "why", .value = "TEXT", .help = "for the customer; it stands on the credit note", .required = true},
};
static const struct option_row refund_retry_options[] = {
    {.flag = "id", .value = "ID", .help = "id of the refund, from `dfyd refund list --stuck`", .required = true},
};
static const struct option_row ledger_show_options[] = {
    {.flag = "account", .value = "ACCOUNT", .help = "only this one and those under it, such as cash"},
};
static const struct option_row money_list_options[] = {
    {.flag = "workspace", .value = "WORKSPACE", .help = "only of this workspace, by name or id"},
    {.flag = "limit", .value = "N", .help = "this many at most", .fallback = "50"},
};
#define INVOICE_NUMBER                                                                                                 \
    { .flag = "number", .value = "NUMBER", .help = "number of the invoice, from `dfyd invoice list`", .required = true }
static const struct option_row invoice_show_options[] = {
    INVOICE_NUMBER,
    {.flag = "page", .help = "as a page of HTML, to print on A4 or to send, instead of JSON"},
};
static const struct option_row invoice_pay_options[] = {
    INVOICE_NUMBER,
    {.flag = "note", .value = "TEXT", .help = "how it was paid, such as the bank's reference", .required = true},
};
static const struct option_row renewal_list_options[] = {
    {.flag = "stuck", .help = "only those that are not paid though they were tried"},
    {.flag = "limit", .value = "N", .help = "this many at most", .fallback = "50"},
};
static const struct option_row renewal_retry_options[] = {
    {.flag = "id", .value = "ID", .help = "id of the renewal, from `dfyd renewal list --stuck`", .required = true},
};
static const struct option_row backup_options[] = {
    {.flag = "to", .value = "FOLDER", .help = "made for it; must not be there yet", .required = true},
    {.flag = "without-key", .help = "leaves secret.key out, which opens the stored passwords: keep it elsewhere"},
};
static const struct option_row backup_check_options[] = {
    {.flag = "folder", .value = "FOLDER", .help = "a backup", .required = true},
};
static const struct option_row restore_options[] = {
    {.flag = "from", .value = "FOLDER", .help = "a backup", .required = true},
    {.flag = "key", .value = "FILE", .help = "the secret.key that was left out of the backup"},
    {.flag = "accept-differences", .help = "restores also books in which `ledger check` finds differences"},
};
static const struct option_row migrate_options[] = {
    {.flag = "from", .value = "sqlite:DIR", .help = "a data folder that nobody serves", .required = true},
    {.flag = "to", .value = "URL", .help = "an empty database: postgresql://USER@HOST[,HOST...]/NAME[?...]"},
    {.flag = "keep-source", .help = "a trial: the source may be served afterwards, as if nothing had been"},
    {.flag = "back", .help = "instead of --to: a source that was moved, or half moved, may be served again"},
};
static const struct option_row webhook_secret_options[] = {
    WORKSPACE,
    {.flag = "rotate", .help = "makes a new secret first; deliveries are signed with it from then on"},
};

const struct command commands[] = {
    {"serve", "Serves the API, and does the work that orders make, until SIGTERM.", run_serve, OPTIONS(serve_options),
     .serves = true},
    {"work", "Does the work that orders make, and serves nothing, until SIGTERM: beside `serve --no-worker`.", run_work,
     .serves = true},
    {"key create", "Makes an API key and prints only the key.", run_key_create, OPTIONS(key_create_options),
     .setup = SETUP_CREATE},
    {"key list", "Lists the API keys, without their secrets.", run_key_list, OPTIONS(key_list_options)},
    {"key revoke", "Makes an API key invalid at once.", run_key_revoke, OPTIONS(key_revoke_options), .bare = "id"},
    {"workspace create", "Makes a workspace and prints its id.", run_workspace_create,
     OPTIONS(workspace_create_options), .setup = SETUP_CREATE},
    {"workspace list", "Lists the workspaces.", run_workspace_list},
    {"workspace show", "Shows a workspace and its card.", run_workspace_show, OPTIONS(workspace_options),
     .bare = "workspace"},
    {"workspace plan", "Says whether a workspace's plan is active; without one it cannot order.", run_workspace_plan,
     OPTIONS(workspace_plan_options)},
    {"workspace credit", "Shows or sets how much a workspace may owe, and what it owes.", run_workspace_credit,
     OPTIONS(workspace_credit_options)},
    {"card set", "Sets the card that a workspace pays with, or lets it order on account.", run_card_set,
     OPTIONS(card_set_options), .setup = SETUP_CREATE | SETUP_DRIVERS},
    {"card show", "Shows the card that a workspace pays with.", run_card_show, OPTIONS(workspace_options)},
    {"card remove", "Takes a workspace's card away.", run_card_remove, OPTIONS(workspace_options)},
    {"clock show", "Shows the sandbox's time.", run_clock_show},
    {"clock advance", "Moves the sandbox's time on; whatever becomes due meanwhile is done at its time.",
     run_clock_advance, OPTIONS(clock_advance_options), .bare = "by", .setup = SETUP_DRIVERS},
    {"inventory add", "Puts a pre-warmed domain up for sale.", run_inventory_add, OPTIONS(inventory_add_options),
     .setup = SETUP_CREATE},
    {"inventory list", "Lists the pre-warmed domains.", run_inventory_list, OPTIONS(inventory_list_options)},
    {"inventory remove", "Takes an unsold pre-warmed domain off sale.", run_inventory_remove,
     OPTIONS(inventory_remove_options), .bare = "domain"},
    {"price add", "Sets a price, for everyone or for one workspace, now or from a later time on.", run_price_add,
     OPTIONS(price_add_options), .bare = "name", .also = "price set", .setup = SETUP_CREATE},
    {"price list", "Lists the prices as they are, now or at another time.", run_price_list,
     OPTIONS(price_list_options)},
    {"price history", "Lists all that was said about prices, and what is planned, latest start first.",
     run_price_history, OPTIONS(price_history_options)},
    {"price end", "Ends a price that was added, now or at a later time: what counted without it counts again.",
     run_price_end, OPTIONS(price_end_options), .bare = "name", .also = "price unset"},
    {"promo add", "Takes something off orders for a while: a promotion, for everyone or for one workspace.",
     run_promo_add, OPTIONS(promo_add_options), .bare = "name", .setup = SETUP_CREATE},
    {"promo list", "Lists the promotions, newest first, and how many orders used each.", run_promo_list,
     OPTIONS(promo_list_options)},
    {"promo end", "Ends a promotion, now or at a later time; placed orders keep what they got.", run_promo_end,
     OPTIONS(promo_end_options), .bare = "name"},
    {"refund list", "Lists the refunds, newest first.", run_refund_list, OPTIONS(refund_list_options)},
    {"refund make", "Gives back a part of what an order or renewal took, and prints the refund's id.", run_refund_make,
     OPTIONS(refund_make_options)},
    {"refund retry", "Tries a refund again that the payment provider refused.", run_refund_retry,
     OPTIONS(refund_retry_options), .bare = "id"},
    {"renewal list", "Lists the renewals, newest first.", run_renewal_list, OPTIONS(renewal_list_options)},
    {"renewal retry", "Tries a renewal that is not paid at once; its schedule stays as it is.", run_renewal_retry,
     OPTIONS(renewal_retry_options), .bare = "id"},
    {"restrict add", "Forbids new domains with a word in them, or one domain.", run_restrict_add,
     OPTIONS(restrict_add_options), .bare = "entry", .setup = SETUP_CREATE},
    {"restrict allow", "Allows a restricted word or domain, for everyone or for the holder of the mark.",
     run_restrict_allow, OPTIONS(restrict_options), .bare = "entry", .setup = SETUP_CREATE},
    {"restrict remove", "Takes back what `restrict add` or `restrict allow` said.", run_restrict_remove,
     OPTIONS(restrict_options), .bare = "entry"},
    {"restrict list", "Lists what was added and allowed.", run_restrict_list},
    {"node list", "Lists the processes that serve or work on the database, and whether they live.", run_node_list},
    {"openapi", "Prints the description of the API, OpenAPI 3.1 in JSON.", run_openapi, .alone = true},
    {"order list", "Lists the orders, newest first.", run_order_list, OPTIONS(order_list_options)},
    {"order show", "Shows an order: its money, its domains and each of its steps.", run_order_show,
     OPTIONS(order_show_options), .bare = "id"},
    {"domain list", "Lists the domains, newest first.", run_domain_list, OPTIONS(domain_list_options)},
    {"domain show", "Shows a domain: its mailboxes, its keys, and what the last check found.", run_domain_show,
     OPTIONS(domain_options), .bare = "domain"},
    {"domain check", "Checks a domain now: its records, and each mailbox as its owner would use it.", run_domain_check,
     OPTIONS(domain_options), .bare = "domain", .setup = SETUP_DRIVERS | SETUP_VAULT},
    {"domain publish",
     "Publishes the DNS records of all domains in use anew, after a setting that stands in them has changed.",
     run_domain_publish},
    {"domain repair", "Publishes a domain's DNS records as they are wanted, over what was changed by hand.",
     run_domain_repair, OPTIONS(domain_options), .bare = "domain"},
    {"domain rotate-dkim", "Gives a domain a new DKIM key, without a moment in which mail cannot be verified.",
     run_domain_rotate_dkim, OPTIONS(domain_options), .bare = "domain"},
    {"payment list", "Lists charges and refunds, newest first, also those that failed.", run_payment_list,
     OPTIONS(money_list_options)},
    {"invoice list", "Lists invoices and credit notes, newest first.", run_invoice_list, OPTIONS(money_list_options)},
    {"invoice show", "Prints an invoice as it was issued, in JSON or as a page.", run_invoice_show,
     OPTIONS(invoice_show_options), .bare = "number"},
    {"invoice pay", "Writes down that an invoice on account was paid.", run_invoice_pay, OPTIONS(invoice_pay_options),
     .bare = "number"},
    {"ledger check", "Proves the books and compares them with those of the payment drivers.", run_ledger_check,
     .setup = SETUP_DRIVERS | SETUP_LONG},
    {"ledger show", "Shows what each account of the ledger holds.", run_ledger_show, OPTIONS(ledger_show_options)},
    {"webhook list", "Lists the webhooks, what waits for each and why.", run_webhook_list, OPTIONS(workspace_options)},
    {"webhook secret", "Prints what a workspace's webhook deliveries are signed with.", run_webhook_secret,
     OPTIONS(webhook_secret_options), .setup = SETUP_CREATE | SETUP_VAULT},
    {"backup check", "Proves that a backup is whole.", run_backup_check, OPTIONS(backup_check_options),
     .bare = "folder", .alone = true},
    {"backup", "Copies a data folder, also while it is served: all of it as it stood at one moment.", run_backup,
     OPTIONS(backup_options), .bare = "to", .by_itself = true},
    {"migrate", "Moves a business from SQLite to PostgreSQL, and proves the copy; can be run again.", run_migrate,
     OPTIONS(migrate_options), .by_itself = true, .data_in = "from"},
    {"restore", "Makes a data folder from a backup, and proves it.", run_restore, OPTIONS(restore_options),
     .bare = "from", .by_itself = true},
};
const size_t n_commands = ARRAY_LEN(commands);

int main(int argc, char **argv) {
    umask(S_IRWXG | S_IRWXO); /* whatever is made holds passwords or orders */
    if (sodium_init() < 0) {
        fputs("dfyd: the system gives no random numbers\n", stderr);
        return 1;
    }
    return command_main(argc, argv);
}
