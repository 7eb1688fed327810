/* Time: when a primary is suspected, when a block is due, when the next STATUS goes out. (DESIGN 5)
 *
 * The time-out doubles with each view that fails, up to a cap, and is halved with each block that commits. In an active view it runs
 *   - from when something waits (a proposal, a transaction, what falls due on the chain) or from the last progress after that;
 *   - else, on an idle chain, from block_interval_max_ms after the last progress, when a heartbeat block should have come.
 * A seat that doesn't hear a quorum blames nobody: its VIEW-CHANGE would reach nobody, and only bind itself.
 * While a view change is on it runs only once a quorum is known to want this view or a higher one: so a lonely seat doesn't run away.
 *
 * A view also ends without a time-out, and without doubling one:
 *   - Turns. The primary of a view proposes turn_blocks heights above the base of its NEW-VIEW; when the last of them is committed, every
 *     seat asks for the next view. So all start it at the same height with nothing in flight, and no seat decides for long what is ordered.
 *   - Slowness. The primary owes a proposal while something could be built on what was executed here and the window has room; how long it
 *     does is measured until the block is executed here (a late body counts). One that takes more than PACE_SLOW times as long as usual is
 *     replaced. Usual is the (f + 1)-th least of what the other seats took when they were primary: one correct seat among them was no
 *     slower, so f liars can neither shorten it for the correct ones nor stretch it for themselves. While no more than f are known, nobody
 *     is slow. Where everything becomes slower, after one view of each seat that is usual.
 *   - Resigning. A primary that is a window behind asks for the next view instead of opening its own; and all leave a view whose primary
 *     has signed that it wants a higher one, unless its turn is proposed to the end.
 *
 * The next view is one whose primary was heard of lately, isn't barred and hasn't resigned from it already. A seat whose turn ended before its last height, for whatever
 * reason, or that didn't open its view though a quorum's VIEW-CHANGEs for it are here, is barred for a lap, then 3, 7, ... laps up to
 * PACE_BAR_MAX doublings; a full turn takes one back. So a liar costs a time-out now and then, not one each lap. No more than f are
 * barred at once, those for longest: more can't all be at fault, and a seat that passed over correct ones with the help of a liar that resigns would
 * run away from the others. If nobody is left, the next view it is. Each seat bars by what it saw itself: those who saw the same views end want the same next one; where they differ, those who
 * want the lower one join the f + 1 who are above (change.h). Fewer than f + 1 may be needed for a quorum all the same, as when f are dead:
 * then a view can't open that they don't want any more, nobody had a turn, and those below wait for the PACE_SPLITth part of the
 * time-out only, which is enough for what is on its way and doubles too. They go to the lowest view that somebody is at, a lap further at
 * most. A liar that is above hurries nobody while the correct ones agree: their view has its quorum.
 *
 * One correct seat's suspicion and f liars end a view: they are f + 1, and all join. Not joining would be worse: who has signed a VIEW-CHANGE
 * never votes in that view again, so f liars that then fall silent stop it all the same, a time-out later. What protects a correct primary is
 * that no correct seat suspects it without a reason: a seat that hears no quorum or is behind doesn't, and what is usual isn't for liars
 * to say. */
#ifndef CONSENSUS_PACE_H
#define CONSENSUS_PACE_H

#include "consensus/actions.h"

/* How many times slower than usual a primary may be, and proposals after which it is judged: rare hiccups of a machine don't count. */
#define PACE_SLOW    3
#define PACE_SAMPLES 8

/* The part of a time-out that seats which want different views wait for each other: some round trips. */
#define PACE_SPLIT 8

/* Doublings of the laps that a seat is barred for: 31 laps at most, so that a seat that was mended is back in minutes. */
#define PACE_BAR_MAX 5

uint64_t pace_timeout_ms(const struct consensus *c);

/* A block was committed. */
void pace_progress(struct consensus *c);

/* A view was entered, or given up. */
void pace_enter(struct consensus *c);
void pace_leave(struct consensus *c);

void pace_on_work(struct consensus *c, const struct event_work *work);

/* The last height that the primary of the current view may propose. */
uint64_t pace_turn_end(const struct consensus *c);

/* Does what is due now. */
void pace_run(struct consensus *c, struct actions *out);

/* True if I should propose a block now; *empty_too: even an empty one. */
bool pace_wants_block(const struct consensus *c, bool *empty_too);

/* When to be called again. */
uint64_t pace_deadline_ms(const struct consensus *c);

#endif
