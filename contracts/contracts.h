/* The contracts as the ledger runs them. A block is
 *
 *     contracts_begin                    what falls due: expiry, deadlines, settlement; bounded, the rest in the next block
 *     for each transaction:
 *         members_nonce_use              once, whatever happens after
 *         view_begin; note events->count
 *         for each call: contracts_call
 *         view_keep, or view_undo and event_undo if a verdict wasn't VERDICT_OK
 *     contracts_end                      the invariants, over the block's write set
 *
 * All of it is a pure function of (state, context, calls). A verdict is data and the same on every node. view->err is checked by the
 * caller after each step: it means that this machine can't go on, never that a rule said no. */
#ifndef CONTRACTS_CONTRACTS_H
#define CONTRACTS_CONTRACTS_H

#include "base/address.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "base/units.h"
#include "contracts/event.h"
#include "contracts/validator.h"
#include "contracts/verdict.h"
#include "contracts/view.h"

/* What evidence against a validator proves; consensus says it (consensus/evidence.h). */
struct contracts_finding {
    uint8_t kind;    /* enum evidence_kind */
    uint8_t place;   /* of the guilty one in the set's list of members */
    uint64_t height; /* of what it signed; 0: a change of views */
    uint64_t view;
};

/* Reads evidence for the contracts, which know no message of consensus. Pure: the same on every node, whenever it is asked, and however full
 * an arena is. */
struct contracts_judge {
    /* The digest of the set of validators that the evidence is about. False: it is none. */
    bool (*read)(struct digest *set, struct bytes evidence);

    /* True if it proves something against a member of this set. */
    bool (*find)(struct contracts_finding *finding, const struct digest *chain,
                 const struct validator_set *set, struct bytes evidence);
};

/* What a contract knows besides state. */
struct context {
    struct height height;
    uint64_t time_ms;     /* block time, the only clock */
    struct digest chain;  /* genesis digest */
    struct digest parent; /* header digest of the block before */
    struct seat proposer;
    const struct contracts_judge *judge; /* NULL proves nothing: a node that makes or executes blocks has one */
};

struct call {
    uint8_t contract; /* contracts/catalog.h */
    uint8_t method;
    struct bytes args; /* exactly the method's packed record */
};

/* What falls due at this block's time, a bounded number of each queue (parameters.due_max); jobs and slots that wait are matched here. */
void contracts_begin(struct view_state *view, const struct context *context, struct events *events);

/* Runs one call as `sender`, which must be an account that isn't revoked (the ledger looks first; it is looked at again).
 * Any verdict but VERDICT_OK leaves changes behind that the caller must undo. Anything is safe as `call`. */
MUST_USE enum verdict contracts_call(struct view_state *view, const struct context *context,
                                     const struct address *sender, const struct call *call,
                                     struct events *events);

/* The invariants, over the write set: the changes of balances, locks and treasury sum to minted - burned, and no offer has more
 * leased than offered. ERR_CORRUPT and a sentence: our bug or a damaged store, so the node stops. view->err first, if set. */
MUST_USE enum err contracts_end(struct view_state *view, struct fault *fault);

/* The earliest block time at which something falls due; UINT64_MAX if nothing does. May be in the past: then the next block has more to do. */
uint64_t contracts_due(struct view_state *view);

/* The whole state's money, for auditors: walks every account and lock. `even` is the invariant. */
struct contracts_supply {
    struct amount minted, burned;
    struct amount balances, escrows, stakes, deposits, treasury;
    bool even; /* balances + escrows + stakes + deposits + treasury = minted - burned */
};

extern const struct record contracts_supply_record;

MUST_USE enum err contracts_supply(struct view_state *view, struct contracts_supply *supply);

#endif
