/* A packed chunk, held against a tree of two leaves that part at the first bit: nothing passes that isn't all of a range. */
#include "base/check.h"
#include "ledger/snapshot.h"
#include "test/fuzz/fuzz.h"

/* SHA-256 of "a" begins with the bit 1, that of "key" with 0. */
#define LEFT_KEY  "key"
#define RIGHT_KEY "a"
#define VALUE     "value"

static struct digest name_of(const char *name)
{
    return digest_of(name, bytes_text(name).size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const names[] = {LEFT_KEY, RIGHT_KEY};
    struct digest content = name_of(VALUE), leaves[2], places[2];
    for (int i = 0; i < 2; i++) {
        places[i] = name_of(names[i]);
        leaves[i] = sparse_page_leaf(&places[i], &content);
    }
    struct digest root = sparse_page_parent(&leaves[0], &leaves[1]);
    struct arena arena;
    arena_init(&arena, SNAPSHOT_ARENA_BYTES);
    for (unsigned range = 0; range < SNAPSHOT_RANGES; range++) {
        struct snapshot_chunk chunk;
        struct digest from = snapshot_first(range);
        arena_clear(&arena);
        if (snapshot_check(&arena, &chunk, bytes_of(data, size), &root, &from, NULL))
            continue;
        const char *own = NULL;
        for (int i = 0; i < 2; i++)
            if (snapshot_range(&places[i]) == range)
                own = names[i];
        CHECK(chunk.leaf_count == (own ? 1 : 0));
        if (own) {
            CHECK(bytes_equal(chunk.leaves[0].key, bytes_text(own)));
            CHECK(bytes_equal(chunk.leaves[0].value, bytes_text(VALUE)));
        }
    }
    arena_release(&arena);
    return 0;
}
