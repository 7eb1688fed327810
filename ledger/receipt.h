/* Receipts: what became of a transaction, and every change of state as a typed event.
 *
 * A block with n transactions has n + 1 receipts. Receipt 0 is the block's own: what fell due at
 * its start (expiry, settlement), verdict 0, id zero. Receipt i + 1 is transaction i's. Their RFC
 * 6962 root is in the header. */
#ifndef LEDGER_RECEIPT_H
#define LEDGER_RECEIPT_H

#include "base/digest.h"
#include "base/limits.h"
#include "base/record.h"

/* Events of one receipt: two for each of the 65,536 accounts that a genesis may have. */
#define RECEIPT_EVENTS_MAX (1u << 18)

/* Bytes of one packed event: a state value and its envelope. */
#define RECEIPT_EVENT_BYTES (LIMIT_VALUE_BYTES + 1024)

struct receipt_event {
    struct bytes packed; /* [tag, record] of contracts' choice of events */
};

struct receipt {
    struct digest id; /* the transaction; zero in receipt 0 */
    uint16_t verdict; /* contracts' number; 0: done */
    struct receipt_event
        *events; /* in the order in which they happened; none when the verdict isn't 0 */
    uint32_t event_count;
};

struct receipt_list {
    struct receipt *receipts;
    uint32_t receipt_count;
};

extern const struct record receipt_event_record;
extern const struct record receipt_record;
extern const struct record receipt_list_record; /* how a block's receipts are stored */

/* The leaf of one receipt: merkle_leaf of its packed bytes. `packed` is that encoding. */
struct digest receipt_leaf(struct bytes packed);

#endif
