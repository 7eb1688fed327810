/* Unequal shares of a round's steps for machines of unequal speed, so that all end at about the same time (contracts/share.h). */
#ifndef TOOLS_TENURE_SHARING_H
#define TOOLS_TENURE_SHARING_H

#include "contracts/jobs.h"
#include "tools/tenure/listing.h"

/* Of segment_ms, the part that training may take by the listed rate; the rest is for fetching, hashing and sending. */
#define SHARING_PERCENT 75

/* Fills job->terms.shares, which has room for all workers: each of the slots that the matcher would take first gets the most intervals
 * that its machine trains in SHARING_PERCENT of segment_ms, H steps at most. share_count is 0 if that is H for all. ERR_NOT_NOW with a
 * sentence when too few are listed that fit. Requires share_measure, and a job without shares. */
MUST_USE enum err sharing_by_rate(struct jobs_job *job, const struct listing *listing,
                                  struct fault *fault);

#endif
