/* Any bytes as a header and as a body: what is read packs again to itself. */
#include "base/check.h"
#include "ledger/block.h"
#include "test/fuzz/fuzz.h"

static void check_header(struct bytes in)
{
    struct block_header header;
    struct digest digest;
    uint8_t again[BLOCK_HEADER_BYTES];
    if (block_header_unpack(&header, in, NULL) != ERR_NONE)
        return;
    size_t size = block_header_pack(again, &digest, &header);
    CHECK(bytes_equal(bytes_of(again, size), in));
    struct digest expected = digest_of(in.data, in.size);
    CHECK(digest_equal(&digest, &expected));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct block_body body;
    struct bytes in = bytes_of(data, size);
    check_header(in);
    arena_init(&arena, 8 << 20);
    if (block_body_unpack(&arena, &body, in, NULL) == ERR_NONE) {
        CHECK(bytes_equal(record_bytes(&arena, &block_body_record, &body), in));
        block_tx_root(&body);
    }
    arena_release(&arena);
    return 0;
}
