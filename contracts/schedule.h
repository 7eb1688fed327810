/* The matcher: deterministic, bounded, cheapest first.
 *
 * It walks price/ from the cheapest offer up, ties by offer number, looks at no more than parameters.candidates_max offers, and then
 * stops at a stated search limit; the next block goes on behind it:
 *
 *     search/ <job u64> <slot u16> -> struct schedule_search          slot JOBS_WHOLE: for a whole job
 *
 * A demand is of one slot; those of a job differ in work, price_max and stake, and grow and shrink together in them (contracts/share.h). So
 * what can do a large share can do a small one, and each offer takes the largest share that is left and that it is feasible for: that
 * gives the cheapest the most work, and fills all slots if any assignment of the offers seen so far does; but for a price at the edge of
 * price_max, where rounding decides, and a provider whose balance ends before its machines do.
 *
 * An offer is feasible for a demand when all hold: listed, with room; window covers now..deadline and it hasn't expired; profile equal; memory
 * enough; rate x segment time >= work; price x work / 10^9 <= price_max; stake <= stake_max and covered by the provider's balance
 * together with those of all slots picked from it; the provider is an active provider, isn't barred from the lease, and at least `auditors` validators'
 * replayers belong neither to its organisation nor to the consumer's. (So many, f + 1, that one of the first who replay is honest and has
 * no part in the job; f more, for those who stay mute, aren't asked for: with n = 4 and a seat on each side there are only two. Where they
 * are missing, all validators are asked: contracts/audit.h.) */
#ifndef CONTRACTS_SCHEDULE_H
#define CONTRACTS_SCHEDULE_H

#include "base/address.h"
#include "base/units.h"
#include "contracts/catalog.h"

#define SCHEDULE_PICKS_MAX 64            /* slots of one job */
#define SCHEDULE_UNIT      1000000000ull /* multiply-adds that an offer's price is for */

struct schedule_demand {
    struct address consumer;
    uint8_t profile;
    uint32_t memory_mib;
    uint64_t work;           /* multiply-adds of a segment */
    uint64_t segment_ms;     /* the time it has */
    uint64_t deadline_ms;    /* how long the lease may last */
    struct amount price_max; /* a segment */
    struct amount stake;     /* a slot */
    uint32_t auditors;       /* how many replayers must be eligible */
    uint64_t lease;          /* whose barred providers are left out; 0: none yet */
};

struct schedule_pick {
    uint64_t offer;
    uint16_t demand;     /* which one it meets */
    struct amount price; /* of a segment */
};

/* Where a search goes on, and what it has found. */
struct schedule_search {
    struct amount price; /* the last candidate looked at */
    uint64_t offer;
    struct schedule_pick *picks; /* feasible when they were found */
    uint32_t pick_count;
};

enum schedule_outcome {
    SCHEDULE_FOUND = 0, /* exactly the picks wanted, all feasible now */
    SCHEDULE_NONE = 1,  /* the whole index holds too few: wait for offers */
    SCHEDULE_LIMIT = 2, /* the search limit: go on in the next block */
};

extern const struct record schedule_pick_record;
extern const struct record schedule_search_record;

/* Looks for one pick for each of demands[wanted], all or none, going on where `search` stopped; zero `search` to begin. It keeps at most
 * `wanted` picks. After SCHEDULE_NONE the search starts over; a pick that
 * went stale is dropped, and the search goes on. Changes no state. Requires
 * 1 <= wanted <= SCHEDULE_PICKS_MAX, room for as many at search->picks, and demands that differ in work, price_max and stake only: more of
 * one isn't less of another. */
enum schedule_outcome schedule_find(const struct catalog_run *run,
                                    const struct schedule_demand *demands, uint32_t wanted,
                                    struct schedule_search *search);

#endif
