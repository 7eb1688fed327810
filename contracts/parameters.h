/* What governance may change, and the bounds that keep a change from stopping the chain.
 *
 *     parameters -> struct parameters */
#ifndef CONTRACTS_PARAMETERS_H
#define CONTRACTS_PARAMETERS_H

#include "base/digest.h"
#include "base/units.h"
#include "contracts/view.h"

struct parameters {
    uint64_t block_interval_max_ms; /* a block is proposed at least this often; 100..60000 */
    uint64_t epoch_ms;              /* beacon: one reveal an epoch (a change takes effect at the end of the next); 1000..86400000 */
    uint64_t answer_ms; /* time to get into a block: to open a seal, to claim; 1000..86400000 */
    /* A waiting job or slot is matched again after this, or an eighth of the time that it waits, an hour at most; 100..3600000. */
    uint64_t match_retry_ms;
    uint64_t proposal_ms; /* a proposal that isn't decided by then expires; 1000..2592000000 */
    /* What falls due and is done in one block, as many forgotten statements, and an eighth as many matches; 1..1024. */
    uint16_t due_max;
    uint16_t candidates_max; /* offers looked at in one match; 1..256 */
    /* Locked for each open offer, times the account's open offers; below 2^128. */
    struct amount offer_deposit;
    /* Locked for each open job, times the account's open jobs; below 2^128. */
    struct amount job_deposit;
    /* Locked for each audit or vote of a replayer, lost when it is outvoted; below 2^128. */
    struct amount replay_stake;
    uint8_t slash_fraud;    /* per cent of a worker's stake, for a proven falsehood; 1..100 */
    uint8_t slash_withheld; /* for a commitment whose data is withheld; <= slash_fraud */
    uint8_t slash_silent;   /* for no commitment in time; <= slash_withheld */
    /* Per cent of a replayer's stake, for a missing reveal, seal or opening; 0..100. */
    uint8_t slash_mute;
    /* Per cent of a slash to the replayers that proved it; 0..50, DESIGN 8.5 says 25. */
    uint8_t prover_share;
    /* 10^6 multiply-adds a second that every replayer does at least: no terms give it less time; 1..10^9. */
    uint64_t replay_mmacs;
    /* How long a paid segment may be challenged and its stake stays locked; 0..2592000000. */
    uint64_t challenge_ms;
    /* Locked by a challenger, lost if the challenge is refuted; below 2^128. */
    struct amount challenge_bond;
    /* The least that a job pays each replayer for an interval: who replays for nothing, doesn't replay; 1..2^128 - 1. */
    struct amount replay_fee_min;
    /* The least that a worker stakes for 10^9 multiply-adds of its segment: made-up work costs at least in proportion to what it makes
     * others replay; below 2^128. */
    struct amount stake_min;
    /* KiB of states a second that every machine moves at least, and MiB of memory that every replayer has at least: no terms ask for more;
     * 1..10^9, 1..2^24. */
    uint64_t transfer_kib;
    uint64_t replay_mib;
};

extern const struct record parameters_record;

/* DESIGN's numbers and sensible times; what `tenure net init` starts from. */
struct parameters parameters_default(void);

/* True if every field is within its bounds. */
bool parameters_check(const struct parameters *parameters);

/* False only with view->err. */
MUST_USE bool parameters_get(struct view_state *view, struct parameters *parameters);
void parameters_put(struct view_state *view, const struct parameters *parameters);

/* SHA-256 of the packed record: the header's parameters digest. */
struct digest parameters_digest(struct arena *arena, const struct parameters *parameters);

#endif
