/* A record's name, a line feed, and bytes that claim to be one. */
#include <string.h>

#include "test/fuzz/fuzz.h"
#include "test/fuzz/oracle.h"
#include "test/fuzz/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    if (!end)
        return 0;
    size_t name_size = (size_t)(end - data);
    const struct record *record = records_find(bytes_of(data, name_size));
    if (record)
        oracle_record(record, bytes_of(end + 1, size - name_size - 1));
    return 0;
}
