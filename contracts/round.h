/* Rounds: opened with every slot, settled when no slot is at work, closed when f + 1 replayers computed the same result. */
#ifndef CONTRACTS_ROUND_H
#define CONTRACTS_ROUND_H

#include "contracts/jobs.h"

/* Opens progress.round with these start roots, by slot; the job ends EXPIRED when no segment fits before its deadline any more. Requires a
 * lease. */
void round_start(const struct catalog_run *run, uint64_t job, const struct digest *start_roots);

/* If no slot is at work any more: CLOSING, one extension, or the job's end. Call after a slot became VERIFIED or MISSED. */
void round_settle(const struct catalog_run *run, uint64_t job);

/* Method of contracts/jobs.h. */
enum verdict round_close(const struct catalog_run *run, const void *args);

#endif
