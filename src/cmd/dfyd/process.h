/* process: signals and limits of a process that runs until it is told to end. */
#pragma once

#include <signal.h>
#include <stdint.h>

/* Those that end it in order: SIGTERM and SIGINT. */
sigset_t process_stop_signals(void);
/* Before any thread starts: they inherit the mask, and only the main thread waits for the signals. */
void process_prepare_signals(void);
/* A second signal ends the process at once; nothing durable is lost by that. Also where SIGINT is ignored from the
 * start, as it is for what a script runs in the background: the first one was taken, too. */
void process_allow_impatience(void);
/* Raises the limit of open files for that many connections, and logs when it cannot be had. */
void process_allow_files(int64_t connections);
