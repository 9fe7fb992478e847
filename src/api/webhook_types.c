#include "api/webhook_types.h"

const struct webhook_type webhook_types[] = {
    {"all_events", "All events", "all"},
    {"dfy_order_placed", "Order placed", "dfy"},
    {"dfy_domain_ready", "Domain ready", "dfy"},
    {"dfy_domain_failed", "Domain failed", "dfy"},
    {"dfy_domain_swapped", "Domain swapped", "dfy"},
    {"dfy_domain_drifted", "Domain drifted", "dfy"},
    {"dfy_domain_restored", "Domain restored", "dfy"},
    {"dfy_account_ready", "Email account ready", "dfy"},
    {"dfy_account_failed", "Email account failed", "dfy"},
    {"dfy_account_cancelled", "Email account cancelled", "dfy"},
    {"dfy_renewal_succeeded", "Renewal succeeded", "dfy"},
    {"dfy_renewal_failed", "Renewal failed", "dfy"},
    {"email_sent", "Email sent", "email"},
    {"email_opened", "Email opened", "email"},
    {"email_link_clicked", "Email link clicked", "email"},
    {"reply_received", "Reply received", "email"},
    {"email_bounced", "Email bounced", "email"},
    {"lead_unsubscribed", "Lead unsubscribed", "lead"},
    {"campaign_completed", "Campaign completed", "campaign"},
    {"account_error", "Account error", "account"},
    {"lead_neutral", "Lead neutral", "lead"},
    {"lead_interested", "Lead interested", "lead"},
    {"lead_not_interested", "Lead not interested", "lead"},
    {"lead_meeting_booked", "Lead meeting booked", "lead"},
    {"lead_meeting_completed", "Lead meeting completed", "lead"},
    {"lead_closed", "Lead closed", "lead"},
    {"lead_out_of_office", "Lead out of office", "lead"},
    {"lead_wrong_person", "Lead wrong person", "lead"},
    {"lead_no_show", "Lead no show", "lead"},
    {"supersearch_enrichment_completed", "Enrichment completed", "enrichment"},
};
const size_t n_webhook_types = ARRAY_LEN(webhook_types);

const char *webhook_type_fault(struct str id) {
    for (size_t i = 0; i < n_webhook_types; i++)
        if (str_is(id, webhook_types[i].id)) return NULL;
    return "must be equal to one of the allowed values";
}
