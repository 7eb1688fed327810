/* Adding to the list of actions of one step. */
#ifndef CONSENSUS_ACTIONS_H
#define CONSENSUS_ACTIONS_H

#include "consensus/core.h"

void actions_reset(struct actions *out);

/* A zeroed action at the end of the list. Requires room (CHECK): bounds.h says why there is. */
struct action *actions_add(struct actions *out, enum action_kind kind);

/* Memory of this step. Never NULL (CHECK). */
void *actions_alloc(struct actions *out, size_t size);
struct bytes actions_copy(struct actions *out, struct bytes bytes);
struct bytes actions_pack(struct actions *out, const struct record *record, const void *value);

/* Tells a line of the story. */
void actions_tell(struct actions *out, const struct narrate_line *line);

void actions_send(struct actions *out, uint64_t to, struct bytes message);

/* Sends again, sealed as it was, what a seat signed. */
void actions_send_signed(struct actions *out, uint64_t to, enum message_tag tag, struct seat from,
                         struct bytes body, const struct sign_signature *signature);

/* Signs PREPARE or COMMIT and sends it to all others. */
void actions_sign_vote(struct consensus *c, struct actions *out, enum message_tag tag,
                       const struct ballot *ballot, uint64_t after);

/* Signs a message that is no vote for one block. */
void actions_sign(struct consensus *c, struct actions *out, enum message_tag tag, struct bytes body,
                  uint64_t after);

void actions_discard(struct actions *out, const struct digest *digest);

#endif
