/* Why a job waits for machines: the listed compute offers are held against its demand, and each that doesn't fit is counted under the
 * first term that it misses, so that a person knows what to change. The terms are contracts/schedule.h's, but for two that a list of
 * offers doesn't tell: whom a lease bars, and whether enough replayers belong to neither side. */
#ifndef TOOLS_TENURE_SHORTAGE_H
#define TOOLS_TENURE_SHORTAGE_H

#include "base/text.h"
#include "contracts/jobs.h"
#include "contracts/members.h"
#include "contracts/offers.h"
#include "contracts/schedule.h"
#include "tools/tenure/desk.h"

enum shortage_term {
    SHORTAGE_MEMORY,
    SHORTAGE_RATE,
    SHORTAGE_PRICE,
    SHORTAGE_STAKE,
    SHORTAGE_WINDOW,
    SHORTAGE_BALANCE,
    SHORTAGE_ROOM,
    SHORTAGE_TERMS,
};

/* All zero: no offer was looked at. */
struct shortage {
    uint32_t offers;                  /* listed */
    uint32_t slots;                   /* free ones that fit */
    uint32_t missing[SHORTAGE_TERMS]; /* offers that don't fit, by the first term that they miss */
    uint32_t memory_mib;              /* the most of any offer */
    uint64_t rate_mmacs;              /* likewise */
};

/* Counts one offer. `provider`: its account; NULL when that isn't known. */
void shortage_add(struct shortage *shortage, const struct schedule_demand *demand,
                  const struct offers_offer *offer, const struct offers_compute *compute,
                  const struct members_account *provider, uint64_t now_ms);

/* A sentence without its full stop: "3 machines; 1 slot of 3 compute offers fit: 1 has less memory than it needs (4096 MiB; the most is
 * 1024), 1 has no free slot". */
void shortage_text(struct text *out, const struct shortage *shortage,
                   const struct schedule_demand *demand, uint32_t wanted);

/* What a slot of the job asks of a machine, without who asks. Requires share_check. */
struct schedule_demand shortage_demand(const struct jobs_job *job, uint16_t slot);

/* Looks at all offers for the slots of the set `slots` (bit w: slot w), and says the same in the desk's arena; NULL when enough fit, unless
 * `anyway`. What can do a large share can do a small one, so the sentence is about the smallest of which the machines are too few.
 * Errors of lookup_all. */
MUST_USE enum err shortage_say(struct desk *desk, const char **sentence, const struct jobs_job *job,
                               uint64_t slots, bool anyway);

#endif
