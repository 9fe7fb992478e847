#include "driver/payment/stripe/form.h"

#include <stdio.h>

void form_init(struct form *form) {
    buf_init(&form->text, FORM_MAX_BYTES);
}

void form_finish(struct form *form) {
    buf_finish(&form->text);
}

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

static void add(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        if (is_plain(text.p[i]))
            buf_add_byte(out, text.p[i]);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)text.p[i]);
    }
}

void form_text(struct form *form, const char *name, struct str value) {
    if (form->text.n) buf_add_byte(&form->text, '&');
    add(&form->text, str_of(name));
    buf_add_byte(&form->text, '=');
    add(&form->text, value);
}

void form_int(struct form *form, const char *name, int64_t value) {
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    form_text(form, name, str_of(digits));
}

struct str form_str(const struct form *form) {
    return buf_ok(&form->text) ? buf_str(&form->text) : STR("");
}
