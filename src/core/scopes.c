#include "core/scopes.h"

#define SCOPES(resource) resource ":all", resource ":create", resource ":read", resource ":update", resource ":delete"

/* clang-format off */
const char *const scope_words[] = {
    SCOPES("all"), SCOPES("ai_agents"), SCOPES("api_keys"), SCOPES("audit_logs"), SCOPES("custom_prompt_templates"),
    SCOPES("account_campaign_mappings"), SCOPES("campaigns"), SCOPES("inbox_placement_tests"),
    SCOPES("inbox_placement_analytics"), SCOPES("inbox_placement_reports"), SCOPES("lead_lists"), SCOPES("leads"),
    SCOPES("background-jobs"), SCOPES("custom_tags"), SCOPES("custom_tag_mappings"), SCOPES("crm_actions"),
    SCOPES("accounts"), SCOPES("block_list_entries"), SCOPES("lead-labels"),
    "email_verifications:all", "email_verifications:create", "email_verifications:read",
    SCOPES("emails"), SCOPES("email_templates"), SCOPES("workspaces"), SCOPES("workspace_billing"),
    SCOPES("workspace_group_members"), SCOPES("workspace_members"), SCOPES("subsequences"), SCOPES("ai_sdr"),
    SCOPES("ai_sdr_replies"), SCOPES("ai_inbox_manager_analytics"), SCOPES("sales_flows"), SCOPES("webhooks"),
    SCOPES("webhook_events"), SCOPES("security_tokens"), SCOPES("dfy_email_account_orders"), SCOPES("auth"),
    NULL,
};
/* clang-format on */

bool scope_is_known(struct str scope) {
    for (size_t i = 0; scope_words[i]; i++)
        if (str_is(scope, scope_words[i])) return true;
    return false;
}

static bool covers(struct str held, struct str wanted) {
    return str_is(held, "all") || str_eq(held, wanted);
}

bool scopes_allow(struct str scopes, struct str resource, struct str action) {
    while (scopes.n) {
        struct str held_action, held_resource = str_cut(str_cut(scopes, ' ', &scopes), ':', &held_action);
        if (covers(held_resource, resource) && covers(held_action, action)) return true;
    }
    return false;
}
