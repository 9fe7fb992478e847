#include "api/step_json.h"

#include "api/member.h"

static void add_step(struct buf *out, const struct step *step) {
    bool is_waiting = step->state == STEP_DUE || step->state == STEP_RETRYING;
    BUF_LIT(out, "{\"kind\":");
    buf_add_json(out, str_of(step_kind_names[step->kind]));
    member_text(out, "email", step->email);
    member_text(out, "state", str_of(step_state_names[step->state]));
    BUF_LIT(out, ",\"attempts\":");
    buf_add_int(out, step->attempts);
    member_text(out, "reason", step->reason);
    member_time(out, "timestamp_next_try", is_waiting ? step->due_ms : 0);
    BUF_LIT(out, "}");
}

void step_json_list(struct buf *out, const struct step *steps, size_t n) {
    BUF_LIT(out, "[");
    for (size_t i = 0; i < n; i++) {
        if (i) buf_add_byte(out, ',');
        add_step(out, &steps[i]);
    }
    BUF_LIT(out, "]");
}
