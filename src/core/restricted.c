#include "core/restricted.h"

#include <string.h>

#include "base/arena.h"
#include "core/name.h"

/* data/, made part of the program by the build. */
extern const char data_restricted_keywords[];
extern const size_t data_restricted_keywords_size;
extern const char data_blocked_domains[];
extern const size_t data_blocked_domains_size;

enum { LETTERS = 36, LONG_KEYWORD = 6 };

/*
 * Long keywords, all searched in one pass over the label (Aho and Corasick, 1975): a node is what was read so far as
 * far as some keyword starts with it, and next is complete, so that each letter costs one look.
 */
struct node {
    uint32_t next[LETTERS];
    struct str keyword; /* the longest that ends here; empty for none */
};

/* Open addressing; a slot with empty text is free. Its keys come from the operator, never from a client. */
struct set {
    struct str *slots;
    size_t mask;
};

struct restricted {
    struct arena *arena; /* holds this struct too */
    struct node *nodes;  /* 0 is the root */
    struct set words;    /* short keywords */
    struct set domains;
};

static struct str *set_slot(const struct set *set, struct str key) {
    size_t at = (size_t)str_hash(key) & set->mask;
    while (set->slots[at].n && !str_eq(set->slots[at], key)) at = (at + 1) & set->mask;
    return &set->slots[at];
}

static struct set set_create(size_t count, struct arena *arena) {
    size_t size = 8;
    while (size < count * 2) size *= 2;
    return (struct set){.slots = ARENA_ARRAY(arena, size, struct str), .mask = size - 1};
}

static int letter_index(char c) {
    if (c >= 'a' && c <= 'z') return c - 'a';
    if (c >= '0' && c <= '9') return 26 + (c - '0');
    return -1;
}

/* The next entry of TEXT, without comment and outer white space; false at the end. */
static bool next_entry(struct str *text, struct str *ret) {
    while (text->n) {
        struct str line = str_cut(*text, '\n', text), comment;
        *ret = str_trim(str_cut(line, '#', &comment));
        if (ret->n) return true;
    }
    return false;
}

/* How many entries TEXT has; *ret_bytes: what they hold together. */
static size_t count_entries(struct str text, size_t *ret_bytes) {
    struct str entry;
    size_t n = 0;
    *ret_bytes = 0;
    while (next_entry(&text, &entry)) n++, *ret_bytes += entry.n;
    return n;
}

/* Lower case; of a keyword only its letters and digits. */
static struct str clean(struct str entry, bool is_keyword, struct arena *arena) {
    char *to = arena_alloc(arena, entry.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < entry.n; i++) {
        char c = entry.p[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        if (!is_keyword || letter_index(c) >= 0) to[n++] = c;
    }
    return (struct str){to, n};
}

static void add_long(struct node *nodes, uint32_t *n_nodes, struct str keyword) {
    uint32_t at = 0;
    for (size_t i = 0; i < keyword.n; i++) {
        uint32_t *next = &nodes[at].next[letter_index(keyword.p[i])];
        if (!*next) *next = (*n_nodes)++;
        at = *next;
    }
    nodes[at].keyword = keyword;
}

/* Turns the tree into the machine, breadth first: a missing letter goes where the longest proper suffix would go. */
static void connect(struct node *nodes, uint32_t n_nodes, struct arena *arena) {
    uint32_t *queue = ARENA_ARRAY(arena, n_nodes, uint32_t), *suffix = ARENA_ARRAY(arena, n_nodes, uint32_t);
    size_t head = 0, tail = 1; /* the root is first; as a child, 0 means "none" */
    while (head < tail) {
        uint32_t at = queue[head++];
        if (!nodes[at].keyword.n) nodes[at].keyword = nodes[suffix[at]].keyword;
        for (int c = 0; c < LETTERS; c++) {
            uint32_t child = nodes[at].next[c], fallback = at ? nodes[suffix[at]].next[c] : 0;
            if (child) {
                suffix[child] = fallback;
                queue[tail++] = child;
            } else {
                nodes[at].next[c] = fallback;
            }
        }
    }
}

struct restricted *restricted_create(struct str keywords, struct str domains) {
    struct arena *arena = arena_create(64 * (size_t)1024);
    struct restricted *restricted = ARENA_NEW(arena, struct restricted);
    restricted->arena = arena;
    size_t bytes;
    restricted->domains = set_create(count_entries(domains, &bytes), arena);
    restricted->words = set_create(count_entries(keywords, &bytes), arena);
    restricted->nodes = ARENA_ARRAY(arena, bytes + 1, struct node);

    struct str entry;
    uint32_t n_nodes = 1;
    while (next_entry(&keywords, &entry)) {
        struct str keyword = clean(entry, true, arena);
        if (keyword.n >= LONG_KEYWORD)
            add_long(restricted->nodes, &n_nodes, keyword);
        else if (keyword.n)
            *set_slot(&restricted->words, keyword) = keyword;
    }
    connect(restricted->nodes, n_nodes, arena);
    while (next_entry(&domains, &entry)) {
        struct str domain = clean(entry, false, arena);
        *set_slot(&restricted->domains, domain) = domain;
    }
    return restricted;
}

void restricted_destroy(struct restricted *restricted) {
    if (restricted) arena_destroy(restricted->arena);
}

struct restricted *restricted_create_default(void) {
    return restricted_create((struct str){data_restricted_keywords, data_restricted_keywords_size},
                             (struct str){data_blocked_domains, data_blocked_domains_size});
}

/* The letters that people see of a label: of an A-label only its ASCII letters, not the code after the last hyphen. */
static struct str visible(struct str label) {
    if (!str_starts(label, "xn--")) return label;
    size_t end = label.n;
    while (end > 4 && label.p[end - 1] != '-') end--;
    return (struct str){label.p + 4, end > 4 ? end - 5 : 0};
}

bool restricted_match(const struct restricted *restricted, struct str name, struct str *ret_keyword) {
    struct str label = visible(name_label(name));
    uint32_t at = 0;
    for (size_t i = 0; i < label.n; i++) {
        int c = letter_index(label.p[i]);
        if (c < 0) continue; /* hyphens do not count */
        at = restricted->nodes[at].next[c];
        if (restricted->nodes[at].keyword.n) {
            *ret_keyword = restricted->nodes[at].keyword;
            return true;
        }
    }
    while (label.n) {
        struct str word = str_cut(label, '-', &label);
        if (!word.n || word.n >= LONG_KEYWORD) continue;
        const struct str *found = set_slot(&restricted->words, word);
        if (!found->n) continue;
        *ret_keyword = *found;
        return true;
    }
    if (!set_slot(&restricted->domains, name)->n) return false;
    *ret_keyword = STR("");
    return true;
}
