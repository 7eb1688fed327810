/* What a job asks of the matcher (contracts/schedule.h), and the lease that comes of it: all of its slots at once, or one that was lost. */
#ifndef CONTRACTS_MATCHING_H
#define CONTRACTS_MATCHING_H

#include "contracts/jobs.h"
#include "contracts/path.h"

/* The key of a search: search/ <job> <slot>. */
struct path matching_path(uint64_t job, uint16_t slot);

/* Looks for machines for `slot` (JOBS_WHOLE: for all), without the providers that are barred from `lease`.
 * SCHEDULE_FOUND: *picks, in the view's arena, are feasible now. Keeps where the search stands. */
enum schedule_outcome matching_find(const struct catalog_run *run, uint64_t job, uint16_t slot,
                                    uint64_t lease, struct schedule_pick **picks);

/* When to look again for what has waited so long: seldom, after an eighth of that, an hour at most. */
uint64_t matching_retry_ms(const struct parameters *parameters, uint64_t waited_ms);

/* A WAITING job's timer fired: leases all of its slots and opens round 0, or sets the timer anew. */
void matching_job(const struct catalog_run *run, uint64_t job);

#endif
