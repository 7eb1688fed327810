/* The validator set as the contracts know it: who sits where, whose account replays for the seat, and its chain of hashes.
 *
 *     validator/ <seat u8> -> struct validator          validators -> struct validator_set
 *     set/ <digest> -> struct validator_set             those before: what their members signed can still be judged
 *
 * A seat here is a number that its validator keeps as long as it is in the set; consensus numbers the members of a set densely, by ascending
 * seat. A removed validator leaves a gap, which a later one may take; so whatever outlives a block names a seat *and* its replayer, and
 * counts only while validator_sits() says that they still belong together.
 *
 * Changed by contracts/seats.h only, at most once a block. */
#ifndef CONTRACTS_VALIDATOR_H
#define CONTRACTS_VALIDATOR_H

#include "base/address.h"
#include "base/digest.h"
#include "base/units.h"
#include "contracts/view.h"

/* A host and a port. */
#define VALIDATOR_ADDRESS_BYTES 255

struct validator {
    struct bytes name;             /* of its host, as its TLS certificate says; text, different for every seat */
    struct bytes address;          /* host:port where the others reach it; empty for those of genesis: their configurations say it */
    struct sign_public public_key; /* signs votes; of a vacant seat: of the last one who sat there, never to return */
    struct address replayer;       /* the account that replays, answers and reveals for this seat */
    struct bytes organisation;     /* of that account: rotation leaves out the worker's */
    struct digest chain_end;       /* beacon: SHA-256 of the next preimage */
    struct digest chain_next;      /* beacon: a renewed chain's end, or zero */
    uint64_t chain_next_epoch;     /* from which epoch on it counts; 0 without one */
    uint64_t revealed_epoch;       /* epoch of the last reveal; 0 before the first */
    bool vacant; /* proven guilty: a silent member that counts in n, f and quorum until governance fills the seat */
};

extern const struct record validator_record;

/* The set that certifies blocks. */
struct validator_member {
    uint8_t seat;                  /* ascending; < seat_count of the set */
    struct sign_public public_key; /* zero for a vacant seat: nothing verifies under it */
};

struct validator_set {
    uint64_t since;                   /* the first height that it certifies: the same members make another set later */
    uint8_t seat_count;               /* above every seat that was ever taken; it never shrinks */
    struct validator_member *members; /* consensus' numbers are the places in this list */
    uint32_t member_count;            /* n; 1..LIMIT_VALIDATORS */
};

extern const struct record validator_set_record;

/* The set that certifies the block after the state that is read. False only with view->err. */
MUST_USE bool validator_set_get(struct view_state *view, struct validator_set *set);
void validator_set_put(struct view_state *view, const struct validator_set *set);

/* Keeps a set that is over, and finds the one of this digest, over or not; false if there never was one. */
void validator_set_keep(struct view_state *view, const struct validator_set *set);
MUST_USE bool validator_set_find(struct view_state *view, struct validator_set *set,
                                 const struct digest *digest);

/* SHA-256 of the packed set: the header's set digest. */
struct digest validator_set_digest(struct arena *arena, const struct validator_set *set);

/* False if nobody sits there. */
bool validator_get(struct view_state *view, struct seat seat, struct validator *validator);
void validator_put(struct view_state *view, struct seat seat, const struct validator *validator);
void validator_delete(struct view_state *view, struct seat seat);

/* n, and the number that is above every seat. */
uint32_t validator_count(struct view_state *view);
uint32_t validator_seats(struct view_state *view);

/* True if `replayer` answers for the seat now: it is neither removed, nor replaced, nor vacant. */
bool validator_sits(struct view_state *view, struct seat seat, const struct address *replayer);

/* How many may be faulty: (count - 1) / 3. */
uint32_t validator_faulty(uint32_t count);

/* True if somebody sits there whose replayer is neither this account nor of its organisation (an empty one is nobody else's). */
bool validator_is_apart(const struct validator *validator, const struct address *account,
                        struct bytes organisation);

/* The seat that `replayer` answers for; false if none. Walks at most LIMIT_VALIDATORS records. */
bool validator_of(struct view_state *view, const struct address *replayer, struct seat *seat,
                  struct validator *validator);

#endif
