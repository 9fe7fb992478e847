#include "driver/dns/nameservers.h"

#include "core/name.h"

/* False: a word is no host name, or there are too many. */
static bool read_names(const char *text, struct arena *arena, struct str *names, size_t *ret_n) {
    size_t n = 0, at = 0;
    struct str all = str_of(text);
    while (at < all.n) {
        size_t end = at;
        while (end < all.n && !strchr(", \t", all.p[end])) end++;
        struct str word = {all.p + at, end - at};
        at = end + 1;
        if (!word.n) continue;
        if (word.p[word.n - 1] == '.') word.n--;
        if (n == NAMESERVERS_MAX || !name_host(word, arena, &names[n])) return false;
        n++;
    }
    *ret_n = n;
    return true;
}

const char *nameservers_fault(const char *text) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct str names[NAMESERVERS_MAX];
    size_t n;
    if (!read_names(text, arena, names, &n))
        return "dns_nameservers must be at most 13 host names, such as ns1.example.net,ns2.example.net";
    if (!n)
        return "dns_nameservers is missing: say the host names that domains are delegated to, such as "
               "ns1.example.net,ns2.example.net";
    return NULL;
}

void nameservers_read(const char *text, struct arena *arena, struct str **ret, size_t *ret_n) {
    *ret = ARENA_ARRAY(arena, NAMESERVERS_MAX, struct str);
    if (!read_names(text, arena, *ret, ret_n)) *ret_n = 0;
}
