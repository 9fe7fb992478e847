#include "process.h"

#include <pthread.h>
#include <sys/resource.h>

#include "base/log.h"

enum { SPARE_FILES = 256 }; /* beside the connections: database readers, files, logs */

sigset_t process_stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

void process_prepare_signals(void) {
    sigset_t set = process_stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a client that goes away is no reason to end */
    signal(SIGXFSZ, SIG_IGN); /* a file at its size limit fails like a full disk */
}

void process_allow_files(int64_t connections) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return;
    rlim_t wanted = (rlim_t)connections + SPARE_FILES;
    if (limit.rlim_cur >= wanted) return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < wanted)
        log_event(LOG_WARN, "few_files", LOG_INT("allowed", limit.rlim_cur), LOG_INT("wanted", wanted),
                  LOG_TEXT("then", "connections beyond that wait; raise `ulimit -n`"));
}

void process_allow_impatience(void) {
    sigset_t set = process_stop_signals();
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
