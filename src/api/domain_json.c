#include "api/domain_json.h"

#include "api/member.h"

/* NULL when it is not known. */
static void add_values(struct buf *out, const char *name, const struct rrset *set, bool is_known, struct arena *arena) {
    buf_printf(out, ",\"%s\":", name);
    if (!is_known) {
        BUF_LIT(out, "null");
        return;
    }
    BUF_LIT(out, "[");
    for (size_t i = 0; i < set->n_data; i++) {
        if (i) BUF_LIT(out, ",");
        buf_add_json(out, rrset_printable(set->data[i], arena));
    }
    BUF_LIT(out, "]");
}

static void add_ttl(struct buf *out, const char *name, const struct rrset *set) {
    if (set->n_data)
        buf_printf(out, ",\"%s\":%d", name, set->ttl);
    else
        buf_printf(out, ",\"%s\":null", name);
}

static void add_line(struct buf *out, enum zone_part part, const struct zone_report_line *line, struct arena *arena) {
    BUF_LIT(out, "{\"name\":");
    buf_add_json(out, line->wanted.name);
    member_text(out, "type", str_of(line->wanted.type));
    member_text(out, "part", str_of(zone_part_names[part]));
    member_text(out, "state", str_of(zone_state_names[line->state]));
    member_text(out, "reason", line->reason);
    add_values(out, "wanted", &line->wanted, true, arena);
    add_ttl(out, "wanted_ttl", &line->wanted);
    add_values(out, "published", &line->served, line->is_served_known, arena);
    add_ttl(out, "published_ttl", &line->served);
    add_values(out, "seen", &line->seen, line->is_seen_known, arena);
    BUF_LIT(out, "}");
}

void records_json(struct buf *out, const struct zone_report reports[ZONE_PART_END], struct arena *arena) {
    const char *separator = "";
    BUF_LIT(out, "[");
    for (int part = 0; part < ZONE_PART_END; part++)
        for (size_t i = 0; i < reports[part].n; i++) {
            buf_printf(out, "%s", separator);
            separator = ",";
            add_line(out, (enum zone_part)part, &reports[part].lines[i], arena);
        }
    BUF_LIT(out, "]");
}

void findings_json(struct buf *out, const struct finding *findings, size_t n) {
    BUF_LIT(out, "[");
    for (size_t i = 0; i < n; i++) {
        if (i) buf_add_byte(out, ',');
        BUF_LIT(out, "{\"kind\":");
        buf_add_json(out, str_of(finding_kind_names[findings[i].kind]));
        member_text(out, "subject", findings[i].subject);
        member_text(out, "wanted", findings[i].wanted);
        member_text(out, "seen", findings[i].seen);
        member_text(out, "mend", findings[i].mend);
        BUF_LIT(out, "}");
    }
    BUF_LIT(out, "]");
}
