#include "command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/utf8.h"
#include "base/macros.h"
#include "help.h"
#include "nearest.h"
#include "setup.h"
#include "text.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, ARENA_CHUNK = 16384 };
/* What getopt_long returns for a flag: FLAG_FIRST + its place in the flags of the command. */
enum { FLAG_FIRST = 256, NAMES_MAX = 96 };
enum { ROWS_MAX = 100000 };

static const struct option_row *option_by_flag(const struct command *command, const char *flag) {
    for (size_t i = 0; i < command->n_options; i++)
        if (!strcmp(command->options[i].flag, flag)) return &command->options[i];
    fprintf(stderr, "dfyd: bug: %s has no --%s\n", command->name, flag);
    abort();
}

static struct given *given_of(const struct invocation *invocation, const struct option_row *row) {
    return &invocation->given[row - invocation->command->options];
}

const char *invocation_value(const struct invocation *invocation, const char *flag) {
    const struct option_row *row = option_by_flag(invocation->command, flag);
    const struct given *given = given_of(invocation, row);
    return given->n ? given->values[given->n - 1] : row->fallback;
}

const char *const *invocation_values(const struct invocation *invocation, const char *flag, size_t *ret_n) {
    const struct given *given = given_of(invocation, option_by_flag(invocation->command, flag));
    *ret_n = given->n;
    return given->values;
}

bool invocation_has(const struct invocation *invocation, const char *flag) {
    return given_of(invocation, option_by_flag(invocation->command, flag))->n > 0;
}

bool invocation_limit(const struct invocation *invocation, size_t *ret, struct error *reterr) {
    const char *limit = invocation_value(invocation, "limit");
    int64_t max;
    if (!str_to_int(str_of(limit), 1, ROWS_MAX, &max))
        return error_set(reterr, ERR_INVALID, "--limit must be a whole number from 1 to %d, not \"%.40s\"", ROWS_MAX,
                         limit);
    *ret = (size_t)max;
    return true;
}

/* Prints the message without what the command line or a damaged file may have brought into it: control characters, and
 * bytes that are no UTF-8. */
static int complain(const struct error *error, int status) {
    fputs("dfyd: ", stderr);
    for (struct str rest = str_of(error->message); rest.n;) {
        size_t valid = utf8_valid_bytes(rest);
        for (size_t i = 0; i < valid; i++)
            fputc((unsigned char)rest.p[i] < ' ' || rest.p[i] == 0x7f ? '?' : rest.p[i], stderr);
        if (valid < rest.n) fputc('?', stderr), valid++;
        rest = (struct str){rest.p + valid, rest.n - valid};
    }
    fputc('\n', stderr);
    return status;
}

/* -- which command */

/* How many words of ARGV are NAME; 0 when they are another's. */
static int words_of(const char *name, int argc, char **argv) {
    struct str rest = str_of(name);
    int words = 0;
    while (rest.n) {
        if (words >= argc || !str_is(str_cut(rest, ' ', &rest), argv[words])) return 0;
        words++;
    }
    return words;
}

static const struct command *find_command(int argc, char **argv, int *ret_words) {
    for (size_t i = 0; i < n_commands; i++) {
        *ret_words = words_of(commands[i].name, argc, argv);
        if (!*ret_words && commands[i].also) *ret_words = words_of(commands[i].also, argc, argv);
        if (*ret_words) return &commands[i];
    }
    return NULL;
}

static bool is_group(const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i < n_commands; i++)
        if (!strncmp(commands[i].name, word, n) && commands[i].name[n] == ' ') return true;
    return false;
}

/* The first words of all commands, or the second ones of GROUP; texts from ARENA. */
static size_t command_words(const char *group, struct arena *arena, const char *words[NAMES_MAX]) {
    size_t n = 0;
    for (size_t i = 0; i < n_commands && n < NAMES_MAX; i++) {
        struct str second, first = str_cut(str_of(commands[i].name), ' ', &second);
        if (group && !str_is(first, group)) continue;
        words[n++] = arena_cstr(arena, group ? second : first);
    }
    return n;
}

static int no_such_command(int argc, char **argv, struct arena *arena) {
    const char *words[NAMES_MAX];
    struct error error;
    const char *group = is_group(argv[0]) ? argv[0] : NULL;
    size_t n = command_words(group, arena, words);
    if (group && argc < 2) {
        struct str choices = text_join(words, n, arena);
        error_set(&error, ERR_INVALID, "%s needs one of: %.*s", group, STR_ARG(choices));
        return complain(&error, EXIT_USAGE);
    }
    const char *wrong = group ? argv[1] : argv[0];
    const char *near = nearest_word(wrong, words, n);
    struct str name = group ? arena_printf(arena, "%s %s", group, wrong) : str_of(wrong);
    if (near)
        error_set(&error, ERR_INVALID, "there is no command \"%.*s\"; did you mean \"%s%s%s\"?", STR_ARG(name),
                  group ? group : "", group ? " " : "", near);
    else if (group) {
        struct str choices = text_join(words, n, arena);
        error_set(&error, ERR_INVALID, "there is no command \"%.*s\"; %s knows: %.*s", STR_ARG(name), group,
                  STR_ARG(choices));
    } else
        error_set(&error, ERR_INVALID, "there is no command \"%.*s\"; `dfyd --help` lists them", STR_ARG(name));
    return complain(&error, EXIT_USAGE);
}

/* -- its flags */

/* One flag of a command: an option of its own, a setting, or (both NULL) --help. */
struct flag {
    const char *name, *value;
    const struct option_row *option;
    const struct setting_row *setting;
};

struct reading {
    struct invocation *invocation;
    const char *settings[SETTING_END]; /* as flags */
    struct flag *flags;
    struct option *longs; /* the same for getopt_long, with an end */
    size_t n;
    bool help;
};

static void add_flag(struct reading *reading, struct flag flag) {
    reading->flags[reading->n] = flag;
    reading->longs[reading->n] = (struct option){
        .name = flag.name,
        .has_arg = flag.value ? required_argument : no_argument,
        .val = FLAG_FIRST + (int)reading->n,
    };
    reading->n++;
}

static void list_flags(struct reading *reading, const struct command *command, struct arena *arena) {
    size_t most = 2 * command->n_options + SETTING_END + 1;
    reading->flags = ARENA_ARRAY(arena, most, struct flag);
    reading->longs = ARENA_ARRAY(arena, most + 1, struct option);
    for (size_t i = 0; i < command->n_options; i++) {
        const struct option_row *row = &command->options[i];
        add_flag(reading, (struct flag){.name = row->flag, .value = row->value, .option = row});
        if (row->also) add_flag(reading, (struct flag){.name = row->also, .value = row->value, .option = row});
    }
    for (size_t i = 0; i < SETTING_END; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (help_has_setting(command, i))
            add_flag(reading, (struct flag){.name = row->flag, .value = row->value, .setting = row});
    }
    add_flag(reading, (struct flag){.name = "help"});
}

static bool unknown_flag(const struct reading *reading, const char *typed, struct error *reterr) {
    struct str name = str_of(typed), rest;
    name = str_cut(name, '=', &rest);
    struct arena *arena = reading->invocation->arena;
    const char **names = ARENA_ARRAY(arena, reading->n, const char *);
    for (size_t i = 0; i < reading->n; i++) names[i] = reading->flags[i].name;
    const char *bare = arena_cstr(arena, name);
    while (*bare == '-') bare++;
    const char *near = nearest_word(bare, names, reading->n);
    const char *command = reading->invocation->command->name;
    if (near)
        return error_set(reterr, ERR_INVALID, "%s has no flag %.*s; did you mean --%s?", command, STR_ARG(name), near);
    return error_set(reterr, ERR_INVALID, "%s has no flag %.*s; `dfyd %s --help` lists them", command, STR_ARG(name),
                     command);
}

static bool missing_value(const struct reading *reading, const struct flag *flag, struct error *reterr) {
    if (!flag->setting) return error_set(reterr, ERR_INVALID, "--%s needs a value: %s", flag->name, flag->value);
    struct str range = setting_range(flag->setting, reading->invocation->arena);
    return error_set(reterr, ERR_INVALID, "--%s needs a value: %.*s", flag->name, STR_ARG(range));
}

static bool add_option(const struct reading *reading, const struct option_row *row, const char *value,
                       struct error *reterr) {
    struct arena *arena = reading->invocation->arena;
    if (row->words) {
        size_t n = 0;
        while (row->words[n] && strcmp(row->words[n], value) != 0) n++;
        if (!row->words[n]) {
            struct str choices = text_join(row->words, n, arena);
            return error_set(reterr, ERR_INVALID, "--%s must be one of: %.*s; not \"%.60s\"", row->flag,
                             STR_ARG(choices), value);
        }
    }
    if (row->value && !value[0]) return error_set(reterr, ERR_INVALID, "--%s must not be empty", row->flag);
    struct given *given = given_of(reading->invocation, row);
    given->values[given->n++] = value;
    return true;
}

/* Whether the flag was written out: getopt_long also takes the beginning of one, which a later flag could make another.
 */
static bool is_whole(const char *typed, const char *name) {
    size_t n = strlen(name);
    return !strncmp(typed, "--", 2) && !strncmp(typed + 2, name, n) && (typed[2 + n] == '\0' || typed[2 + n] == '=');
}

/* The word that getopt_long did not know: it stays on one of several letters, such as -5d. */
static const char *unknown_word(char **argv) {
    const char *here = argv[optind];
    bool is_here = optopt && here && here[0] == '-' && here[1] == optopt && here[2];
    return is_here ? here : argv[optind - 1];
}

static bool take_flag(struct reading *reading, int found, char **argv, struct error *reterr) {
    if (found == ':' || found == '?') {
        if (optopt < FLAG_FIRST) return unknown_flag(reading, unknown_word(argv), reterr);
        const struct flag *flag = &reading->flags[optopt - FLAG_FIRST];
        if (found == ':') return missing_value(reading, flag, reterr);
        return error_set(reterr, ERR_INVALID, "--%s takes no value", flag->name);
    }
    const struct flag *flag = &reading->flags[found - FLAG_FIRST];
    const char *typed = argv[optind - (flag->value && optarg == argv[optind - 1] ? 2 : 1)];
    if (!is_whole(typed, flag->name)) return unknown_flag(reading, typed, reterr);
    if (flag->option) return add_option(reading, flag->option, flag->value ? optarg : "", reterr);
    if (flag->setting)
        reading->settings[flag->setting - setting_rows] = optarg;
    else
        reading->help = true;
    return true;
}

/* ARGV[0] is the last word of the command's name. */
static bool read_flags(struct reading *reading, int argc, char **argv, struct error *reterr) {
    const struct command *command = reading->invocation->command;
    opterr = 0;
    optind = 1;
    int found;
    while ((found = getopt_long(argc, argv, ":", reading->longs, NULL)) != -1) {
        if (!take_flag(reading, found, argv, reterr)) return false;
        if (reading->help) return true;
    }
    if (optind < argc && command->bare &&
        !add_option(reading, option_by_flag(command, command->bare), argv[optind++], reterr))
        return false;
    if (optind < argc)
        return error_set(reterr, ERR_INVALID, "%s does not take \"%.60s\"; `dfyd %s --help` says what it takes",
                         command->name, argv[optind], command->name);
    for (size_t i = 0; i < command->n_options; i++) {
        const struct option_row *row = &command->options[i];
        if (row->required && !reading->invocation->given[i].n)
            return error_set(reterr, ERR_INVALID, "%s needs --%s %s", command->name, row->flag, row->value);
    }
    return true;
}

/* "sqlite:DIR" says what --data would. */
static bool take_data(struct reading *reading, struct error *reterr) {
    const struct command *command = reading->invocation->command;
    if (!command->data_in) return true;
    static const char engine[] = "sqlite:";
    const char *value = invocation_value(reading->invocation, command->data_in);
    if (!str_starts(str_of(value), engine) || !value[strlen(engine)])
        return error_set(reterr, ERR_INVALID, "--%s must be sqlite:DIR, not \"%.60s\"", command->data_in, value);
    reading->settings[SETTING_DATA] = value + strlen(engine);
    return true;
}

static const char *from_environment(const char *name) {
    return getenv(name);
}

/* ARGV begins with the last word of the command's name. */
static int run(const struct command *command, int argc, char **argv, struct arena *arena) {
    struct invocation invocation = {.command = command, .arena = arena};
    invocation.given = ARENA_ARRAY(arena, command->n_options, struct given);
    for (size_t i = 0; i < command->n_options; i++)
        invocation.given[i].values = ARENA_ARRAY(arena, (size_t)argc, const char *);
    struct reading reading = {.invocation = &invocation};
    list_flags(&reading, command, arena);

    struct error error = {0};
    if (!read_flags(&reading, argc, argv, &error)) return complain(&error, EXIT_USAGE);
    if (reading.help) {
        help_command(command, stdout);
        return 0;
    }
    if (command->alone) return command->run(&invocation, &error) ? 0 : complain(&error, EXIT_FAILED);
    if (!take_data(&reading, &error)) return complain(&error, EXIT_USAGE);
    struct settings settings;
    struct setting_sources sources = {.flags = reading.settings, .env = from_environment};
    if (!settings_load(&sources, arena, &settings, &error)) return complain(&error, EXIT_USAGE);
    log_set_level((enum log_level)settings.log_level);
    invocation.settings = &settings;
    struct setup setup;
    bool is_set_up = !command->serves && !command->by_itself;
    if (is_set_up) {
        if (!setup_open(&setup, &settings, command->setup, &error)) {
            log_set_clock(NULL);
            return complain(&error, EXIT_FAILED);
        }
        invocation.setup = &setup;
    }
    bool ok = command->run(&invocation, &error);
    if (is_set_up) setup_close(&setup);
    log_set_clock(NULL);
    return ok ? 0 : complain(&error, error.code == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED);
}

static bool is_help(const char *word) {
    return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
}

static int dispatch(int argc, char **argv, struct arena *arena) {
    struct error error;
    if (argc < 1) {
        help_commands(NULL, stderr);
        return EXIT_USAGE;
    }
    if (is_help(argv[0])) {
        help_commands(NULL, stdout);
        return 0;
    }
    if (!strcmp(argv[0], "--version")) {
        puts("dfyd " DFYD_VERSION);
        return 0;
    }
    if (argv[0][0] == '-') {
        error_set(&error, ERR_INVALID, "%.60s stands before the command; say `dfyd COMMAND %.60s`, or --help", argv[0],
                  argv[0]);
        return complain(&error, EXIT_USAGE);
    }
    int words;
    const struct command *command = find_command(argc, argv, &words);
    if (command) return run(command, argc - words + 1, argv + words - 1, arena);
    if (argc > 1 && is_group(argv[0]) && is_help(argv[1])) {
        help_commands(argv[0], stdout);
        return 0;
    }
    return no_such_command(argc, argv, arena);
}

int command_main(int argc, char **argv) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(ARENA_CHUNK);
    int status = dispatch(argc - 1, argv + 1, arena);
    struct error error;
    if (fflush(stdout) || ferror(stdout)) {
        error_set(&error, ERR_UNAVAILABLE, "standard output cannot be written");
        return complain(&error, EXIT_FAILED);
    }
    return status;
}
