/* fuzz_json: any text in an answer and in the log. A JSON parser must read back exactly what was written. */
#include <stdlib.h>
#include <yyjson.h>

#include "api/utf8.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    text.n = utf8_valid_bytes(text);
    struct buf out;
    buf_init(&out, 1 << 20);
    buf_add_byte(&out, '[');
    buf_add_json(&out, text);
    buf_add_byte(&out, ']');
    must(buf_ok(&out));
    yyjson_doc *doc = yyjson_read(out.p, out.n, 0);
    must(doc != NULL);
    yyjson_val *back = yyjson_arr_get_first(yyjson_doc_get_root(doc));
    must(str_eq((struct str){yyjson_get_str(back), yyjson_get_len(back)}, text));
    yyjson_doc_free(doc);
    buf_finish(&out);
    return 0;
}
