#include "step/mend.h"

#include "store/mend.h"

struct job {
    struct mend mend;
    char audit_id[UUID_TEXT];
    int64_t n;
    int64_t lease_until_ms;
    struct arena *arena;
    struct care care;
    bool held;
};

/* JOB must not be moved afterwards. */
static void init_job(struct job *job, const struct world *world, struct str workspace_id, struct str domain,
                     struct actor actor) {
    *job = (struct job){.n = 0};
    ids_uuid(world->ids, job->audit_id);
    job->mend = (struct mend){
        .workspace_id = workspace_id,
        .domain = domain,
        .audit_id = str_of(job->audit_id),
        .actor = actor,
        .now_ms = clock_now(world->clock),
    };
}

static bool retry_change(struct db *db, void *arg, struct error *reterr) {
    struct job *job = arg;
    return mend_retry(db, &job->mend, &job->n, reterr);
}

bool domain_retry(const struct world *world, struct str workspace_id, struct str domain, struct actor actor,
                  int64_t *ret_n, struct error *reterr) {
    struct job job;
    init_job(&job, world, workspace_id, domain, actor);
    if (!store_write_of(world->store, workspace_id, retry_change, &job, reterr)) return false;
    *ret_n = job.n;
    return true;
}

static bool repair_change(struct db *db, void *arg, struct error *reterr) {
    const struct job *job = arg;
    return mend_repair(db, &job->mend, reterr);
}

bool domain_repair(const struct world *world, struct str workspace_id, struct str domain, struct actor actor,
                   struct error *reterr) {
    struct job job;
    init_job(&job, world, workspace_id, domain, actor);
    return store_write_of(world->store, workspace_id, repair_change, &job, reterr);
}

static bool claim_change(struct db *db, void *arg, struct error *reterr) {
    struct job *job = arg;
    return mend_begin_check(db, &job->mend, job->lease_until_ms, job->arena, &job->care, &job->held, reterr);
}

bool domain_check(const struct world *world, struct str workspace_id, struct str domain, struct actor actor,
                  struct arena *arena, struct domain_check *ret, struct error *reterr) {
    struct job job;
    init_job(&job, world, workspace_id, domain, actor);
    job.arena = arena;
    job.lease_until_ms = job.mend.now_ms + world->lease_ms;
    if (!store_write_of(world->store, workspace_id, claim_change, &job, reterr)) return false;
    bool stale = true;
    ret->care = job.care;
    if (!care_look(world, &ret->care, arena, &ret->report, reterr) ||
        (job.held && !care_keep(world, &ret->care, &ret->report, &stale, reterr)))
        return false;
    ret->is_kept = !stale;
    return true;
}
