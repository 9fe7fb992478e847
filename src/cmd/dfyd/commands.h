/* commands: what each command runs; main.c has their rows. */
#pragma once

#include "command.h"

bool run_serve(const struct invocation *invocation, struct error *reterr);
bool run_work(const struct invocation *invocation, struct error *reterr);

bool run_backup(const struct invocation *invocation, struct error *reterr);
bool run_backup_check(const struct invocation *invocation, struct error *reterr);
bool run_migrate(const struct invocation *invocation, struct error *reterr);
bool run_restore(const struct invocation *invocation, struct error *reterr);

bool run_key_create(const struct invocation *invocation, struct error *reterr);
bool run_key_list(const struct invocation *invocation, struct error *reterr);
bool run_key_revoke(const struct invocation *invocation, struct error *reterr);

bool run_workspace_create(const struct invocation *invocation, struct error *reterr);
bool run_workspace_list(const struct invocation *invocation, struct error *reterr);
bool run_workspace_show(const struct invocation *invocation, struct error *reterr);
bool run_workspace_plan(const struct invocation *invocation, struct error *reterr);
bool run_workspace_credit(const struct invocation *invocation, struct error *reterr);

bool run_card_set(const struct invocation *invocation, struct error *reterr);
bool run_card_show(const struct invocation *invocation, struct error *reterr);
bool run_card_remove(const struct invocation *invocation, struct error *reterr);

bool run_clock_show(const struct invocation *invocation, struct error *reterr);
bool run_clock_advance(const struct invocation *invocation, struct error *reterr);

bool run_inventory_add(const struct invocation *invocation, struct error *reterr);
bool run_inventory_list(const struct invocation *invocation, struct error *reterr);
bool run_inventory_remove(const struct invocation *invocation, struct error *reterr);

bool run_price_list(const struct invocation *invocation, struct error *reterr);
bool run_price_add(const struct invocation *invocation, struct error *reterr);
bool run_price_end(const struct invocation *invocation, struct error *reterr);
bool run_price_history(const struct invocation *invocation, struct error *reterr);

bool run_promo_add(const struct invocation *invocation, struct error *reterr);
bool run_promo_list(const struct invocation *invocation, struct error *reterr);
bool run_promo_end(const struct invocation *invocation, struct error *reterr);

bool run_refund_list(const struct invocation *invocation, struct error *reterr);
bool run_refund_make(const struct invocation *invocation, struct error *reterr);
bool run_refund_retry(const struct invocation *invocation, struct error *reterr);

bool run_renewal_list(const struct invocation *invocation, struct error *reterr);
bool run_renewal_retry(const struct invocation *invocation, struct error *reterr);

bool run_restrict_add(const struct invocation *invocation, struct error *reterr);
bool run_restrict_allow(const struct invocation *invocation, struct error *reterr);
bool run_restrict_remove(const struct invocation *invocation, struct error *reterr);
bool run_restrict_list(const struct invocation *invocation, struct error *reterr);

bool run_node_list(const struct invocation *invocation, struct error *reterr);

bool run_openapi(const struct invocation *invocation, struct error *reterr);

bool run_order_list(const struct invocation *invocation, struct error *reterr);
bool run_order_show(const struct invocation *invocation, struct error *reterr);

bool run_domain_list(const struct invocation *invocation, struct error *reterr);
bool run_domain_show(const struct invocation *invocation, struct error *reterr);
bool run_domain_check(const struct invocation *invocation, struct error *reterr);
bool run_domain_rotate_dkim(const struct invocation *invocation, struct error *reterr);
bool run_domain_publish(const struct invocation *invocation, struct error *reterr);
bool run_domain_repair(const struct invocation *invocation, struct error *reterr);

bool run_webhook_list(const struct invocation *invocation, struct error *reterr);
bool run_webhook_secret(const struct invocation *invocation, struct error *reterr);

bool run_ledger_check(const struct invocation *invocation, struct error *reterr);
bool run_ledger_show(const struct invocation *invocation, struct error *reterr);

bool run_invoice_list(const struct invocation *invocation, struct error *reterr);
bool run_invoice_show(const struct invocation *invocation, struct error *reterr);
bool run_invoice_pay(const struct invocation *invocation, struct error *reterr);

bool run_payment_list(const struct invocation *invocation, struct error *reterr);
