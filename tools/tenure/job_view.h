/* A job as its records in the state tell it: for `tenure job status`, and for whoever needs its history. */
#ifndef TOOLS_TENURE_JOB_VIEW_H
#define TOOLS_TENURE_JOB_VIEW_H

#include "contracts/jobs.h"
#include "tools/tenure/desk.h"

struct job_view {
    uint64_t number;
    struct jobs_job job;
    struct jobs_progress progress;
    struct lookup_list slots;    /* struct jobs_slot, by slot */
    struct lookup_list rounds;   /* struct jobs_round, by round */
    struct lookup_list results;  /* struct jobs_result, by round, slot, attempt */
    struct lookup_list accounts; /* struct members_account: who is who */
    const char *waits;           /* for machines: which, and why none comes; NULL: it doesn't */
};

/* The job's number in the command's first argument. */
MUST_USE enum err job_view_number(struct cli *cli, uint64_t *number);

/* Reads all of it into desk->arena. ERR_NOT_FOUND when there is no such job. */
MUST_USE enum err job_view_load(struct desk *desk, struct job_view *view, uint64_t number);

/* Only what changes while it runs: job, progress and slots. For a look at every block. */
MUST_USE enum err job_view_glance(struct desk *desk, struct job_view *view, uint64_t number);

/* After either of these: why no machine comes, where the job or a slot of it waits for one. */
MUST_USE enum err job_view_want(struct desk *desk, struct job_view *view);

/* The segment that result `index` is about. Requires index < view->results.count. */
struct jobs_segment job_view_place(const struct job_view *view, uint32_t index);

void job_view_print(struct cli *cli, const struct job_view *view);

/* One progress line: "round 2 of 5: training, sealing, verified". */
void job_view_progress(struct cli *cli, const struct job_view *view);

/* Stable words such as "running", "training"; "unknown" for a number that is none. */
const char *job_view_status_name(uint8_t status);
const char *job_view_slot_name(uint8_t status);

#endif
