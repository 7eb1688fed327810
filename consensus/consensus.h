/* PBFT over hash-chained blocks as a pure state machine: events in, actions out. (DESIGN 5; Castro and
 * Liskov, 1999)
 *
 * One entry: consensus_step(state, event, actions). No clock, disk, network, key or thread is here; the
 * driver owns those, feeds events one after another and performs the actions *in their order*. The same
 * events give the same actions, bit for bit.
 *
 * A view, in one seat:
 *
 *            NEW-VIEW v + 1 verified            time-out, invalid proposal, end of turn, slow primary,
 *                                               or f + 1 others are above
 *     +-----------------------------------+     +---------------------------------------------------+
 *     v                                   |     |                                                   v
 *   ACTIVE v: votes in v                  +-- CHANGING v + 1: VIEW-CHANGE signed, no votes;
 *                                             still commits what others decide
 *
 * A height in an active view; each step needs the one before:
 *
 *   proposed   PRE-PREPARE, or chosen by the NEW-VIEW  -> EXECUTE once the parent was executed
 *   executed   EVENT_EXECUTED said VALID               -> PERSIST and SIGN a PREPARE (heights in order)
 *   prepared   a quorum of PREPAREs for one ballot     -> PERSIST and SIGN a COMMIT, if all below are prepared, and if
 *                                                         my PREPARE was for it too
 *   decided    a quorum of COMMITs, or a DECIDED       -> COMMIT (heights in order)
 *   durable    EVENT_COMMITTED                         -> forgotten; the window slides
 *
 * What the driver must keep (the promises of DESIGN 5 and 12 rest on it):
 * 1. Actions are performed in order; a SIGN or FORGET waits until the log is durable through its `after`
 *    and must not delay what follows.
 * 2. The log is durable in order: once a record is, all earlier ones are. Records are read back in order,
 *    each whole or (a torn tail) not at all; one torn in the middle is no tail: see `muted` below.
 * 3. A PERSIST that names a `body` is durable only when that block's body is too; the body is kept until
 *    its height is committed and durable.
 * 4. What was signed comes back as EVENT_MESSAGE, verified or unpacked with verify_trusting: the core
 *    counts its own vote only then. All but STATUS come back.
 * 5. The guard may refuse to sign; then nothing is sent nor comes back. A failed sync stops the node.
 * 6. Commits are made durable in order, and each is followed by EVENT_COMMITTED.
 * 7. EVENT_TICK comes once now_ms reaches actions.deadline_ms (earlier ones do no harm).
 *
 * Recovery: consensus_new, then consensus_recover for each record of the log in order, then EVENT_START
 * with the last durable block. The core asks again for what it needs: it executes the proposals that it
 * had voted for, and signs the same votes again.
 *
 * Membership: a core serves one set, from its `base` up to the first boundary (a block whose next_set
 * isn't its set). Nothing above an uncommitted boundary is proposed, executed or voted on; once one is
 * durable, the driver frees the core and makes one for the next set, in view 0, with the boundary as its
 * base. The log goes on: consensus_recover skips the records of other sets.
 *
 * An observer has no seat: it signs, builds and wants nothing, follows what members say, catches up,
 * executes and commits. */
#ifndef CONSENSUS_CONSENSUS_H
#define CONSENSUS_CONSENSUS_H

#include "consensus/evidence.h"
#include "consensus/narrate.h"
#include "consensus/verify.h"

struct consensus; /* opaque; 300 KB for n = 4, 5 MB for n = 64; all of it from consensus_new
                   */

/* --- configuration --- */

struct consensus_config {
    const struct committee *committee; /* borrowed; must outlive the core */
    struct digest chain;               /* the genesis digest */
    struct consensus_base base;        /* the set certifies what is above it */
    struct seat seat;                  /* mine; COMMITTEE_NO_SEAT: an observer */
    uint64_t sequence;                 /* of the last record in the log, before those that are recovered */
    subject_read *read;                /* reads headers (pure) */
    const void *read_self;             /* for `read` */

    uint64_t timeout_ms;     /* without progress before the primary is suspected, at first; >= 1 */
    uint64_t timeout_max_ms; /* the cap of its doubling; >= timeout_ms */
    uint64_t block_interval_min_ms; /* between two proposals of one primary, so that blocks fill */
    uint64_t block_interval_max_ms; /* a block is proposed at least so often, empty if need be */
    uint64_t status_interval_ms;    /* between two STATUS; >= 1 */
    uint64_t clock_bound_ms;  /* a fresh proposal's time may differ so much from the own clock */
    uint32_t in_flight_max;   /* proposed heights above the last committed one; 1..BOUNDS_WINDOW */
    uint32_t patience_blocks; /* committed blocks that may pass over a waiting transaction; >= 1 */
    uint32_t turn_blocks;     /* heights of one primary: then the next one's turn begins; >= 1 */
};

/* Sensible numbers for all but the identities: 2 s, 60 s, 20 ms, 6 s, 1 s, 30 s, 4, 4, 64. */
void consensus_config_defaults(struct consensus_config *config);

/* NULL only when memory is exhausted. Requires a sane configuration (CHECK). */
struct consensus *consensus_new(const struct consensus_config *config);
void consensus_free(struct consensus *consensus);

/* Feeds one record of the log, before EVENT_START, in order; `sequence` as ACTION_PERSIST gave it.
 * What was promised to another set is skipped. ERR_CORRUPT: the bytes are no record that this core wrote. */
MUST_USE enum err consensus_recover(struct consensus *consensus, uint64_t sequence,
                                    struct bytes record, struct fault *fault);

/* --- events --- */

enum event_kind {
    EVENT_START,     /* exactly once, before all others */
    EVENT_TICK,      /* time passed */
    EVENT_MESSAGE,   /* a verified message, also my own that came back */
    EVENT_BUILT,     /* answers ACTION_BUILD */
    EVENT_EXECUTED,  /* answers ACTION_EXECUTE */
    EVENT_COMMITTED, /* answers ACTION_COMMIT: durable */
    EVENT_WORK,      /* what waits in the pool has changed */
};

enum event_verdict {
    EVENT_VALID,   /* body and header agree, and my execution gave the header's roots */
    EVENT_INVALID, /* they don't, whatever body is found: never for want of a body */
};

struct event_start {
    struct bytes header;      /* of the last block committed and durable here; genesis at first */
    struct bytes certificate; /* its packed one, as ACTION_COMMIT gave it; empty for the base */
    /* The log isn't whole, or the guard is ahead of it: I don't vote in views up to `muted_view`,
     * and want no view before `muted_height` is committed here (the highest height the guard knows
     * a vote of). */
    bool muted;
    struct view muted_view;
    struct height muted_height;
};

struct event_built {
    uint64_t ticket; /* of the ACTION_BUILD */
    /* Of a block that was built *and executed* on the parent, its body kept; empty: nothing to build. */
    struct bytes header;
    bool more; /* the pool has transactions for yet another block */
};

struct event_executed {
    uint64_t
        ticket; /* of the ACTION_EXECUTE; an answer to what was discarded meanwhile is harmless */
    enum event_verdict verdict;
};

/* Sent when it changes, and after each EVENT_COMMITTED. */
struct event_work {
    bool buildable; /* transactions wait that no proposal of mine in flight holds */
    bool waiting;   /* one that the last committed state can execute waits, and was forwarded */
    uint64_t mark;  /* names the one that waits longest: another mark, another transaction */
    uint64_t passed_over; /* committed blocks that had room for it, since it could be executed */
    uint64_t due_ms;      /* Unix time when something on the chain falls due; UINT64_MAX: nothing */
};

struct event {
    enum event_kind kind;
    uint64_t now_ms;   /* monotonic; never less than before */
    uint64_t clock_ms; /* Unix time: for the time of fresh proposals, and what falls due */
    union {
        struct event_start start;
        const struct message *message;
        struct event_built built;
        struct event_executed executed;
        struct height committed;
        struct event_work work;
    } as;
};

/* --- actions --- */

enum action_kind {
    ACTION_PERSIST, /* append a record to the log */
    ACTION_SIGN,    /* sign a body, seal it, send it, and give it back as EVENT_MESSAGE */
    ACTION_SEND,    /* send a whole message, at once */
    ACTION_BUILD,   /* build and execute a block on a parent */
    ACTION_EXECUTE, /* get a body, check and execute it on its parent's overlay */
    ACTION_COMMIT,  /* the block is final: bring its overlay to the store */
    ACTION_DISCARD, /* drop an overlay, finished or not; children come first, promised bodies stay */
    ACTION_CATCH_UP, /* ask peers for committed blocks */
    ACTION_FORGET,   /* drop the head of the log */
    ACTION_ACCUSE,   /* a seat signed what no correct one does: here is the proof */
    ACTION_HALT, /* my execution contradicts a certificate: stop, keep the data, call a person */
    ACTION_TELL, /* one line of the story, for logs and tests */
};

struct action_persist {
    uint64_t sequence; /* 1, 2, ... without a gap, over restarts too */
    struct bytes record;
    bool has_body; /* the body of `body` must be durable together with this record */
    struct digest body;
};

struct action_sign {
    enum message_tag tag; /* gives the domain */
    struct bytes body;    /* what is signed and sent */
    uint64_t after;       /* wait until the log is durable through this sequence; 0: don't wait */
    uint64_t to;          /* bits of seats, never mine */
    struct view view;     /* for the guard: PREPARE, COMMIT, VIEW-CHANGE, NEW-VIEW, PRE-PREPARE */
    struct height height; /* for the guard: PREPARE, COMMIT, PRE-PREPARE; else 0 */
    struct digest digest; /* for the guard: of the block voted on; else of the body */
};

struct action_send {
    struct bytes message;
    uint64_t to; /* bits of seats, never mine */
};

struct action_build {
    uint64_t ticket;
    struct height height;
    struct view view; /* the header's view; its proposer is me */
    struct digest parent;
    bool empty_too; /* build also when nothing waits; else answer with an empty header */
};

struct action_execute {
    uint64_t ticket;
    struct bytes header;
    struct consensus_block block; /* what it says; the parent is committed, or was executed here */
    /* Bits of seats known to hold the body; others may, too, and all of them serve what is committed.
     * The driver asks until it is there, or discarded. */
    uint64_t holders;
};

struct action_commit {
    struct height height;
    struct digest digest;
    struct bytes certificate; /* packed; stored with the block */
    /* Not empty with the first block that this node commits in a view above 0: the sealed NEW-VIEW
     * that opened it, to be kept as long as blocks whose certificates name its digest. */
    struct bytes new_view;
    struct digest new_view_digest;
};

/* For each height the driver gets body, header and certificate from one of `seats`, keeps the body, and feeds
 * message_decide()'s message, checked by verify_message, as EVENT_MESSAGE, lower heights first. Asked again
 * while they don't come. */
struct action_catch_up {
    struct height from, to; /* inclusive; at most BOUNDS_WINDOW heights */
    uint64_t seats; /* bits of seats that say or prove that they have them, or of all when nothing moves and nobody does */
};

struct action_forget {
    uint64_t before; /* records with a lower sequence are no longer needed ... */
    uint64_t after;  /* ... once the log is durable through this one */
    /* The chain that makes up for them, durable: on a shorter one (an old copy of its folder) a log without them isn't whole. */
    struct height durable;
};

/* Given once for each (seat, kind), so that a liar can't make us write without end, and perhaps again after a
 * restart. Of the core's own set. */
struct action_accuse {
    struct bytes evidence; /* packed; evidence_check() finds the same */
    enum evidence_kind kind;
    struct seat seat;
    struct view view;
};

struct action {
    enum action_kind kind;
    union {
        struct action_persist persist;
        struct action_sign sign;
        struct action_send send;
        struct action_build build;
        struct action_execute execute;
        struct action_commit commit;
        struct digest discard;
        struct action_catch_up catch_up;
        struct action_forget forget;
        struct action_accuse accuse;
        struct height halt;
        struct narrate_line tell;
    } as;
};

/* What a step wants. Bytes in it live in `arena`, or in what the event borrowed, until the arena is
 * cleared. */
struct actions {
    struct arena *arena; /* the caller's; room for consensus_step_bytes() */
    struct action list[BOUNDS_ACTIONS];
    uint32_t count;
    uint64_t deadline_ms;         /* EVENT_TICK is wanted at this now_ms; UINT64_MAX: never */
    enum narrate_ignored ignored; /* why the event changed nothing, or NARRATE_HEEDED */
};

/* Room that one step may need in actions->arena. Exhausting it is our bug (CHECK). */
size_t consensus_step_bytes(const struct consensus *consensus);

/* Requires EVENT_START first and only once, and messages from verify_message() with this core's
 * committee and chain. Resets *out but its arena. Cannot fail. */
void consensus_step(struct consensus *consensus, const struct event *event, struct actions *out);

/* --- for people --- */

struct consensus_summary {
    struct view view;
    bool active; /* else a view change to `view` is on */
    bool halted;
    bool muted;              /* no votes in `view`, since the log of votes isn't whole */
    struct seat primary;     /* of `view` */
    struct height committed; /* decided here */
    struct height durable;   /* and on disk */
    struct height target;    /* somebody is known to have it; above `committed`: catching up */
    uint32_t in_flight;      /* proposed, not yet committed */
    uint64_t prepares;       /* bits of seats whose vote for the lowest height in flight is here */
    uint64_t commits;
    uint64_t changes;    /* bits of seats that want `view` or a higher one */
    uint64_t timeout_ms; /* as it is now, after doublings */
    uint64_t commit_ms;  /* when the last block was committed here, or the core was started */
    uint64_t pending_ms; /* since when something waits for the primary; UINT64_MAX: nothing does */
};

void consensus_summarise(const struct consensus *consensus, struct consensus_summary *summary);

#endif
