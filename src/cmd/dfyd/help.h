/* help: what the commands print about themselves, made from their rows. */
#pragma once

#include <stdio.h>

#include "command.h"

/* Whether setting number SETTING is a flag of COMMAND. */
bool help_has_setting(const struct command *command, size_t setting);
/* Everything about one command. */
void help_command(const struct command *command, FILE *out);
/* One line a command. GROUP NULL: of all; else of those that begin with this word. False, and nothing printed: there
 * are none. */
bool help_commands(const char *group, FILE *out);
