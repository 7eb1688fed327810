#include "ledger/receipt.h"

#include "base/merkle.h"

static const struct record_field event_fields[] = {
    RECORD_BYTES(struct receipt_event, packed, RECEIPT_EVENT_BYTES),
};
const struct record receipt_event_record = RECORD(struct receipt_event, "event", event_fields);

static const struct record_field fields[] = {
    RECORD_FIXED(struct receipt, id, RECORD_AS_HEX),
    RECORD_UINT(struct receipt, verdict),
    RECORD_LIST(struct receipt, events, event_count, RECEIPT_EVENTS_MAX, &receipt_event_record),
};
const struct record receipt_record = RECORD(struct receipt, "receipt", fields);

static const struct record_field list_fields[] = {
    RECORD_LIST(struct receipt_list, receipts, receipt_count, LIMIT_BLOCK_TXS + 1, &receipt_record),
};
const struct record receipt_list_record = RECORD(struct receipt_list, "receipts", list_fields);

struct digest receipt_leaf(struct bytes packed)
{
    return merkle_leaf(packed.data, packed.size);
}
