/* What a job costs and how surely a cheat is caught, before anything is signed: `tenure job plan` (DESIGN 8.5). */
#ifndef TOOLS_TENURE_JOB_PLAN_H
#define TOOLS_TENURE_JOB_PLAN_H

#include "contracts/parameters.h"
#include "tools/tenure/job_terms.h"

/* To stdout, as text or JSON. `waits`: why it could not start now; NULL: it could. Requires settled shares and budget. */
void job_plan_print(struct cli *cli, const struct job_terms *terms,
                    const struct parameters *parameters, const char *waits);

#endif
