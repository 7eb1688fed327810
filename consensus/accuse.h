/* Noticing evidence: whatever a seat signed is compared with what is kept of it anyway, so nothing is kept for this but what was told.
 *
 * Kept are, in the view whose votes are counted, one PREPARE and one COMMIT a seat and height of the window and the primary's
 * PRE-PREPARE; and the last VIEW-CHANGE of each seat. Votes inside certificates count too: liars show different votes to different seats,
 * and certificates are what those exchange. */
#ifndef CONSENSUS_ACCUSE_H
#define CONSENSUS_ACCUSE_H

#include "consensus/actions.h"

/* ACTION_ACCUSEs of one step; what is left out of it is noticed again, or not needed any more: f seats are guilty at most. */
#define ACCUSE_MAX 16

/* Memory of one ACTION_ACCUSE: its two messages, sealed and packed, and a VIEW-CHANGE unpacked for its brief. */
#define ACCUSE_BYTES 32768

/* Of the view that votes are counted for, at a height of the window; before it is counted. */
void accuse_vote(struct consensus *c, enum message_tag tag, struct seat from,
                 const struct ballot *ballot, const struct sign_signature *signature,
                 struct actions *out);

/* Each vote of a verified certificate. */
void accuse_certificate(struct consensus *c, enum message_tag tag,
                        const struct certificate *certificate, struct actions *out);

/* A PRE-PREPARE of the current view. */
void accuse_proposal(struct consensus *c, const struct message *m, struct actions *out);

/* A VIEW-CHANGE, alone or in a NEW-VIEW; before it replaces what is kept. */
void accuse_change(struct consensus *c, const struct message_envelope *envelope,
                   const struct message_view_change *change, struct actions *out);

#endif
