/* What replayers have to replay: the work of their ASSIGNED audits (contracts/audit.h), and how long that may take.
 *
 *     load/ <address> -> struct load_total                 of all jobs
 *     load_job/ <address> <job u64> -> struct load_job     of one; absent: none
 *
 * A replayer takes its jobs in turn. So an audit that needs replay_ms when nothing else is to be done, is done after replay_ms for each job
 * that wanted the replayer meanwhile, however much work another job has; and when all the work is done, if that is sooner. A flood of audits
 * of one job costs another job no more than an equal would. What comes later counts too: it may have had its turn first. */
#ifndef CONTRACTS_LOAD_H
#define CONTRACTS_LOAD_H

#include "contracts/jobs.h"

struct load_total {
    uint64_t mmacs;      /* open: 10^6 multiply-adds, each audit's rounded up */
    uint64_t mmacs_ever; /* >= mmacs: with all that was done or given up */
    uint64_t jobs;       /* that have open work */
    uint64_t jobs_ever;  /* >= jobs: a job counts again when it comes back */
};

struct load_job {
    uint64_t mmacs; /* open; > 0 */
};

extern const struct record load_total_record;
extern const struct record load_job_record;

/* The work was assigned; where the replayer stood then is in *mark. */
void load_add(const struct catalog_run *run, const struct address *replayer, uint64_t job,
              uint64_t mmacs, struct jobs_mark *mark);

/* The work was done or given up; or all there is of the job, if that is less. */
void load_drop(const struct catalog_run *run, const struct address *replayer, uint64_t job,
               uint64_t mmacs);

/* How long what was assigned at `mark` may take until now: all that was open then or came since at `rate_mmacs` a second, but at most
 * `turn_ms` for each job of it, and JOBS_TIME_MAX_MS. */
uint64_t load_ms(struct view_state *view, const struct address *replayer,
                 const struct jobs_mark *mark, uint64_t rate_mmacs, uint64_t turn_ms);

#endif
