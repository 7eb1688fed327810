/* Governance: what no single operator may do alone. Operators propose and vote; more than half of all operators decide.
 *
 *     proposal/ <proposal u64> -> struct governance_proposal          numbered from 1
 *     proposed/ <proposal u64> -> struct parameters                   of a proposal of kind PARAMETERS
 *     candidate/ <proposal u64> -> struct seats_change                of an open proposal for the validator set
 *     upgrading/ <proposal u64> -> struct governance_upgrade          of a proposal of kind UPGRADE
 *     ballot/ <proposal u64> <address> -> struct governance_ballot
 *     proposal_count -> struct governance_counter
 *     upgrade -> struct governance_upgrade                            the last one that was decided; absent: version 1 for ever
 *
 *     state      what leads there                                                              event
 *     OPEN       (none): propose_*; the proposer's vote is yes                                 proposed, voted
 *     PASSED     OPEN: yes is more than half of the operators; it is carried out at once       decided and the action's own
 *     FAILED     OPEN: no is half or more; or passed, but can't be carried out any more        decided
 *     EXPIRED    OPEN: parameters.proposal_ms went by                                          decided
 *
 * While a validator is a candidate, the others let its node connect and fetch blocks: vote yes when it has caught up. */
#ifndef CONTRACTS_GOVERNANCE_H
#define CONTRACTS_GOVERNANCE_H

#include "base/address.h"
#include "base/units.h"
#include "contracts/catalog.h"
#include "contracts/parameters.h"

#define GOVERNANCE_OPEN_MAX 64 /* proposals open at once */

enum governance_kind {
    GOVERNANCE_MINT = 1,       /* new credits to an account */
    GOVERNANCE_BURN = 2,       /* of the treasury */
    GOVERNANCE_SPEND = 3,      /* from the treasury to an account */
    GOVERNANCE_ROLES = 4,      /* roles of an account, operator included */
    GOVERNANCE_PARAMETERS = 5, /* other parameters */
    GOVERNANCE_ADD = 6,        /* a validator more */
    GOVERNANCE_REMOVE = 7,     /* a validator fewer */
    GOVERNANCE_REPLACE = 8,    /* another key, host or replayer for a seat; fills a vacant one */
    GOVERNANCE_UPGRADE = 9,    /* another protocol version above a height; programs that don't know it halt there */
};

enum governance_status {
    GOVERNANCE_OPEN = 1,
    GOVERNANCE_PASSED = 2,
    GOVERNANCE_FAILED = 3,
    GOVERNANCE_EXPIRED = 4
};

struct governance_proposal {
    uint8_t kind;   /* enum governance_kind */
    uint8_t status; /* enum governance_status */
    struct address proposer;
    struct address account; /* of MINT, SPEND, ROLES; of ADD, REPLACE: the replayer; else zero */
    struct amount amount;   /* of MINT, BURN, SPEND; else zero */
    uint32_t roles;         /* of ROLES; else 0 */
    uint32_t yes, no;
    uint64_t expires_ms;
    uint16_t verdict; /* what carrying it out said */
};

struct governance_ballot {
    bool yes;
};

struct governance_counter {
    uint64_t count; /* the last number given */
    uint32_t open;  /* <= GOVERNANCE_OPEN_MAX */
};

/* Blocks up to `height` have version `before`, those above have `version`. Also the arguments of propose_upgrade (before: 0). */
struct governance_upgrade {
    uint64_t height;
    uint8_t version; /* one more than the blocks have when it is decided */
    uint8_t before;
};

extern const struct record governance_upgrade_record;
extern const struct record governance_proposal_record;
extern const struct record governance_ballot_record;
extern const struct record governance_counter_record;

/* --- methods; sender: operator --- */

/* propose_mint, propose_burn, propose_spend, propose_roles, propose_parameters. TOO_MANY; OUT_OF_BOUNDS (zero amount, bad parameters,
 * unknown roles); NO_ACCOUNT. With one operator a proposal passes at once. */
#define GOVERNANCE_PROPOSE_MINT       1
#define GOVERNANCE_PROPOSE_BURN       2
#define GOVERNANCE_PROPOSE_SPEND      3
#define GOVERNANCE_PROPOSE_ROLES      4
#define GOVERNANCE_PROPOSE_PARAMETERS 5
/* propose_add_validator, propose_remove_validator, propose_replace_validator; arguments: struct seats_change. TOO_MANY, and what contracts/seats.h
 * says: what couldn't be done now isn't proposed. */
#define GOVERNANCE_PROPOSE_ADD     7
#define GOVERNANCE_PROPOSE_REMOVE  8
#define GOVERNANCE_PROPOSE_REPLACE 9
/* propose_upgrade; arguments: struct governance_upgrade. TOO_MANY; OUT_OF_BOUNDS (version); TOO_LATE (the height has passed). Until its height an
 * upgrade can be decided anew, with another height. */
#define GOVERNANCE_PROPOSE_UPGRADE 10
struct governance_money {
    struct address account; /* for burn: zero */
    struct amount amount;
};
struct governance_roles {
    struct address account;
    uint32_t roles;
};

/* vote: once for each operator. NOT_FOUND, WRONG_STATE (not OPEN), ALREADY_DONE; TOO_SOON: it would decide a change of the set, and the set
 * has changed in this block already, or another length of epochs while the last change of it is still to take effect: the vote isn't counted,
 * cast it again. */
#define GOVERNANCE_VOTE 6
struct governance_vote {
    uint64_t proposal;
    bool yes;
};

extern const struct record governance_money_record;
extern const struct record governance_roles_record;
extern const struct record governance_vote_record;
#define GOVERNANCE_METHOD_COUNT 10
extern const struct catalog_method governance_methods[GOVERNANCE_METHOD_COUNT];

/* The protocol version of the block at `height`, by the state before it. 0 only with view->err. */
uint8_t governance_version(struct view_state *view, struct height height);

/* DUE_PROPOSAL fired. */
void governance_due(const struct catalog_run *run, uint64_t proposal);

#endif
