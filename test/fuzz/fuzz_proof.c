/* A packed proof, asked about a tree of two leaves that part at the first bit: no bytes prove what isn't so. */
#include "base/check.h"
#include "ledger/sparse.h"
#include "test/fuzz/fuzz.h"

/* SHA-256 of "a" begins with the bit 1, that of "key" with 0. */
#define LEFT_KEY  "key"
#define RIGHT_KEY "a"
#define VALUE     "value"

static struct digest leaf_of(const char *name)
{
    struct digest key = digest_of(name, bytes_text(name).size),
                  value = digest_of(VALUE, sizeof(VALUE) - 1);
    return sparse_page_leaf(&key, &value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct digest left = leaf_of(LEFT_KEY), right = leaf_of(RIGHT_KEY),
                  root = sparse_page_parent(&left, &right);
    struct bytes present = bytes_text(LEFT_KEY), absent = bytes_text("b");
    struct arena arena;
    struct sparse_proof proof;
    arena_init(&arena, 1 << 16);
    if (record_unpack(&arena, &sparse_proof_record, &proof, bytes_of(data, size), NULL) ==
        ERR_NONE) {
        if (sparse_has(&root, present, bytes_text(VALUE), &proof))
            CHECK(proof.path_count == 1 && digest_equal(&proof.path[0], &right));
        CHECK(!sparse_has(&root, present, bytes_text("other"), &proof));
        CHECK(!sparse_has(&root, absent, bytes_text(VALUE), &proof));
        CHECK(!sparse_lacks(&root, present, &proof));
    }
    arena_release(&arena);
    return 0;
}
