/* What this validator has signed, so small that it can be durable beside every vote: it never lets two different statements for one
 * (set, view, kind, height) leave. Pure.
 *
 * Votes of one kind leave in height order within a view (DESIGN 5), so the last few heights of each kind are enough:
 *
 *     asked to sign                          answer
 *     for a set older than the guard's       no
 *     for a newer set                        yes; the guard goes there, to its view, and forgets all of the set before
 *     a view below the guard's               no
 *     a view above the guard's               yes; the guard goes there and forgets the heights of the view below
 *     the same again                         yes (a restart or a lost message repeats votes)
 *     a height above the last of its kind    yes
 *     anything else                          no
 *     VIEW-CHANGE v, after votes in v        no: it would leave them out; otherwise it takes the guard to v
 */
#ifndef TOOLS_TENURED_GUARD_H
#define TOOLS_TENURED_GUARD_H

#include "consensus/consensus.h"

/* Kinds that are counted by height. */
#define GUARD_KINDS 3

struct guard_entry {
    struct height height;
    struct digest digest;
};

struct guard_kind {
    struct guard_entry *entries; /* ascending heights */
    uint32_t count;              /* <= BOUNDS_WINDOW */
    struct guard_entry room[BOUNDS_WINDOW];
};

struct guard {
    struct digest chain; /* genesis digest: a key serves one chain */
    uint64_t since;      /* the first height of the set that it votes in; views restart with each */
    struct view view;
    struct height height; /* the highest of any vote, ever */
    struct height forgotten; /* promises about blocks up to here may have left the log, since the chain had these blocks */
    /* Promises in views up to here, and about blocks up to here, are lost with a log that wasn't whole; 0: none, ever. */
    struct view missed_view;
    struct height missed_height;
    struct digest view_change; /* body of the VIEW-CHANGE signed for `view`; zero: none */
    struct digest new_view;    /* the same of the NEW-VIEW */
    struct guard_kind pre_prepare, prepare, commit;
};

#define GUARD_BYTES_MAX 2048

/* Nothing signed yet. */
void guard_init(struct guard *guard, const struct digest *chain);

/* True if `sign` may be signed by a member of the set since height `since`; then the guard knows it, and must be durable before the signature leaves. STATUS is always allowed. */
MUST_USE bool guard_allow(struct guard *guard, uint64_t since, const struct action_sign *sign);

/* Has it signed anything in its view? */
bool guard_has_signed(const struct guard *guard);

/* The highest height of any vote that the guard knows of; 0: none. */
struct height guard_height(const struct guard *guard);

/* The packed guard. Returns its size. */
size_t guard_pack(uint8_t out[GUARD_BYTES_MAX], const struct guard *guard);

/* ERR_MALFORMED or ERR_LIMIT if the bytes are none. */
MUST_USE enum err guard_unpack(struct guard *guard, struct bytes in);

#endif
