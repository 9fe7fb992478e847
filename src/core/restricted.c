#include "core/restricted.h"

#include <string.h>

#include "core/name.h"
#include "core/skeleton.h"

/* data/, made part of the program by the build. */
extern const char data_restricted_keywords[], data_blocked_domains[], data_allowed_names[], data_lookalikes[];
extern const size_t data_restricted_keywords_size, data_blocked_domains_size, data_allowed_names_size,
    data_lookalikes_size;

enum { LONG_KEYWORD = 6, FIRST_NODES = 1024, FIRST_PAIRS = 64 };

/* What ends in a state of the machine. */
struct end {
    struct str keyword; /* the longest that ends here; empty for none */
    struct str allowed; /* the longest allowed word that ends here; empty for none */
    uint8_t n;          /* letters of the keyword here: a look-alike of two letters makes it longer */
};

struct pair {
    struct str key, value;
};

/* Open addressing; a slot with empty key is free. Its keys come from the operator, never from a client. */
struct map {
    struct pair *slots;
    size_t mask;
};

/* An entry that only one workspace may have. */
struct own {
    struct str workspace_id;
    struct str domain, word; /* one of them is empty */
};

/*
 * Long keywords and allowed words, all searched in one pass over the label (Aho and Corasick, 1975): a state is what
 * was read so far as far as some word starts with it. next is complete, so that each letter costs one look.
 */
struct restricted {
    struct arena *arena; /* holds this struct too */
    struct lookalikes *lookalikes;
    uint32_t *next; /* [state * width + class]; state 0 is the root */
    struct end *ends;
    size_t width;
    struct map words; /* those that count alone -> the keyword */
    size_t longest_word;
    struct map domains, allowed_domains;
    struct own *own;
    size_t n_own;
};

/* ---- reading the lists ---- */

/* The next entry of TEXT, without comment and outer white space; false at the end. */
static bool next_entry(struct str *text, struct str *ret) {
    while (text->n) {
        struct str line = str_cut(*text, '\n', text), comment;
        *ret = str_trim(str_cut(line, '#', &comment));
        if (ret->n) return true;
    }
    return false;
}

static bool is_domain(struct str entry) {
    return str_contains(entry, ".");
}

static char lower_of(char c) {
    if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
    return c;
}

static bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Lower case; of a word only its letters and digits, and '=' in front. */
static struct str clean(struct str entry, struct arena *arena) {
    char *to = arena_alloc(arena, entry.n + 1);
    size_t n = 0;
    bool all = is_domain(entry);
    for (size_t i = 0; i < entry.n; i++) {
        char c = lower_of(entry.p[i]);
        if (all || is_letter_or_digit(c) || (c == '=' && i == 0)) to[n++] = c;
    }
    return (struct str){to, n};
}

/* ENTRY without the '=' in front. */
static struct str bare_word(struct str entry) {
    return str_starts(entry, "=") ? (struct str){entry.p + 1, entry.n - 1} : entry;
}

/* ---- pairs, then maps ---- */

struct pairs {
    struct pair *at;
    size_t n, cap;
};

static void pairs_add(struct pairs *pairs, struct str key, struct str value, struct arena *arena) {
    if (pairs->n == pairs->cap) {
        size_t cap = pairs->cap ? pairs->cap * 2 : FIRST_PAIRS;
        struct pair *at = ARENA_ARRAY(arena, cap, struct pair);
        if (pairs->n) memcpy(at, pairs->at, pairs->n * sizeof *at);
        pairs->at = at;
        pairs->cap = cap;
    }
    pairs->at[pairs->n++] = (struct pair){key, value};
}

static struct pair *map_slot(const struct map *map, struct str key) {
    size_t at = (size_t)str_hash(key) & map->mask;
    while (map->slots[at].key.n && !str_eq(map->slots[at].key, key)) at = (at + 1) & map->mask;
    return &map->slots[at];
}

/* Of equal keys the first counts. Texts are copied. */
static struct map map_create(const struct pairs *pairs, struct arena *arena) {
    size_t size = 8;
    while (size < pairs->n * 2) size *= 2;
    struct map map = {.slots = ARENA_ARRAY(arena, size, struct pair), .mask = size - 1};
    for (size_t i = 0; i < pairs->n; i++) {
        struct pair *slot = map_slot(&map, pairs->at[i].key);
        if (!slot->key.n)
            *slot = (struct pair){arena_str(arena, pairs->at[i].key), arena_str(arena, pairs->at[i].value)};
    }
    return map;
}

/* ---- building ---- */

struct builder {
    struct restricted *to;
    struct arena *scratch;
    uint32_t *next;
    struct end *ends;
    size_t n_nodes, cap;
    struct pairs said, words, domains, allowed_domains; /* said: the operator's entries */
    struct map said_map;
};

static uint32_t node_add(struct builder *b) {
    if (b->n_nodes == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : FIRST_NODES, width = b->to->width;
        uint32_t *next = ARENA_ARRAY(b->scratch, cap * width, uint32_t);
        struct end *ends = ARENA_ARRAY(b->scratch, cap, struct end);
        if (b->n_nodes) {
            memcpy(next, b->next, b->n_nodes * width * sizeof *next);
            memcpy(ends, b->ends, b->n_nodes * sizeof *ends);
        }
        b->next = next;
        b->ends = ends;
        b->cap = cap;
    }
    return (uint32_t)b->n_nodes++;
}

/* The state in which WORD has been read. */
static uint32_t node_of(struct builder *b, struct str word) {
    size_t width = b->to->width;
    uint32_t at = 0;
    for (size_t i = 0; i < word.n; i++) {
        size_t edge = at * width + lookalikes_class(b->to->lookalikes, word.p[i]);
        if (!b->next[edge]) {
            uint32_t node = node_add(b);
            b->next[edge] = node;
        }
        at = b->next[edge];
    }
    return at;
}

struct variant_of {
    struct builder *builder;
    struct str keyword;
};

static void add_long(void *arg, struct str variant) {
    const struct variant_of *v = arg;
    struct builder *b = v->builder;
    uint32_t node = node_of(b, variant);
    if (b->ends[node].keyword.n) return;
    b->ends[node].keyword = v->keyword;
    b->ends[node].n = (uint8_t)variant.n;
}

static void add_short(void *arg, struct str variant) {
    const struct variant_of *v = arg;
    struct builder *b = v->builder;
    pairs_add(&b->words, arena_str(b->scratch, variant), v->keyword, b->scratch);
    if (variant.n > b->to->longest_word) b->to->longest_word = variant.n;
}

static void restrict_entry(struct builder *b, struct str entry) {
    if (is_domain(entry)) {
        pairs_add(&b->domains, entry, STR(""), b->scratch);
        return;
    }
    struct str word = bare_word(entry);
    if (!word.n || word.n > LABEL_MAX_BYTES) return;
    struct variant_of v = {b, arena_str(b->to->arena, word)};
    bool is_long = word.n == entry.n && word.n >= LONG_KEYWORD;
    lookalikes_variants(b->to->lookalikes, word, !is_long, is_long ? add_long : add_short, &v);
}

static void allow_entry(struct builder *b, struct str entry) {
    struct str word = bare_word(entry);
    if (is_domain(entry)) {
        pairs_add(&b->allowed_domains, entry, STR(""), b->scratch);
    } else if (word.n && word.n <= LABEL_MAX_BYTES) {
        uint32_t node = node_of(b, word);
        if (!b->ends[node].allowed.n) b->ends[node].allowed = arena_str(b->to->arena, word);
    }
}

static void allow_for_one(struct builder *b, const struct restriction *r) {
    struct restricted *to = b->to;
    struct own *own = &to->own[to->n_own++];
    own->workspace_id = arena_str(to->arena, r->workspace_id);
    if (is_domain(r->entry))
        own->domain = arena_str(to->arena, r->entry);
    else
        own->word = arena_str(to->arena, bare_word(r->entry));
}

/* Whether the operator has spoken of ENTRY, for everyone. */
static bool is_said(const struct builder *b, struct str entry) {
    return map_slot(&b->said_map, bare_word(entry))->key.n > 0;
}

static void add_own(struct builder *b, const struct restricted_lists *lists) {
    b->to->own = ARENA_ARRAY(b->to->arena, lists->n_own, struct own);
    for (size_t i = 0; i < lists->n_own; i++) {
        const struct restriction *r = &lists->own[i];
        if (r->is_allowed && r->workspace_id.n) {
            allow_for_one(b, r);
            continue;
        }
        pairs_add(&b->said, bare_word(r->entry), STR(""), b->scratch);
        if (r->is_allowed)
            allow_entry(b, r->entry);
        else
            restrict_entry(b, r->entry);
    }
    b->said_map = map_create(&b->said, b->scratch);
}

static void add_list(struct builder *b, struct str list, void (*add)(struct builder *, struct str)) {
    struct str line;
    while (next_entry(&list, &line)) {
        struct str entry = clean(line, b->scratch);
        if (!is_said(b, entry)) add(b, entry);
    }
}

/* Turns the tree into the machine, breadth first: a missing letter goes where the longest proper suffix would go. */
static void connect(struct builder *b) {
    uint32_t *queue = ARENA_ARRAY(b->scratch, b->n_nodes, uint32_t),
             *suffix = ARENA_ARRAY(b->scratch, b->n_nodes, uint32_t);
    size_t head = 0, tail = 1, width = b->to->width; /* the root is first; as a child, 0 means "none" */
    while (head < tail) {
        uint32_t at = queue[head++];
        struct end *end = &b->ends[at];
        const struct end *shorter = &b->ends[suffix[at]];
        if (!end->keyword.n) end->keyword = shorter->keyword, end->n = shorter->n;
        if (!end->allowed.n) end->allowed = shorter->allowed;
        for (size_t c = 1; c < width; c++) { /* class 0 belongs to no word and leads to the root */
            uint32_t child = b->next[at * width + c], fallback = at ? b->next[suffix[at] * width + c] : 0;
            if (child) {
                suffix[child] = fallback;
                queue[tail++] = child;
            } else {
                b->next[at * width + c] = fallback;
            }
        }
    }
}

/* What is searched goes into memory of its own, packed. */
static void finish(struct builder *b) {
    struct restricted *to = b->to;
    size_t n = b->n_nodes, width = to->width;
    to->next = ARENA_ARRAY(to->arena, n * width, uint32_t);
    memcpy(to->next, b->next, n * width * sizeof *to->next);
    to->ends = ARENA_ARRAY(to->arena, n, struct end);
    memcpy(to->ends, b->ends, n * sizeof *to->ends);
    to->words = map_create(&b->words, to->arena);
    to->domains = map_create(&b->domains, to->arena);
    to->allowed_domains = map_create(&b->allowed_domains, to->arena);
}

struct restricted *restricted_create(const struct restricted_lists *lists) {
    struct arena *arena = arena_create(64 * (size_t)1024), *scratch = arena_create(64 * (size_t)1024);
    struct restricted *restricted = ARENA_NEW(arena, struct restricted);
    restricted->arena = arena;
    restricted->lookalikes = lookalikes_create(lists->lookalikes, arena);
    restricted->width = lookalikes_classes(restricted->lookalikes);

    struct builder b = {.to = restricted, .scratch = scratch};
    (void)node_add(&b);
    add_own(&b, lists);
    add_list(&b, lists->keywords, restrict_entry);
    add_list(&b, lists->domains, restrict_entry);
    add_list(&b, lists->allowed, allow_entry);
    connect(&b);
    finish(&b);
    arena_destroy(scratch);
    return restricted;
}

struct restricted *restricted_create_default(const struct restriction *own, size_t n_own) {
    return restricted_create(&(struct restricted_lists){
        .keywords = {data_restricted_keywords, data_restricted_keywords_size},
        .domains = {data_blocked_domains, data_blocked_domains_size},
        .allowed = {data_allowed_names, data_allowed_names_size},
        .lookalikes = {data_lookalikes, data_lookalikes_size},
        .own = own,
        .n_own = n_own,
    });
}

void restricted_destroy(struct restricted *restricted) {
    if (restricted) arena_destroy(restricted->arena);
}

/* ---- matching ---- */

struct search {
    const struct restricted *restricted;
    struct str workspace_id;
    struct skeleton label;
    uint32_t states[SKELETON_MAX]; /* after each letter */
};

/*
 * Whether WORD, allowed, stands in the label from AT on and holds its letters [FROM, TO). Letter by letter: "hotmall"
 * may be allowed without "hotmail". What stands alone is held by its equal only.
 */
static bool is_held(const struct search *s, struct str word, size_t at, size_t from, size_t to) {
    if (at > from || at + word.n < to || at + word.n > s->label.n) return false;
    bool stands_alone = s->label.edges[from] && s->label.edges[to];
    return (!stands_alone || word.n == to - from) && memcmp(s->label.raw + at, word.p, word.n) == 0;
}

static bool is_own_allowed(const struct search *s, size_t from, size_t to) {
    for (size_t i = 0; s->workspace_id.n && i < s->restricted->n_own; i++) {
        const struct own *own = &s->restricted->own[i];
        if (!own->word.n || !str_eq(own->workspace_id, s->workspace_id)) continue;
        for (size_t at = to > own->word.n ? to - own->word.n : 0; at <= from; at++)
            if (is_held(s, own->word, at, from, to)) return true;
    }
    return false;
}

/* Whether an allowed word holds the letters [FROM, TO) of the label. */
static bool is_allowed(const struct search *s, size_t from, size_t to) {
    if (is_own_allowed(s, from, to)) return true;
    for (size_t end = to; end <= s->label.n; end++) {
        struct str word = s->restricted->ends[s->states[end - 1]].allowed;
        if (word.n && is_held(s, word, end - word.n, from, to)) return true;
    }
    return false;
}

/* A number is a number, whatever its digits look like: 4505 is not "asos". */
static bool is_number(const struct search *s, size_t from, size_t to) {
    while (from < to && s->label.raw[from] >= '0' && s->label.raw[from] <= '9') from++;
    return from == to;
}

static bool find_long(const struct search *s, struct str *ret_keyword) {
    for (size_t i = 0; i < s->label.n; i++) {
        const struct end *end = &s->restricted->ends[s->states[i]];
        if (!end->keyword.n || is_number(s, i + 1 - end->n, i + 1) || is_allowed(s, i + 1 - end->n, i + 1)) continue;
        *ret_keyword = end->keyword;
        return true;
    }
    return false;
}

/* The keyword that the letters [FROM, TO) are, when they stand alone; NULL: none. */
static const struct str *word_at(const struct search *s, size_t from, size_t to) {
    size_t n = to - from;
    if (n > s->restricted->longest_word) return NULL;
    const char *raw = s->label.raw + from, *letters = s->label.letters + from;
    const struct pair *found = map_slot(&s->restricted->words, (struct str){raw, n});
    if (!found->key.n && memcmp(raw, letters, n) != 0 && !is_number(s, from, to))
        found = map_slot(&s->restricted->words, (struct str){letters, n});
    return found->key.n ? &found->value : NULL;
}

static bool find_word(const struct search *s, struct str *ret_keyword) {
    size_t from = 0;
    for (size_t to = 1; to <= s->label.n; to++) {
        if (!s->label.edges[to]) continue;
        const struct str *keyword = word_at(s, from, to);
        if (keyword && !is_allowed(s, from, to)) {
            *ret_keyword = *keyword;
            return true;
        }
        from = to;
    }
    return false;
}

/* Reads the label; whether a long keyword ends anywhere. */
static bool run_machine(struct search *s) {
    const struct restricted *r = s->restricted;
    uint32_t at = 0;
    bool found = false;
    for (size_t i = 0; i < s->label.n; i++) {
        at = r->next[at * r->width + s->label.classes[i]];
        s->states[i] = at;
        found |= r->ends[at].keyword.n > 0;
    }
    return found;
}

static bool is_domain_allowed(const struct restricted *r, struct str workspace_id, struct str name) {
    if (map_slot(&r->allowed_domains, name)->key.n) return true;
    for (size_t i = 0; workspace_id.n && i < r->n_own; i++)
        if (r->own[i].domain.n && str_eq(r->own[i].domain, name) && str_eq(r->own[i].workspace_id, workspace_id))
            return true;
    return false;
}

bool restricted_match(const struct restricted *restricted, struct str workspace_id, struct str name,
                      struct str *ret_keyword) {
    struct search s;
    s.restricted = restricted;
    s.workspace_id = workspace_id;
    skeleton_read(restricted->lookalikes, name_label(name), &s.label);
    struct str keyword = STR("");
    bool found = (run_machine(&s) && find_long(&s, &keyword)) || find_word(&s, &keyword) ||
                 map_slot(&restricted->domains, name)->key.n > 0;
    if (!found || is_domain_allowed(restricted, workspace_id, name)) return false;
    *ret_keyword = keyword;
    return true;
}

bool restriction_clean(struct str text, struct arena *arena, struct str *ret, struct error *reterr) {
    text = str_trim(text);
    if (is_domain(text)) {
        if (name_host(text, arena, ret)) return true;
        return error_set(reterr, ERR_INVALID, "\"%.*s\" is no domain name", STR_ARG(text));
    }
    bool is_plain = text.n > 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = lower_of(text.p[i]);
        if (!is_letter_or_digit(c) && c != '-' && !(c == '=' && i == 0)) is_plain = false;
    }
    struct str entry = clean(text, arena), word = bare_word(entry);
    if (!is_plain || word.n < 2 || word.n > LABEL_MAX_BYTES)
        return error_set(
            reterr, ERR_INVALID,
            "an entry is a word of 2 to %d letters and digits, such as acme, or a domain, such as acme.com;"
            " not \"%.*s\"",
            LABEL_MAX_BYTES, STR_ARG(text));
    *ret = entry;
    return true;
}
