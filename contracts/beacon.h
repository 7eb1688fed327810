/* The beacon: each validator's chain of hashes, from which the audits of its replayer are drawn (DESIGN 8.5).
 *
 *     h_N = chain_end (published)    h_(i-1) = preimage, SHA-256(h_(i-1)) = h_i       revealed one an epoch, backwards
 *
 *     validator/ <seat u8> .chain_end                          what the next preimage must hash to
 *     reveal/ <seat u8> <u8: epoch mod BEACON_KEPT> -> struct beacon_reveal_kept     the last reveals
 *     clock -> struct beacon_clock                                                   absent: epochs of parameters.epoch_ms since time 0
 *
 * An audit assigned in epoch e is drawn by that replayer's reveal of epoch e + 1: by then the commitment is final, and the chain was fixed
 * before it. Epochs follow each other without gap or overlap, also when governance changes their length: in epoch e that takes effect at
 * the end of epoch e + 1, so that no audit which is assigned by then has less time for its reveal than it had.
 *
 * Methods; sender: the replayer of a validator.
 *     reveal   chain_end = preimage, once an epoch. One that comes late is spent, and nothing is drawn from it: else who holds it back
 *              chose its epoch                                                              event beacon_revealed
 *     renew    another chain, valid two epochs later, so that it can't bias a pending draw  event beacon_renewed */
#ifndef CONTRACTS_BEACON_H
#define CONTRACTS_BEACON_H

#include "contracts/catalog.h"
#include "contracts/parameters.h"

#define BEACON_KEPT                                                                                \
    8 /* reveals kept for each seat: a draw happens at most two epochs after its reveal */

struct beacon_reveal_kept {
    uint64_t epoch;
    struct digest preimage;
};

/* Before from_ms: the epochs of before_ms that `before_epoch` began at before_from_ms. From then on: those of epoch_ms that `epoch` begins. */
struct beacon_clock {
    uint64_t before_from_ms, before_epoch, before_ms; /* before_ms > 0 */
    uint64_t from_ms, epoch, epoch_ms;                /* epoch_ms > 0 */
};

extern const struct record beacon_reveal_kept_record;
extern const struct record beacon_clock_record;

/* reveal: NOT_REPLAYER, ALREADY_DONE (in this epoch), TOO_SOON (the epoch hasn't begun), WRONG_PREIMAGE. */
#define BEACON_REVEAL 1
struct beacon_reveal {
    uint64_t epoch; /* that it is for */
    struct digest preimage;
};

/* renew: NOT_REPLAYER, ALREADY_DONE (another renewal is waiting). */
#define BEACON_RENEW 2
struct beacon_renew {
    struct digest chain_end;
};

extern const struct record beacon_reveal_record;
extern const struct record beacon_renew_record;
#define BEACON_METHOD_COUNT 2
extern const struct catalog_method beacon_methods[BEACON_METHOD_COUNT];

/* The clock while nothing was changed. */
struct beacon_clock beacon_clock_of(const struct parameters *parameters);

/* False only with view->err. */
MUST_USE bool beacon_clock_get(struct view_state *view, struct beacon_clock *clock);

/* The epoch of a block time (before_epoch, if the clock doesn't reach back to it), and the first time after an epoch that the clock knows. */
uint64_t beacon_epoch(const struct beacon_clock *clock, uint64_t time_ms);
uint64_t beacon_end_ms(const struct beacon_clock *clock, uint64_t epoch);

/* Governance changes the length of epochs, from the end of the next epoch on. TOO_SOON: the change before hasn't taken effect. Called before the
 * parameters are changed. */
enum verdict beacon_change(const struct catalog_run *run, uint64_t epoch_ms);

/* The preimage that `seat` revealed in `epoch`; false if it didn't, or if that is too long ago. */
bool beacon_get(struct view_state *view, struct seat seat, uint64_t epoch, struct digest *preimage);

/* Preimage number `index` of the chain of `length` hashes that begins at `secret`: SHA-256 applied length - 1 - index times, so index 0 is the
 * first to reveal, and chain_end = SHA-256 of it. For agents. Requires index < length. */
struct digest beacon_chain(const struct digest *secret, uint32_t length, uint32_t index);

#endif
