/* The validator set as the contracts know it: who sits where, whose account replays for the seat, and its chain of hashes.
 *
 *     validator/ <seat u8> -> struct validator          validators -> struct validator_set
 *
 * Fixed by genesis; changes of the set come with governance. */
#ifndef CONTRACTS_VALIDATOR_H
#define CONTRACTS_VALIDATOR_H

#include "base/address.h"
#include "base/digest.h"
#include "base/units.h"
#include "contracts/view.h"

struct validator {
    struct bytes name;
    struct sign_public public_key; /* signs votes */
    struct address replayer;       /* the account that replays, answers and reveals for this seat */
    struct bytes organisation;     /* of that account: rotation leaves out the worker's */
    struct digest chain_end;       /* beacon: SHA-256 of the next preimage */
    struct digest chain_next;      /* beacon: a renewed chain's end, or zero */
    uint64_t chain_next_epoch;     /* from which epoch on it counts; 0 without one */
    uint64_t revealed_epoch;       /* epoch of the last reveal; 0 before the first */
};

extern const struct record validator_record;

/* The set that certifies blocks. */
struct validator_member {
    struct sign_public public_key;
};

struct validator_set {
    struct validator_member *members; /* by seat */
    uint32_t member_count;            /* 1..LIMIT_VALIDATORS */
};

extern const struct record validator_set_record;

/* The current and the next set (of the block after this one); equal until the set changes. False only with view->err. */
MUST_USE bool validator_set_get(struct view_state *view, struct validator_set *set);
MUST_USE bool validator_set_next(struct view_state *view, struct validator_set *set);

/* SHA-256 of the packed set: the header's set digest. */
struct digest validator_set_digest(struct arena *arena, const struct validator_set *set);

/* False if there is no such seat. */
bool validator_get(struct view_state *view, struct seat seat, struct validator *validator);
void validator_put(struct view_state *view, struct seat seat, const struct validator *validator);
uint32_t validator_count(struct view_state *view);

/* How many may be faulty: (count - 1) / 3. */
uint32_t validator_faulty(uint32_t count);

/* True if the seat's replayer is neither this account nor of its organisation (an empty one is nobody else's). */
bool validator_is_apart(const struct validator *validator, const struct address *account,
                        struct bytes organisation);

/* The seat that `replayer` answers for; false if none. Walks at most LIMIT_VALIDATORS records. */
bool validator_of(struct view_state *view, const struct address *replayer, struct seat *seat,
                  struct validator *validator);

#endif
