/* The close of a round, computed from the ledger's roots alone: replayers sign the result, and anybody may check it. */
#ifndef TOOLS_TENURE_ROUNDS_H
#define TOOLS_TENURE_ROUNDS_H

#include "tools/tenure/agent.h"

/* What jobs.close says of a round. */
struct rounds_result {
    struct digest global_root;
    struct digest start_roots[JOBS_WORKERS_MAX];
    uint32_t start_root_count; /* the job's workers; 0 after the last round */
};

/* Aggregates the verified end states of the job's current round, which must be CLOSING, and makes the next global state available at
 * the nodes. The shop's global state becomes the next one. Requires agent_prepare. */
MUST_USE enum err rounds_close(struct agent *agent, const struct agent_job *job,
                               struct rounds_result *result, struct fault *fault);

#endif
