/* Which piece of long work an agent does next: of all that its passes over the jobs find, the one that is due first. (Liu and Layland 1973,
 * "Scheduling algorithms for multiprogramming in a hard-real-time environment", section 7)
 *
 * Long work (a training, a replay, a fetch of states) looks up between two intervals and lets a pass run inside itself. What takes no time is
 * done there at once; a piece of long work begins inside only if it is due before the one that it interrupts, and ends before that goes on.
 *
 *     agenda_clear --agenda_take (false: noted)--> ... --agenda_begin--> running --agenda_take (true, once)--> its work --agenda_end-->
 *         ^                                                                              |
 *         +------------------------- a pass inside it, between two intervals <-----------+
 *
 * What has just been tried is left alone for as long as it took, and a moment more: so work that fails keeps an agent from no other. */
#ifndef TOOLS_TENURE_AGENDA_H
#define TOOLS_TENURE_AGENDA_H

#include "contracts/jobs.h"

/* Pieces of work that run inside each other: one, one that is more urgent, and one that is brief, for which the last place is kept. */
#define AGENDA_DEPTH 3

/* Pieces left alone at a time: a round's slots. What is forgotten is tried again sooner. */
#define AGENDA_TRIED_MAX JOBS_WORKERS_MAX

/* How long a piece of work is left alone at least when it was tried. */
#define AGENDA_REST_MS 500

struct agenda_task {
    struct jobs_segment segment; /* a round's close: slot JOBS_WHOLE */
    uint64_t challenge;          /* 0: none */
    uint64_t deadline_ms;        /* block time; 0: none */
    bool brief;                  /* an interval at most: goes before all that isn't */
};

struct agenda_running {
    struct agenda_task task;
    uint64_t begun_ms;
    bool taken;
};

struct agenda_tried {
    struct agenda_task task;
    uint64_t until_ms; /* 0: empty */
};

/* Begins as zeros. `now_ms` is any clock that doesn't go back; deadlines are only compared with each other. */
struct agenda {
    struct agenda_running running[AGENDA_DEPTH]; /* each interrupted by the next */
    uint32_t depth;
    struct agenda_task noted; /* of this pass, the one that is due first */
    bool any;                 /* there is one */
    struct agenda_tried tried[AGENDA_TRIED_MAX];
    uint32_t tried_next;
};

/* A pass begins: forgets what was noted. */
void agenda_clear(struct agenda *agenda);

/* True once: when `task` is the one that agenda_begin has chosen. Else it is noted, unless it is running (then its deadline is what it is now),
 * was just tried, or doesn't go before what it would interrupt. */
bool agenda_take(struct agenda *agenda, const struct agenda_task *task, uint64_t now_ms);

/* The task that was noted, which from here on is running; false if there is none. */
bool agenda_begin(struct agenda *agenda, struct agenda_task *task, uint64_t now_ms);

/* The one that began last is over, for good or ill. */
void agenda_end(struct agenda *agenda, uint64_t now_ms);

/* True while work at this job is running. */
bool agenda_is_running(const struct agenda *agenda, uint64_t job);

/* True if block time `time_ms` is beyond what the innermost running task had. */
bool agenda_is_late(const struct agenda *agenda, uint64_t time_ms);

#endif
