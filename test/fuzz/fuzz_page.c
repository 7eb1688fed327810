/* Any bytes as a page of the state's tree: what is read packs again to itself. */
#include "base/check.h"
#include "ledger/sparse.h"
#include "test/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sparse_page page;
    uint8_t again[SPARSE_PAGE_BYTES];
    struct bytes in = bytes_of(data, size);
    if (sparse_page_unpack(&page, in) == ERR_NONE)
        CHECK(bytes_equal(bytes_of(again, sparse_page_pack(again, &page)), in));
    return 0;
}
