/* Challenges: what was verified and paid may still be named false, for parameters.challenge_ms after the payment (DESIGN 8.5).
 *
 * Until then, and while a challenge is open, the stake of the lease's item stays locked, also when the job has ended. Anybody with the bond names one interval of a paid
 * segment; all validators replay it from the segment's start, which the ledger names, and f + 1 equal answers decide (contracts/poll.h).
 *
 *     challenge/ <challenge u64> -> struct challenge_open            those that are open: what replayers look for
 *     challenged/ <job> <round u32> <slot u16> <attempt u16> <interval u16> -> struct challenge        every one, for ever
 *     ruling/ <challenge u64> <seat u8> -> struct jobs_vote           answers
 *     challenge_count -> struct challenge_counter
 *
 *     state      what leads there                                                                     event
 *     OPEN       (none), UNDECIDED: raise; the bond is locked                                         challenge_raised
 *     UPHELD     OPEN: f + 1 equal answers that differ from the commitment                            challenge_decided, round_tainted
 *     REFUTED    OPEN: f + 1 answers equal to the commitment                                          challenge_decided
 *     UNDECIDED  OPEN: f + 1 "unavailable", or no f + 1 equal answers in time                         challenge_decided
 *
 *     UPHELD     slash_fraud of the stake: prover_share of it to the challenger, the rest to the treasury; the bond goes home; the item
 *                ends, and what its worker has in hand is lost; the job is tainted from that round on. Nothing rolls back, and nothing goes
 *                to the consumer.
 *     REFUTED    the bond: prover_share of it to those who answered so, the rest to the treasury; it can't be raised again.
 *     UNDECIDED  slash_mute of the bond to the treasury, for the work that it made. Who gave no answer in time is fined as in a dispute.
 *   Whoever gave another answer than the decided one is outvoted and pays.
 *
 * The time to answer comes from governed parameters alone: answer_ms, and what replay_mmacs takes for the whole segment, after those of the
 * challenges that are open: however many are raised at once, no replayer has more to do than it can. */
#ifndef CONTRACTS_CHALLENGE_H
#define CONTRACTS_CHALLENGE_H

#include "contracts/jobs.h"

enum challenge_status {
    CHALLENGE_OPEN = 1,
    CHALLENGE_UPHELD = 2,
    CHALLENGE_REFUTED = 3,
    CHALLENGE_UNDECIDED = 4,
};

struct challenge {
    struct jobs_segment segment;
    uint16_t interval;
    uint8_t status; /* enum challenge_status */
    struct address challenger;
    struct digest committed; /* leaf digest of the interval's end, from the worker's trace */
    struct amount bond;
    uint64_t work_ms;          /* that the replay takes at replay_mmacs */
    uint64_t deadline_ms;      /* to answer */
    struct jobs_answer answer; /* UPHELD: what f + 1 found */
    struct amount slashed;     /* of the worker's stake */
};

struct challenge_open {
    struct jobs_segment segment;
    uint16_t interval;
};

struct challenge_counter {
    uint64_t count;   /* the last number given */
    uint64_t open_ms; /* work_ms of all that are open */
};

extern const struct record challenge_record;
extern const struct record challenge_open_record;
extern const struct record challenge_counter_record;

/* --- methods --- */

/* raise: any member. NOT_FOUND (no such attempt), WRONG_STATE (it wasn't verified, or nothing of the stake is left), TOO_LATE,
 * WRONG_LEAVES (not intervals + 1), WRONG_TRACE_ROOT, WRONG_INTERVALS, ALREADY_DONE (open, upheld or refuted), BALANCE_TOO_LOW (the
 * bond). */
#define CHALLENGE_RAISE 1
struct challenge_raise {
    struct jobs_segment segment;
    uint16_t interval;
    /* As they were committed, with what the worker's claim opened: trace/ as it was when the segment was paid. */
    struct digest *leaves;
    uint32_t leaf_count;
};

/* answer: a validator's replayer, once: leaf interval + 1; zero: the segment's start can't be had. Stakes what a vote does.
 * NOT_FOUND (none is open), TOO_LATE, NOT_REPLAYER, ALREADY_DONE, WRONG_INTERVALS. */
#define CHALLENGE_ANSWER 2
struct challenge_answer {
    uint64_t challenge;
    struct jobs_answer answer;
};

extern const struct record challenge_raise_record;
extern const struct record challenge_answer_record;
#define CHALLENGE_METHOD_COUNT 2
extern const struct catalog_method challenge_methods[CHALLENGE_METHOD_COUNT];

/* The challenge of this interval; false if there is none. */
bool challenge_get(struct view_state *view, const struct jobs_segment *segment, uint16_t interval,
                   struct challenge *out);

/* DUE_CHALLENGE fired. */
void challenge_due(const struct catalog_run *run, uint64_t challenge);

#endif
