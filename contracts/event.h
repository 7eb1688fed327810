/* Events: every change of state, as a typed record [tag, record] in the receipt, also those that no transaction made.
 * Tags are never changed or reused. Many tags share one shape of record. */
#ifndef CONTRACTS_EVENT_H
#define CONTRACTS_EVENT_H

#include "base/address.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/record.h"
#include "base/sign.h"
#include "base/units.h"

/* After so many events of one block's start nothing more that falls due is begun (contracts_begin). */
#define EVENT_BLOCK_MAX 4096

/* Addresses that one event names. */
#define EVENT_ADDRESSES_MAX 3

/* clang-format off */
#define EVENT_LIST(X)                                                                                \
    X(MEMBER_REGISTERED,   1, "member_registered",   member)                                         \
    X(MEMBER_ROLES,        2, "member_roles",        member)                                         \
    X(MEMBER_REVOKED,      3, "member_revoked",      member)                                         \
    X(MEMBER_RESTORED,     4, "member_restored",     member)                                         \
    X(TRANSFERRED,        10, "transferred",         transfer)                                       \
    X(MINTED,             11, "minted",              transfer)   /* from: zero */                    \
    X(BURNED,             12, "burned",              transfer)   /* from and to: zero; of the treasury */ \
    X(SPENT,              13, "spent",               transfer)   /* from: zero; of the treasury */   \
    X(LOCKED,             14, "locked",              lock)       /* account: the owner */            \
    X(UNLOCKED,           15, "unlocked",            lock)       /* account: the owner */            \
    X(PAID,               16, "paid",                lock)       /* account: who got it */           \
    X(FORFEITED,          17, "forfeited",           lock)       /* to the treasury; account: who lost it */ \
    X(OFFER_LISTED,       20, "offer_listed",        offer)                                          \
    X(OFFER_UPDATED,      21, "offer_updated",       offer)                                          \
    X(OFFER_CLOSING,      22, "offer_closing",       offer)                                          \
    X(OFFER_ENDED,        23, "offer_ended",         offer)                                          \
    X(STATEMENT_USED,     24, "statement_used",      serial)                                         \
    X(STATEMENT_FORGOTTEN,25, "statement_forgotten", serial)                                         \
    X(LEASE_OPENED,       30, "lease_opened",        lease)                                          \
    X(LEASE_ENDED,        31, "lease_ended",         lease)                                          \
    X(ITEM_LEASED,        32, "item_leased",         item)                                           \
    X(ITEM_ENDED,         33, "item_ended",          item)                                           \
    X(JOB_SUBMITTED,      40, "job_submitted",       job)                                            \
    X(JOB_WAITING,        41, "job_waiting",         job)        /* no machines yet */               \
    X(JOB_LEASED,         42, "job_leased",          job)                                            \
    X(JOB_ENDING,         43, "job_ending",          job)        /* when no slot is at work; reason */ \
    X(JOB_ENDED,          44, "job_ended",           job)                                            \
    X(ROUND_OPENED,       50, "round_opened",        round)                                          \
    X(ROUND_EXTENDED,     51, "round_extended",      round)                                          \
    X(ROUND_CLOSING,      52, "round_closing",       round)                                          \
    X(ROUND_VOTED,        53, "round_voted",         round)      /* account: the replayer */         \
    X(ROUND_CLOSED,       54, "round_closed",        round)      /* root: of the next global state */ \
    X(SEGMENT_STARTED,    60, "segment_started",     segment)                                        \
    X(SEGMENT_WAITING,    61, "segment_waiting",     segment)    /* no machine yet */                \
    X(SEGMENT_COMMITTED,  62, "segment_committed",   segment)                                        \
    X(SEGMENT_SERVED,     63, "segment_served",      segment)                                        \
    X(SEGMENT_VERIFIED,   64, "segment_verified",    segment)    /* amount: paid */                  \
    X(SEGMENT_REJECTED,   65, "segment_rejected",    segment)    /* reason; amount: slashed */       \
    X(SEGMENT_MISSED,     66, "segment_missed",      segment)    /* not in this round */             \
    X(SEGMENT_CLAIMED,    67, "segment_claimed",     segment)    /* trace_root: with the true leaves */ \
    X(AUDIT_ASSIGNED,     70, "audit_assigned",      audit)                                          \
    X(AUDIT_DRAWN,        71, "audit_drawn",         audit)                                          \
    X(AUDIT_SEALED,       72, "audit_sealed",        audit)                                          \
    X(AUDIT_AGREED,       73, "audit_agreed",        audit)                                          \
    X(AUDIT_DISPUTED,     74, "audit_disputed",      audit)      /* leaf: its answer */              \
    X(AUDIT_ENDED,        75, "audit_ended",         audit)      /* without an answer: mute, outvoted or no longer needed */ \
    X(VOTE_CAST,          76, "vote_cast",           audit)      /* leaf: the answer */              \
    X(VOTE_DECIDED,       77, "vote_decided",        audit)      /* leaf: the answer of f + 1 */     \
    X(BEACON_REVEALED,    80, "beacon_revealed",     beacon)                                         \
    X(BEACON_RENEWED,     81, "beacon_renewed",      beacon)                                         \
    X(PROPOSED,           90, "proposed",            proposal)                                       \
    X(VOTED,              91, "voted",               proposal)                                       \
    X(DECIDED,            92, "decided",             proposal)                                       \
    X(PARAMETERS_CHANGED, 93, "parameters_changed",  proposal)                                       \
    X(VALIDATOR_ADDED,    94, "validator_added",     validator)                                      \
    X(VALIDATOR_REMOVED,  95, "validator_removed",   validator)                                      \
    X(VALIDATOR_REPLACED, 96, "validator_replaced",  validator)  /* who comes */                     \
    X(VALIDATOR_VACATED,  97, "validator_vacated",   validator)                                      \
    X(VALIDATOR_GUILTY,   98, "validator_guilty",    guilt)      /* account: who proved it */       \
    X(UPGRADE_DECIDED,    99, "upgrade_decided",     upgrade)                                      \
    X(CHALLENGE_RAISED,  110, "challenge_raised",    challenge)                                      \
    X(CHALLENGE_DECIDED, 111, "challenge_decided",   challenge)  /* status; amount: slashed */       \
    X(ROUND_TAINTED,     112, "round_tainted",       round)      /* its result descends from a falsehood */
/* clang-format on */

#define EVENT_VALUE(symbol, tag, name, shape) EVENT_##symbol = tag,
enum event_tag { EVENT_LIST(EVENT_VALUE) };
#undef EVENT_VALUE

/* --- shapes; what doesn't apply is zero --- */

struct event_member {
    struct address account;
    uint32_t roles;
};

struct event_transfer {
    struct address from, to;
    struct amount amount;
};

struct event_lock { /* names the lock as contracts/credits.h does */
    uint8_t kind;
    uint64_t object;
    uint32_t part;
    struct address account;
    struct amount amount;
};

struct event_offer {
    uint64_t offer;
    struct address provider;
    uint8_t kind;
    uint8_t reason;
};

struct event_serial {
    struct address signer;
    uint64_t serial;
};

struct event_lease {
    uint64_t lease;
    uint64_t job;
    struct address consumer;
    uint8_t reason;
};

struct event_item {
    uint64_t lease;
    uint32_t item;
    uint64_t offer;
    uint16_t slot;
    struct address provider;
    struct amount price;
    uint8_t reason;
};

struct event_job {
    uint64_t job;
    struct address consumer;
    uint8_t reason;
};

struct event_round {
    uint64_t job;
    uint32_t round;
    struct address account;
    struct digest root;
    uint64_t included; /* bit w: slot w's segment is verified */
};

struct event_segment {
    uint64_t job;
    uint32_t round;
    uint16_t slot;
    uint16_t attempt;
    struct address worker;
    uint8_t reason;
    struct amount amount;
    struct digest trace_root;
    struct digest end_root;
};

struct event_audit {
    uint64_t job;
    uint32_t round;
    uint16_t slot;
    uint16_t attempt;
    struct address replayer;
    uint16_t interval;
    struct digest state_root;
    struct digest witness;
};

struct event_challenge {
    uint64_t challenge;
    uint64_t job;
    uint32_t round;
    uint16_t slot;
    uint16_t attempt;
    uint16_t interval;
    struct address challenger;
    uint8_t status;
    struct amount amount;
};

struct event_beacon {
    struct address replayer;
    uint64_t epoch;
    struct digest value; /* preimage, or the new chain's end */
};

struct event_proposal {
    uint64_t proposal;
    struct address account;
    uint8_t kind;
    uint8_t status;
    bool yes;
};

struct event_validator {
    uint8_t seat;
    struct sign_public public_key;
    struct address replayer;
    uint64_t since; /* the first height of the set that the change makes */
};

struct event_guilt {
    uint8_t seat;
    uint8_t kind; /* consensus/evidence.h */
    struct address account;
    uint64_t height, view;
};

struct event_upgrade {
    uint64_t height; /* blocks above it ... */
    uint8_t version; /* ... have this protocol version */
};

extern const struct record event_member_record;
extern const struct record event_transfer_record;
extern const struct record event_lock_record;
extern const struct record event_offer_record;
extern const struct record event_serial_record;
extern const struct record event_lease_record;
extern const struct record event_item_record;
extern const struct record event_job_record;
extern const struct record event_round_record;
extern const struct record event_segment_record;
extern const struct record event_audit_record;
extern const struct record event_challenge_record;
extern const struct record event_beacon_record;
extern const struct record event_proposal_record;
extern const struct record event_validator_record;
extern const struct record event_guilt_record;
extern const struct record event_upgrade_record;

/* [tag, record] of all of them. */
extern const struct record_choice event_choice;

/* "transferred"; "unknown" for a number that is none. Never NULL. */
const char *event_name(uint16_t tag);

/* --- collecting --- */

struct event_entry {
    uint16_t tag;
    struct bytes packed;                           /* [tag, record]; in the arena */
    struct address addresses[EVENT_ADDRESSES_MAX]; /* that the record names; none of them zero */
    uint8_t address_count;
};

struct events {
    struct arena *arena;
    struct event_entry *list; /* in the order in which they happened; in the arena */
    uint32_t count;
    uint32_t room;
    bool failed; /* the arena is full; the list is short */
};

/* Empty. One for each receipt. Nothing to release. */
void event_init(struct events *events, struct arena *arena);

/* Appends. `record` is of the tag's shape. */
void event_add(struct events *events, enum event_tag tag, const void *record);

/* Back to what it was when `count` events were there: what a failed transaction did is dropped. */
void event_undo(struct events *events, uint32_t count);

#endif
