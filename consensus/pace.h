/* Time: when a primary is suspected, when a block is due, when the next STATUS goes out. (DESIGN 5)
 *
 * The time-out doubles with each view that fails, up to a cap, and is halved with each block that commits. In an active view it runs
 *   - from when something waits (a proposal, a transaction, what falls due on the chain) or from the last progress after that;
 *   - else, on an idle chain, from block_interval_max_ms after the last progress, when a heartbeat block should have come.
 * A seat that doesn't hear a quorum blames nobody: its VIEW-CHANGE would reach nobody, and only bind itself.
 * While a view change is on it runs only once a quorum is known to want this view or a higher one: so a lonely seat doesn't run away. */
#ifndef CONSENSUS_PACE_H
#define CONSENSUS_PACE_H

#include "consensus/actions.h"

uint64_t pace_timeout_ms(const struct consensus *c);

/* A block was committed. */
void pace_progress(struct consensus *c);

/* A view was entered, or given up. */
void pace_enter(struct consensus *c);
void pace_leave(struct consensus *c);

void pace_on_work(struct consensus *c, const struct event_work *work);

/* Does what is due now. */
void pace_run(struct consensus *c, struct actions *out);

/* True if I should propose a block now; *empty_too: even an empty one. */
bool pace_wants_block(const struct consensus *c, bool *empty_too);

/* When to be called again. */
uint64_t pace_deadline_ms(const struct consensus *c);

#endif
