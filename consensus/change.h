/* View change: leaving a view, and entering the next one. (PBFT 4.4; DESIGN 5) */
#ifndef CONSENSUS_CHANGE_H
#define CONSENSUS_CHANGE_H

#include "consensus/actions.h"

void change_on_view_change(struct consensus *c, const struct message *m, struct actions *out);
void change_on_new_view(struct consensus *c, const struct message *m, struct actions *out);

/* Stops voting in the current view and asks for `view`. Requires view > c->view. A muted seat stays where it is. */
void change_want(struct consensus *c, uint64_t view, struct actions *out);

/* Joins a higher view that f + 1 seats are at; as primary of the wanted view opens it when a quorum wants it. */
void change_advance(struct consensus *c, struct actions *out);

/* Takes the choice of a verified NEW-VIEW as the state of its view: used on entering, and when the log is read back. */
void change_adopt(struct consensus *c, const struct message *m, struct plan *plan);

/* Signs again the VIEW-CHANGE or NEW-VIEW that was promised, after a restart. */
void change_repeat(struct consensus *c, struct actions *out);

/* Bits of seats known to be at view `view` or higher, mine included. */
uint64_t change_seats_at(const struct consensus *c, uint64_t view);

/* Bits of seats whose VIEW-CHANGE for exactly `view` is here; a quorum of them opens it. */
uint64_t change_seats_for(const struct consensus *c, uint64_t view);

/* The body of a seat's VIEW-CHANGE. Requires peers[seat].has_change. */
struct bytes change_body(const struct consensus *c, uint8_t seat);

#endif
