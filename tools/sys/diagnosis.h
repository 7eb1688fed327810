/* Why the chain isn't moving, in one sentence: a pure function of what nodes say about themselves.
 *
 * A node applies it to itself (GET /v1/status, "waiting"), `tenure doctor` to all that answer:
 *
 *     waiting for COMMIT of validators node-2, node-3 for block 8 in view 0; node-3 unreachable since 12:04:11
 *     no quorum: 2 of 4 validators reach each other and 3 are needed; node-2, node-3 unreachable since 12:04:11
 *
 * The first part is the cause, taken from the node that has come furthest; what follows is every validator that needs care. */
#ifndef TOOLS_SYS_DIAGNOSIS_H
#define TOOLS_SYS_DIAGNOSIS_H

#include "base/limits.h"
#include "base/text.h"

/* Blocks that a node may lag without being called behind: what is under way between two nodes that are asked one after another. */
#define DIAGNOSIS_LAG 16

/* Room that a data folder's disk should have: a day of full blocks is far more, a node that stops far less. */
#define DIAGNOSIS_DISK_LOW (256ull << 20)

enum diagnosis_verdict {
    DIAGNOSIS_HEALTHY,

    /* --- the chain moves, but a validator needs care; the worst of them counts, the last here --- */
    DIAGNOSIS_DISK_LOW_HERE,
    DIAGNOSIS_CATCHING_UP, /* it knows that others are ahead, and fetches */
    DIAGNOSIS_BEHIND,      /* it doesn't know */
    DIAGNOSIS_CLOCK_OFF,   /* by more than a proposal's time may differ */
    DIAGNOSIS_MUTED,       /* it doesn't vote, since its log of votes isn't whole */
    DIAGNOSIS_UNREACHABLE, /* by the other validators, or it doesn't answer */
    DIAGNOSIS_HALTED,      /* its execution contradicts the quorum's */

    /* --- the chain doesn't move --- */
    DIAGNOSIS_NO_QUORUM,   /* too few validators reach each other */
    DIAGNOSIS_VIEW_CHANGE, /* it lacks VIEW-CHANGEs, or the new primary's NEW-VIEW */
    DIAGNOSIS_NO_PROPOSAL, /* of the primary */
    DIAGNOSIS_NO_PREPARES,
    DIAGNOSIS_NO_COMMITS,
    DIAGNOSIS_NOT_STORED, /* decided, and not yet durable: execution or disk */
    DIAGNOSIS_NO_ANSWER,  /* of any node */
};

/* Stable words for programs, such as "no_quorum". */
const char *diagnosis_name(enum diagnosis_verdict verdict);

/* True from DIAGNOSIS_NO_QUORUM on. */
bool diagnosis_is_stuck(enum diagnosis_verdict verdict);

/* What one node says. Bit s of a set is seat s. */
struct diagnosis_node {
    bool answers;      /* false: only the next two fields, and maybe `seat`, are known */
    const char *label; /* how people call it when its seat isn't known: its URL */
    const char *why;   /* it doesn't answer */
    uint8_t seat;      /* its own; LIMIT_VALIDATORS: not known */

    uint64_t clock_ms; /* Unix time there ... */
    uint64_t asked_ms; /* ... and here, at the same moment */
    uint64_t disk_free_bytes;

    uint64_t height;     /* committed */
    uint64_t durable;    /* and on disk; <= height */
    uint64_t target;     /* somebody is known to have it */
    uint64_t idle_ms;    /* since the last commit */
    uint64_t owed_ms;    /* since when something waits for the primary; 0: nothing does */
    uint64_t timeout_ms; /* its patience with the primary now */
    uint64_t view;
    uint8_t primary;
    bool active; /* else a change to `view` is on */
    bool muted, halted;
    uint32_t in_flight;         /* proposed, not committed */
    uint64_t prepares, commits; /* whose votes for block height + 1 are there */
    uint64_t changes;           /* who wants `view` or a higher one */

    uint64_t connected;                  /* others */
    uint64_t since_ms[LIMIT_VALIDATORS]; /* Unix time, by its clock: when that changed */
};

struct diagnosis {
    uint8_t validators, quorum;
    char names[LIMIT_VALIDATORS][LIMIT_TEXT_BYTES + 1];
    uint64_t interval_max_ms; /* a block comes at least so often */
    uint64_t clock_bound_ms;
    uint64_t now_ms; /* Unix time */
    struct diagnosis_node *nodes;
    uint32_t count;
};

struct diagnosis_finding {
    enum diagnosis_verdict verdict;
    uint64_t missing; /* seats that the cause waits for, and those that can't be reached */
};

/* Appends one sentence without a full stop to `out`. Requires count >= 1. */
struct diagnosis_finding diagnosis_make(const struct diagnosis *diagnosis, struct text *out);

/* "12:04:11" (UTC), with the date before it when it is more than 12 hours from `now_ms`. */
#define DIAGNOSIS_TIME_SIZE 32
const char *diagnosis_time(char text[DIAGNOSIS_TIME_SIZE], uint64_t unix_ms, uint64_t now_ms);

#endif
