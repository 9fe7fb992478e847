#include "help.h"

#include <string.h>

#include "setup.h"

bool help_has_setting(const struct command *command, size_t setting) {
    const struct setting_row *row = &setting_rows[setting];
    if (command->data_in && (setting == SETTING_DATA || setting == SETTING_DB)) return false;
    return !command->alone &&
           (command->serves || row->everywhere || (row->drivers && (command->setup & SETUP_DRIVERS)));
}

/* A flag that leaves no room beside it has a line of its own. */
static void print_flag(const char *flag, const char *help, FILE *out) {
    enum { FLAG_WIDTH = 28 };
    bool is_long = strlen(flag) > FLAG_WIDTH;
    if (is_long) fprintf(out, "  %s\n", flag);
    fprintf(out, "  %-*s %s", FLAG_WIDTH, is_long ? "" : flag, help);
}

static void print_setting(const struct setting_row *row, FILE *out) {
    char flag[64];
    snprintf(flag, sizeof flag, "--%s %s", row->flag, row->value);
    print_flag(flag, row->help, out);
    const char *before = " (";
    if (row->kind == SETTING_INT) {
        fprintf(out, "%s%lld to %lld", before, (long long)row->min, (long long)row->max);
        before = ", ";
    }
    for (size_t i = 0; row->words && row->words[i]; i++) {
        fprintf(out, "%s%s", before, row->words[i]);
        before = ", ";
    }
    if (row->fallback) {
        fprintf(out, "%sdefault %s", before, row->fallback);
        before = ", ";
    }
    fputs(before[0] == ',' ? ")\n" : "\n", out);
}

static void print_option(const struct option_row *row, bool is_bare, FILE *out) {
    char flag[64];
    snprintf(flag, sizeof flag, "--%s%s%s", row->flag, row->value ? " " : "", row->value ? row->value : "");
    print_flag(flag, row->help, out);
    for (size_t i = 0; row->words && row->words[i]; i++) fprintf(out, "%s%s", i ? ", " : ": ", row->words[i]);
    if (row->repeats) fputs("; can be given again", out);
    if (row->fallback)
        fprintf(out, " (default %s)", row->fallback);
    else if (row->required)
        fputs(is_bare ? " (required; the flag may be left out)" : " (required)", out);
    fputc('\n', out);
}

void help_command(const struct command *command, FILE *out) {
    fprintf(out, "usage: dfyd %s%s", command->name, command->alone || command->data_in ? "" : " --data DIR");
    for (size_t i = 0; i < command->n_options; i++) {
        const struct option_row *row = &command->options[i];
        fprintf(out, " %s--%s%s%s%s%s", row->required ? "" : "[", row->flag, row->value ? " " : "",
                row->value ? row->value : "", row->required ? "" : "]", row->repeats ? "..." : "");
    }
    fprintf(out, "%s\n\n%s\n", command->serves ? " [settings]" : "", command->help);
    if (command->n_options) fputs("\noptions:\n", out);
    for (size_t i = 0; i < command->n_options; i++) {
        const struct option_row *row = &command->options[i];
        print_option(row, command->bare && !strcmp(command->bare, row->flag), out);
    }
    if (command->alone) return;
    fputs("\nsettings:\n", out);
    for (size_t i = 0; i < SETTING_END; i++)
        if (help_has_setting(command, i)) print_setting(&setting_rows[i], out);
    const struct setting_row *example = &setting_rows[command->serves    ? SETTING_LISTEN
                                                      : command->data_in ? SETTING_DB_WAIT_MS
                                                                         : SETTING_DATA];
    fprintf(out,
            "\nA setting can also stand in the environment (%s) or in the file of --config (%s = %s).\n"
            "A flag wins over the environment, and that over the file.\n",
            example->env, example->name, example->fallback ? example->fallback : example->value);
}

static bool is_in_group(const struct command *command, const char *group) {
    size_t n = strlen(group);
    return !strncmp(command->name, group, n) && command->name[n] == ' ';
}

/* GROUP NULL: all commands. False: there is none of that group. */
bool help_commands(const char *group, FILE *out) {
    bool some = false;
    for (size_t i = 0; i < n_commands; i++) {
        if (group && !is_in_group(&commands[i], group)) continue;
        if (!some) fprintf(out, "usage: dfyd %s\n\n", group ? group : "COMMAND --data DIR ...");
        some = true;
        fprintf(out, "  %-19s %s\n", commands[i].name, commands[i].help);
    }
    if (some) fputs("\n`dfyd COMMAND --help` says more about one.\n", out);
    return some;
}
