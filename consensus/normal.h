/* The normal case: proposals, votes, executions and commits of heights in a view. (PBFT 4.2) */
#ifndef CONSENSUS_NORMAL_H
#define CONSENSUS_NORMAL_H

#include "consensus/actions.h"

void normal_on_pre_prepare(struct consensus *c, const struct message *m, struct actions *out);
void normal_on_prepare(struct consensus *c, const struct message *m, struct actions *out);
void normal_on_commit(struct consensus *c, const struct message *m, struct actions *out);
void normal_on_decided(struct consensus *c, const struct message *m, struct actions *out);
void normal_on_built(struct consensus *c, const struct event_built *built, struct actions *out);
void normal_on_executed(struct consensus *c, const struct event_executed *executed,
                        struct actions *out);
void normal_on_committed(struct consensus *c, struct height height, struct actions *out);

/* Does all that the facts allow: executes, votes, commits, builds. */
void normal_advance(struct consensus *c, struct actions *out);

/* Makes the slot of `height` new, with the NEW-VIEW's choice for it if there is one. */
void normal_open_slot(struct consensus *c, uint64_t height);

/* A verified commit certificate, which may be for the block held or locked at its height. */
void normal_note_decided(struct consensus *c, const struct certificate *certificate,
                         struct actions *out);

/* Signs again what was promised in the current view, after a restart. */
void normal_repeat_votes(struct consensus *c, struct actions *out);

/* Lowest height that the primary may propose freshly: all below was settled by the NEW-VIEW. */
uint64_t normal_first_fresh(const struct consensus *c);

#endif
