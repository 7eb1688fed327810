/* Seats that are elsewhere: STATUS, its answers, and catching up with what others committed. */
#ifndef CONSENSUS_SYNC_H
#define CONSENSUS_SYNC_H

#include "consensus/actions.h"

void sync_on_status(struct consensus *c, const struct message *m, struct actions *out);

/* Somebody is known to have committed `height`; `seats` have it. */
void sync_learn(struct consensus *c, uint64_t height, uint64_t seats);

/* A vote above the window: its seat has committed what is a window below. */
void sync_learn_far(struct consensus *c, struct seat seat, struct height voted);

/* Asks for blocks when it is time: those that somebody is known to have; and, when nothing was committed for longer than an idle chain takes,
 * anybody for whatever follows. */
void sync_advance(struct consensus *c, struct actions *out);

/* When to be called again. */
uint64_t sync_deadline_ms(const struct consensus *c);

/* Sends a STATUS to all others. */
void sync_tell_status(struct consensus *c, struct actions *out);

/* True while somebody has committed more than I have. */
bool sync_is_behind(const struct consensus *c);

#endif
