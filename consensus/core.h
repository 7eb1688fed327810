/* The inside of the core: for the files of consensus/ only.
 *
 * consensus.c dispatches. Handlers note facts: normal.c those of heights, change.c those of views, sync.c those of seats that are elsewhere.
 * After each event normal_advance() does whatever the facts now allow, height by height; pace.c keeps the time; journal.c the promises. */
#ifndef CONSENSUS_CORE_H
#define CONSENSUS_CORE_H

#include "consensus/consensus.h"
#include "consensus/plan.h"
#include "consensus/slot.h"

#define CORE_NEVER UINT64_MAX

/* What is known of another seat. */
struct core_peer {
    uint64_t view;        /* highest that it signed to be in or to want */
    uint64_t height;      /* highest that it signed to have committed */
    uint64_t heard_ms;    /* when something that it signed last came in; 0: never */
    /* When its STATUS was last answered: [1] one that is older than what it said before, which may be a replay and must
     * not use up the ration of the others, or of a node that had to go back. */
    uint64_t answered_ms[2];
    bool answered[2];
    uint64_t met_view; /* the last view of mine that it said to be in, which was answered over the ration */
    bool
        has_change; /* its VIEW-CHANGE of the highest view: change_view, and its bytes in `changes` */
    uint64_t change_view;
    size_t change_size;
    struct sign_signature change_signature;
    uint32_t failures;                   /* turns it didn't fill, less those that it did */
    uint64_t barred_view;                /* passed over as primary up to this view */
    bool accused[EVIDENCE_KIND_MAX]; /* by kind - 1: once is enough, since it costs the seat */
};

/* The block that a height of the NEW-VIEW's choice must be about. */
struct core_choice {
    uint64_t base; /* height below the first chosen one */
    uint32_t count;
    struct slot_block blocks[BOUNDS_WINDOW];
};

/* How promptly the primary of an active view proposes, and how promptly each seat did when it last was primary (pace.h). */
struct core_gauge {
    struct seat primary; /* whom it is about */
    struct view view;    /* of its turn */
    uint64_t turn_end;   /* its last height; 0: none began yet */
    uint64_t tip;        /* highest height that was proposed and executed here */
    uint64_t since_ms;   /* since when it owes a proposal; CORE_NEVER: it doesn't */
    uint64_t owed_ms;    /* in all, for `count` proposals */
    uint32_t count;
    uint64_t usual_ms[LIMIT_VALIDATORS]; /* of each seat, a proposal; 0: not known */
};

struct consensus {
    struct consensus_config config;
    struct committee committee;
    uint8_t faults, quorum;
    struct verify_context trusting; /* reads my own records */
    struct arena scratch;           /* of consensus_recover only */
    bool started, halted;

    /* --- views: voting <= view; active means voting == view --- */
    struct view view; /* that I'm in, or want */
    bool active;
    struct view voting;      /* the last one that I was active in: its votes are counted still */
    struct digest new_view;  /* that opened `voting`; zero for view 0 */
    uint8_t *new_view_bytes; /* its sealed message */
    size_t new_view_size;
    bool new_view_kept; /* was given out with a commit */
    struct core_choice choice;
    uint8_t *my_change; /* the body of my VIEW-CHANGE for `view`, while not active */
    size_t my_change_size;
    uint8_t *opening;    /* the body of my NEW-VIEW for `view`, if I made one */
    size_t opening_size; /* 0: not made */
    uint8_t *changes;    /* bodies of the last VIEW-CHANGE of each seat */
    size_t change_room;  /* for each */
    bool suspicious;     /* the primary proved to be faulty in this step */
    bool muted;          /* see struct event_start */
    struct view muted_view;
    struct height muted_height;

    /* --- heights: durable <= committed <= durable + BOUNDS_WINDOW --- */
    uint64_t committed;
    uint64_t durable;
    struct slot_block head;       /* the block at `committed` */
    struct slot_proof head_proof; /* its certificate */
    struct slot slots
        [BOUNDS_WINDOW]; /* durable + 1 .. durable + BOUNDS_WINDOW, by height modulo the window */

    /* --- others --- */
    struct core_peer peers[LIMIT_VALIDATORS];
    uint64_t target;       /* somebody has committed it, surely */
    uint64_t target_seats; /* who proved or says so */
    uint64_t asked_to;     /* last height that was asked for */
    uint64_t ask_ms;       /* when to ask (again); CORE_NEVER: nothing to ask for */
    uint64_t probed_ms;    /* when anybody was asked last, since nothing was committed for long */

    /* --- time --- */
    uint64_t now_ms, clock_ms;
    uint32_t backoff;     /* doublings of the time-out */
    uint64_t commit_ms;   /* last commit here */
    uint64_t progress_ms; /* the same, or when this view was entered */
    uint64_t pending_ms;  /* since when something waits for the primary; CORE_NEVER: nothing does */
    uint64_t wanted_ms;   /* since when a quorum wants `view` or more; CORE_NEVER: not yet */
    uint64_t proposed_ms; /* last proposal of mine */
    bool has_proposed;
    uint64_t status_ms; /* next STATUS */
    uint32_t excused;   /* time-outs that passed since, because others progress */
    struct event_work work;
    struct core_gauge gauge;
    uint64_t passed_base; /* of work.passed_over, when this view was entered or the mark changed */

    uint32_t accusations; /* of this step */

    /* --- asked and promised --- */
    uint64_t ticket; /* last one given */
    bool building;   /* a BUILD is out, under build_ticket */
    uint64_t build_ticket;
    uint64_t build_parent_height;
    bool work_renewed;  /* EVENT_WORK came since */
    uint64_t sequence;  /* of the last record */
    uint64_t log_bytes; /* written since the last rewrite */
    uint64_t log_start; /* of the first record that is still needed */
};

static inline struct slot *core_slot(struct consensus *c, uint64_t height)
{
    return &c->slots[height % BOUNDS_WINDOW];
}

static inline const struct slot *core_slot_const(const struct consensus *c, uint64_t height)
{
    return &c->slots[height % BOUNDS_WINDOW];
}

/* Highest height with a slot. */
static inline uint64_t core_top(const struct consensus *c)
{
    return c->durable + BOUNDS_WINDOW;
}

static inline bool core_is_observer(const struct consensus *c)
{
    return c->config.seat.n == COMMITTEE_NO_SEAT;
}

static inline bool core_is_primary(const struct consensus *c)
{
    return committee_primary(&c->committee, c->view).n == c->config.seat.n;
}

static inline uint64_t core_me(const struct consensus *c)
{
    return core_is_observer(c) ? 0 : COMMITTEE_BIT(c->config.seat.n);
}

static inline uint64_t core_others(const struct consensus *c)
{
    return committee_all(&c->committee) & ~core_me(c);
}

/* The digest that a child of height `height` must name as its parent; NULL: no block is held there.
 * Requires committed <= height <= core_top. */
static inline const struct consensus_block *core_block(const struct consensus *c, uint64_t height)
{
    if (height == c->committed)
        return &c->head.block;
    const struct slot *slot = core_slot_const(c, height);
    return slot_has_block(slot) ? &slot->held.block : NULL;
}

/* Is the block at `height` the last that this set certifies? Requires committed <= height <= core_top. */
static inline bool core_is_boundary(const struct consensus *c, uint64_t height)
{
    const struct consensus_block *block = core_block(c, height);
    return block != NULL && height > c->config.base.height.n &&
           !digest_equal(&block->next_set, &c->committee.digest);
}

/* What is voted on about the block held at a slot, in the view whose votes are counted. */
static inline struct ballot core_ballot(const struct consensus *c, const struct slot *slot)
{
    return (struct ballot){.set = c->committee.digest,
                           .height = slot->height,
                           .view = c->voting,
                           .digest = slot->held.block.digest,
                           .new_view = c->new_view};
}

#endif
