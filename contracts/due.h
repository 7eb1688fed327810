/* The index of what falls due, ordered by block time. Every object has at most one timer and remembers when it is set.
 *
 *     due/ <time u64> <kind u8> <object u64> <part u32> -> struct due
 *     due_match/ the same, for searches: they cost most
 *     due_statement/ the same, for what is only tidied up, and of which anybody may have much
 *
 * Each queue has its own share of a block (contracts_begin), so that no other holds up a deadline.
 *
 *     due_set(0 -> t)      the timer is set           due_set(t -> u)   it is moved           due_set(t -> 0)   it is stopped
 *     due_take             it fired: the entry is gone, and its object's contract is asked to act */
#ifndef CONTRACTS_DUE_H
#define CONTRACTS_DUE_H

#include "contracts/path.h"
#include "contracts/view.h"

enum due_kind {
    DUE_OFFER = 1,      /* object: offer. Its expiry */
    DUE_JOB = 2,        /* object: job. Its deadline: everything it holds is freed */
    DUE_MATCH = 3,      /* object: job. It waits for machines, or a round waits to be closed */
    DUE_SLOT = 4,       /* object: job, part: slot. The deadline of the slot's present state */
    DUE_PROPOSAL = 5,   /* object: proposal. Its expiry */
    DUE_STATEMENT = 6,  /* object: a number. A statement's serial may be forgotten */
    DUE_CHALLENGE = 10, /* object: challenge. Its answers' deadline */
    DUE_STAKE = 11,     /* object: lease, part: item. Its stake isn't held any more */
    DUE_SEARCH = 12,    /* object: job, part: slot. The slot waits for a machine */
};

enum due_queue { DUE_DEADLINES, DUE_MATCHES, DUE_STATEMENTS };
#define DUE_QUEUES 3

struct due {
    uint64_t time_ms;
    uint8_t kind; /* enum due_kind */
    uint64_t object;
    uint32_t part;
};

extern const struct record due_record;

/* Moves the timer of (kind, object, part) from `old_ms` to `new_ms`; 0 is none. */
void due_set(struct view_state *view, enum due_kind kind, uint64_t object, uint32_t part,
             uint64_t old_ms, uint64_t new_ms);

/* Takes the queue's earliest timer behind *after (an empty path: from the start) that isn't later than `now_ms` out of the index, and moves
 * *after to it; false if there is none. So a timer that is set meanwhile for a time that has passed fires in the next block. */
bool due_take(struct view_state *view, enum due_queue queue, uint64_t now_ms, struct path *after,
              struct due *due);

/* The earliest timer, of any kind; UINT64_MAX if there is none. */
uint64_t due_first(struct view_state *view);

#endif
