/* Seats in one process under virtual time: the simulator owns clock, network, disks and liars, so a run is a seed and a commit.
 *
 *     struct cluster *c = cluster_new(&options);
 *     cluster_cut(c, 0);
 *     cluster_run(c, 5000);
 *     ck_assert_str_eq(cluster_story(c), "[ 210] 1 no progress in view 0\n" ...);
 *
 * Every seat is a real consensus core with a toy ledger (toy.h) and a driver's disk (station.h); judge.h watches all of it. */
#ifndef TEST_SIM_CLUSTER_H
#define TEST_SIM_CLUSTER_H

#include "test/sim/judge.h"
#include "test/sim/liar.h"
#include "test/sim/wheel.h"

struct cluster_options {
    uint64_t seed;
    uint8_t count;                       /* seats */
    uint64_t delay_min_ms, delay_max_ms; /* of a message */
    uint64_t disk_ms;                    /* longest sync */
    uint32_t loss, duplicates;           /* of 1,000 messages */
    uint64_t liars;                      /* bits of seats */
    uint32_t tricks;                     /* of the liars: enum liar_trick */
    uint64_t client_ms;                  /* a number is submitted so often; 0: none by itself */
    uint64_t timeout_ms;                 /* the core's first; 0: its default */
    uint64_t timeout_max_ms;             /* 0: the core's default */
    uint64_t block_interval_max_ms;      /* 0: the core's default */
    bool story;                          /* keep it */
};

struct cluster {
    struct cluster_options options;
    struct dice dice;
    struct wheel wheel;
    uint64_t now_ms;
    struct committee committee;
    struct verify_context context; /* of every seat */
    struct judge judge;
    struct toy_header genesis;
    struct station stations[LIMIT_VALIDATORS];
    struct event_work works[LIMIT_VALIDATORS]; /* as last fed */
    struct liar liars[LIMIT_VALIDATORS];
    struct liar_pact pact;
    uint64_t reach[LIMIT_VALIDATORS]; /* whom each can send to */
    uint64_t next_number;
    uint64_t *open; /* submitted, not yet in the chain; owned */
    size_t open_count, open_room;
    uint32_t view_changes, crashes; /* for the summary */
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

/* The network: cut a seat off, split seats from all others, heal all. */
void cluster_cut(struct cluster *cluster, uint8_t seat);
void cluster_split(struct cluster *cluster, uint64_t seats);
void cluster_one_way(struct cluster *cluster, uint8_t from, uint8_t to);
void cluster_heal(struct cluster *cluster);

/* Power: what isn't on disk is lost. */
void cluster_crash(struct cluster *cluster, uint8_t seat);
void cluster_restart(struct cluster *cluster, uint8_t seat);

/* The lowest height that all honest seats have decided; the highest any has. */
uint64_t cluster_low(const struct cluster *cluster);
uint64_t cluster_high(const struct cluster *cluster);

/* All honest seats are alive, and have decided everything that was submitted and is decided anywhere. */
bool cluster_is_done(const struct cluster *cluster);

/* What happened so far, a line each, "[time] seat sentence"; "" unless options.story. */
const char *cluster_story(const struct cluster *cluster);

#endif
