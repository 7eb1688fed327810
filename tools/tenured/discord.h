/* Where two executions of one block part: the first key that was written differently.
 *
 * A replica whose execution contradicts a proposal asks the proposer for the keys that its execution wrote, with a digest of each value, and
 * says in its log which key differs first. Only for people: votes don't wait for it. */
#ifndef TOOLS_TENURED_DISCORD_H
#define TOOLS_TENURED_DISCORD_H

#include "base/record.h"
#include "ledger/overlay.h"
#include "net/peer.h"
#include "tools/tenured/parcel.h"

struct node;

/* Keys that are told, from the first in order: a frame of a megabyte. */
#define DISCORD_KEYS_MAX 8192

struct discord_write {
    struct bytes key;
    struct digest value; /* of its bytes; zero: deleted */
};

struct discord {
    struct digest block;          /* of the header */
    struct discord_write *writes; /* by ascending key */
    uint32_t write_count;
};

extern const struct record discord_record;

/* What an execution wrote, in `arena`; false when that is full. */
MUST_USE bool discord_of(struct arena *arena, struct discord *discord, const struct digest *block,
                         const struct overlay_value *values, size_t count);

/* Says in `text` (zero-terminated, cut when too long) which key is the first that differs and how: "key 6163..: written here, not there". False
 * if none does among those that are told. */
bool discord_find(char *text, size_t size, const struct discord *here, const struct discord *there);

/* --- between nodes; on the executor's thread --- */

/* Asks the proposer of a block whose execution here differed, and notes that it was asked (node->discord_asked). `parcel` may be NULL (a
 * held block): then nobody is asked. */
void discord_ask(struct node *node, const struct digest *block, const struct parcel *parcel);

/* Answers, if the block's execution is still here. */
void discord_tell(struct node *node, struct arena *arena, struct place to,
                  const struct digest *block);

/* Was this peer asked and hasn't answered? True once for each question; any thread. What nobody asked for is refused. */
bool discord_expects(struct node *node, struct place from);

/* Logs the first difference to what a peer tells. */
void discord_compare(struct node *node, struct arena *arena, struct place from,
                     struct bytes record);

#endif
