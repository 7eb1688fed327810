#include "test/fuzz/records.h"

/* Lines of `RECORD_ENTRY(tx_body_record)`, made by the Makefile. */
#define RECORD_ENTRY(name) extern const struct record name;
#include "records.inc" /* allow include: made by the Makefile */
#undef RECORD_ENTRY

const struct records_entry records_all[] = {
#define RECORD_ENTRY(name) {#name, &name},
#include "records.inc" /* allow include: made by the Makefile */
};

const size_t records_count = sizeof(records_all) / sizeof(records_all[0]);

const struct record *records_find(struct bytes name)
{
    for (size_t i = 0; i < records_count; i++) {
        if (bytes_equal(name, bytes_text(records_all[i].name)))
            return records_all[i].record;
    }
    return NULL;
}
