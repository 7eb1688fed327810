/* The demo's acts, in order. Each tells what happens, checks it, and is false when the story can't go on. */
#ifndef TOOLS_DEMO_SCENE_H
#define TOOLS_DEMO_SCENE_H

#include "tools/demo/stage.h"
#include "tools/tenure/job_view.h"

/* Founds a chain and starts four nodes and four replayers. */
bool scene_network(struct stage *stage);

/* Providers list offers of the four kinds; three agents begin to work; the consumer plans and submits job 1. */
bool scene_market(struct stage *stage);

/* Waits until `round` rounds are closed. */
bool scene_round(struct stage *stage, uint32_t round);

/* SIGKILL to one validator, and its start: it catches up to the same state root. */
bool scene_kill(struct stage *stage);

/* SIGSTOP to the primary: the view changes and work goes on; then SIGCONT, and it follows again. */
bool scene_stop_primary(struct stage *stage);

/* Waits for the job's end: completed. */
bool scene_end(struct stage *stage);

/* Until `done` says yes of a look at job 1. False after `timeout_ms`, with the reason on stderr. */
bool scene_wait(struct stage *stage, const char *what,
                bool (*done)(struct stage *stage, const struct job_view *view, uint64_t n),
                uint64_t n, uint64_t timeout_ms);

/* A node's /v1/status by itself; NULL when it is silent. Free with answer_free. */
struct answer *scene_status(struct stage *stage, uint32_t node);

/* The state root that a node's block at `height` certifies, in the arena; "" when it can't say. */
const char *scene_root_at(struct stage *stage, uint32_t node, uint64_t height);

#endif
