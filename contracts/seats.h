/* Changes of the validator set, whoever decides them: governance adds, removes and replaces, evidence vacates.
 *
 *     a seat is    what leads there
 *     free         (never taken); taken or vacant: seats_remove
 *     taken        free: seats_add, genesis; taken or vacant: seats_replace
 *     vacant       taken: seats_vacate; it still counts in n, f and quorum
 *
 * A change counts from the next block on: the block that carries it is the boundary between two sets (DESIGN 5). At most one change a
 * block, so that two sets that follow each other differ in one member, and a majority of operators that is in a hurry can't replace a
 * quorum at once. No change leaves fewer than four members (a smaller chain, for development, only grows), nor fewer taken seats than
 * a quorum.
 *
 * A seat's audits and votes stay its replayer's: what was promised before a change is done or dropped without a penalty
 * (validator_sits in contracts/validator.h). */
#ifndef CONTRACTS_SEATS_H
#define CONTRACTS_SEATS_H

#include "contracts/catalog.h"
#include "contracts/validator.h"

/* The fewest members that bear a fault. */
#define SEATS_MIN 4

/* What is decided about a seat; also the arguments of the proposals for it (contracts/governance.h). */
struct seats_change {
    struct sign_public old_key;    /* who is removed or replaced; zero to add */
    struct sign_public public_key; /* what follows says who comes; to remove: zero and empty */
    struct bytes name;             /* a host's name: letters, digits, '-', '.', '_' */
    struct bytes address;          /* host:port */
    struct address replayer;       /* an account with role replayer */
    struct digest chain_end;       /* its beacon's; zero exactly if the replaced one's replayer stays, with its chain */
};

extern const struct record seats_change_record;

/* Each: TOO_SOON (the set has changed in this block already). */

/* TOO_MANY; and for who comes: BAD_KEY, OUT_OF_BOUNDS (name, address, chain), KEY_USED (key, name or replayer are another seat's), NOT_REPLAYER. */
enum verdict seats_add(const struct catalog_run *run, const struct seats_change *change);

/* NOT_FOUND, TOO_FEW, OUT_OF_BOUNDS (something besides old_key). */
enum verdict seats_remove(const struct catalog_run *run, const struct seats_change *change);

/* Also fills a vacant seat, whose old key can't come back. NOT_FOUND, and as seats_add. The set changes only if the key does. */
enum verdict seats_replace(const struct catalog_run *run, const struct seats_change *change);

/* WRONG_STATE (vacant already), NOT_FOUND, TOO_FEW (less than a quorum would be left: the chain would stand still). */
enum verdict seats_vacate(const struct catalog_run *run, struct seat seat);

#endif
