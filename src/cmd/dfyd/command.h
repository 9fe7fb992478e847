/*
 * command: the table of commands, how they are read from the command line, and their help. A command gets its
 * settings and options checked for form; what they mean is its own business.
 */
#pragma once

#include "settings.h"

/* A flag of one command; the flags that are settings stand in settings.h. */
struct option_row {
    const char *flag;  /* after "--" */
    const char *value; /* what help calls its value; NULL: a switch without one */
    const char *help;
    const char *fallback;     /* NULL: none */
    const char *const *words; /* what is allowed, ended by NULL; NULL: any text */
    bool required, repeats;
    const char *also; /* another flag that means the same; NULL: none */
};

struct invocation;
struct setup;

struct command {
    const char *name; /* "key create" */
    const char *help; /* one sentence */
    /* False: reterr says why. ERR_INVALID means that the command line was wrong. */
    bool (*run)(const struct invocation *invocation, struct error *reterr);
    const struct option_row *options;
    size_t n_options;
    const char *bare; /* the option that an argument without flag stands for; NULL: none may stand there */
    /* What is opened for it and closed after it (enum setup_flags). */
    unsigned setup;
    bool alone;          /* takes no settings and opens nothing: setup and settings are NULL */
    const char *also;    /* another name that it had; NULL: none */
    bool serves;         /* takes every setting as a flag, not only those of everywhere, and opens everything itself */
    bool by_itself;      /* takes the flags that its setup asks for, and opens everything itself */
    const char *data_in; /* an option whose value is "sqlite:DIR": no --data then; NULL: none */
};

/* A command as called. */
struct invocation {
    const struct command *command;
    const struct settings *settings;
    struct setup *setup; /* NULL for those that open everything themselves, and those that stand alone */
    struct arena *arena; /* ends with the command */
    /* Of each option row: its values in the order given. */
    struct given {
        const char **values;
        size_t n;
    } * given;
};

extern const struct command commands[];
extern const size_t n_commands;

/* The last value of FLAG, or its fallback; NULL when it has none. */
const char *invocation_value(const struct invocation *invocation, const char *flag);
/* All values of FLAG. */
const char *const *invocation_values(const struct invocation *invocation, const char *flag, size_t *ret_n);
bool invocation_has(const struct invocation *invocation, const char *flag);
/* What --limit says: how many rows a list has at most. ERR_INVALID. */
MUST_CHECK bool invocation_limit(const struct invocation *invocation, size_t *ret, struct error *reterr);

/* Reads the command line, runs the command and returns the exit status: 0, 1 it failed, 2 it was called wrongly. */
int command_main(int argc, char **argv);
