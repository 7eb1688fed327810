/* Seats in one process under virtual time: the simulator owns clock, network, disks and liars, so a run is a seed and a commit.
 *
 *     struct cluster *c = cluster_new(&options);
 *     cluster_cut(c, 0);
 *     cluster_run(c, 5000);
 *     ck_assert_str_eq(cluster_story(c), "[ 210] 1 no progress in view 0\n" ...);
 *
 * Every node is a real consensus core with a driver's disk (station.h) and a ledger, a toy (toy.h) or the real one (estate.h); judge.h watches
 * all of it. */
#ifndef TEST_SIM_CLUSTER_H
#define TEST_SIM_CLUSTER_H

#include "test/sim/coverage.h"
#include "test/sim/judge.h"
#include "test/sim/liar.h"
#include "test/sim/links.h"
#include "test/sim/wheel.h"

struct cluster_options {
    uint64_t seed;
    uint8_t count;                       /* seats at first */
    uint8_t spares;                      /* members that sit in none at first */
    uint64_t delay_min_ms, delay_max_ms; /* of a message */
    uint64_t disk_ms;                    /* longest sync */
    uint32_t loss, duplicates;           /* of 1,000 messages */
    uint64_t liars;          /* bits of members: a seat's number at first, then the spares' */
    uint32_t tricks;         /* of the liars: enum liar_trick */
    bool real;               /* the real ledger, not a toy ... */
    bool sound;              /* ... with real signatures of transactions */
    uint64_t skew_ms;        /* largest difference of a clock from the true time */
    uint32_t power_cuts;     /* of 100,000 actions: power fails right after it */
    uint32_t blackouts;      /* of 1,000 decisions: power fails everywhere about then */
    bool calm;               /* nothing goes wrong, so nobody may suspect a primary */
    uint64_t client_ms;      /* a number is submitted so often; 0: none by itself */
    uint64_t motion_ms;      /* the set of validators changes so often; 0: never */
    uint64_t keep;           /* blocks that a node serves; 0: all */
    uint64_t rotten;         /* bits of members that motions count as liars */
    uint64_t timeout_ms;     /* the core's first; 0: its default */
    uint64_t timeout_max_ms; /* 0: the core's default */
    uint64_t block_interval_max_ms; /* 0: the core's default */
    uint32_t turn_blocks;           /* 0: the core's default */
    bool story;                     /* keep it */
};

/* A node is a member's, by the same number; a twin's nodes come after all members. */
struct cluster {
    struct cluster_options options;
    struct dice dice;
    struct wheel wheel;
    struct links links;
    uint64_t now_ms;
    struct books_world world;
    struct judge judge;
    uint8_t nodes, members;
    uint8_t twins[LIMIT_VALIDATORS];           /* the second node of a member; 0: it has none */
    struct station stations[LIMIT_VALIDATORS]; /* by node, as all that follows */
    struct event_work works[LIMIT_VALIDATORS]; /* as last fed */
    struct liar liars[LIMIT_VALIDATORS];
    struct liar_pact pact;
    int64_t skews_ms[LIMIT_VALIDATORS];
    uint64_t slow_ms[LIMIT_VALIDATORS]; /* until when the disk is slow */
    uint64_t sent[LIMIT_VALIDATORS];    /* messages since the last STATUS */
    uint64_t next_number;
    uint64_t *open; /* submitted, not yet in the chain; owned */
    size_t open_count, open_room;
    uint64_t motion; /* the last number of governance; 0: none */
    struct coverage coverage;
    uint64_t trace;         /* of everything that happened, in order */
    struct actions actions; /* of one step; here, since clearing it costs more than the step */
    struct text story;
};

/* A quiet cluster of `count`: 10 ms each message, 1 ms each sync, nothing lost, no liar, no client. */
struct cluster_options cluster_quiet(uint8_t count);

struct cluster *cluster_new(const struct cluster_options *options);
void cluster_free(struct cluster *cluster);

/* Runs until this virtual time. */
void cluster_run(struct cluster *cluster, uint64_t until_ms);

/* A client gives the next number to some seats; it does so again until the number is in the chain. */
void cluster_submit(struct cluster *cluster, uint64_t seats);

/* Moves a change of the set of validators: a client's number as others, but only given once. */
void cluster_move(struct cluster *cluster, const struct motion *motion);

/* Governance moves what can have an effect, with no more faults in the set that follows than it bears; nothing while its last motion
 * isn't in the chain. */
void cluster_govern(struct cluster *cluster);

/* The network: cut a node off, split nodes from all others, heal all. More is in links.h. */
void cluster_cut(struct cluster *cluster, uint8_t node);
void cluster_split(struct cluster *cluster, uint64_t nodes);
void cluster_heal(struct cluster *cluster);

/* Power: what isn't on disk is lost; of a log that isn't synced, some of the beginning may have made it. */
void cluster_crash(struct cluster *cluster, uint8_t node);
void cluster_restart(struct cluster *cluster, uint8_t node);

/* The disk is so slow for a while. Or a record of the log can't be read at the next start: any, or (a write that went elsewhere) the last. */
void cluster_slow(struct cluster *cluster, uint8_t node, uint64_t for_ms);
void cluster_rot(struct cluster *cluster, uint8_t node, bool last);

/* The lowest height that all honest seats have decided; the highest any has. */
uint64_t cluster_low(const struct cluster *cluster);
uint64_t cluster_high(const struct cluster *cluster);

/* All honest members of the last set are alive, and have decided everything that was submitted and is decided anywhere; and those that
 * were removed have stopped. */
bool cluster_is_done(const struct cluster *cluster);

/* What happened so far, a line each, "[time] seat sentence"; "" unless options.story. */
const char *cluster_story(const struct cluster *cluster);

#endif
