/* What a slot does in each round of a job, and what follows from it (DESIGN 8.4).
 *
 * Machines of unequal speed train unequal numbers of steps H_w and share one deadline. The terms of a job (contracts/jobs.h) speak of a
 * full segment, of the program's H steps; all of them follow H_w:
 *
 *     work         work x H_w / H, which is exact; the price is the leased offer's of this work, its fraction stays with the consumer
 *     price_max    price_max x H_w / H, rounded down: a fraction is never the consumer's to pay
 *     stake        stake x H_w / H, rounded up: a fraction is never a hole in what the worker stands to lose; it has it back
 *     intervals    I_w = ceil(H_w / C): the trace's, the weight of its change in the round's mean (trainer/aggregate.h)
 *     replayed     of I_w, by each replayer, each for replay_fee: all, or `sample`. So who fakes one interval of a short segment
 *                  is caught sooner than in a long one, and has less to gain
 *
 * A slot keeps its share when it is leased anew: the substitute trains H_w too. Who shares out the steps is the consumer; a share goes to
 * a machine that can train it in segment_ms, the largest first (contracts/schedule.h). */
#ifndef CONTRACTS_SHARE_H
#define CONTRACTS_SHARE_H

#include "contracts/jobs.h"

/* States that one side moves for a segment: a worker fetches what it starts from (the global state and its residue) and sends the end; who
 * replays all of it does the same. Who replays a sample fetches a start for each interval, and the end. */
#define SHARE_STATES 3

struct share {
    uint32_t steps;          /* H_w */
    uint32_t intervals;      /* I_w */
    uint32_t replayed;       /* by each replayer, <= intervals */
    uint64_t work;           /* multiply-adds of the segment */
    uint64_t moved_kib;      /* of states, by each replayer */
    uint64_t audit_work;     /* of what each replayer replays, rounded up; <= work */
    struct amount price_max; /* of the segment */
    struct amount stake;     /* that its worker locks */
};

/* Fills what a job has from its checked program: steps, interval, intervals, work, state_kib. False if the work doesn't fit in 64 bits. */
MUST_USE bool share_measure(struct jobs_job *job, const struct program *program);

/* True if the terms' shares are none (every slot trains H steps), or one for each worker: H, or a multiple of C below it, of at least
 * max(1, sample) intervals. For a job after share_measure, or one that a node has told. */
bool share_check(const struct jobs_job *job);

/* Requires share_check. */
struct share share_of(const struct jobs_job *job, uint16_t slot);

/* The smallest stake that submit takes for a segment of this work: parameters.stake_min for each 10^9 multiply-adds. */
struct amount share_stake(uint64_t work, const struct parameters *parameters);

/* The smallest budget that submit takes: rounds x the sum over slots of price_max and of what all auditors are paid. False over 256 bits.
 * Requires share_check and job->auditors. */
MUST_USE bool share_budget(struct amount *budget, const struct jobs_job *job);

#endif
