/* What a job waits for, in one sentence: the state of the job, its slots and its audits as the contracts keep them. */
#ifndef TOOLS_TENURE_JOB_WAIT_H
#define TOOLS_TENURE_JOB_WAIT_H

#include "tools/tenure/job_view.h"

enum job_wait_verdict {
    JOB_WAIT_AT_WORK, /* it goes on by itself, by a deadline at the latest */
    JOB_WAIT_DONE,    /* completed */
    JOB_WAIT_STUCK,   /* it waits for what isn't there, or ended without being completed */
};

/* "job 1 is in round 2 of 5: slot 0 waits for the seals of carl, dora until 12:04:11; 2 more segments are at work". Reads what it needs
 * besides the view; *sentence is in the command's arena. Errors as job_view_load. */
MUST_USE enum err job_wait_explain(struct desk *desk, const struct job_view *view, uint64_t now_ms,
                                   const char **sentence, enum job_wait_verdict *verdict);

#endif
