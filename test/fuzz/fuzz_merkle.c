/* A packed proof, checked for a fixed leaf under a fixed root of 13 leaves: only the true proof may hold. */
#include "base/check.h"
#include "base/merkle.h"
#include "test/fuzz/fuzz.h"

#define LEAVES 13
#define INDEX  9

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct digest leaves[LEAVES];
    struct merkle_proof proof, truth;
    for (uint8_t i = 0; i < LEAVES; i++)
        leaves[i] = merkle_leaf(&i, 1);
    struct digest root = merkle_root(leaves, LEAVES);

    arena_init(&arena, 1 << 16);
    struct bytes in = bytes_of(data, size);
    if (record_unpack(&arena, &merkle_proof_record, &proof, in, NULL) == ERR_NONE &&
        merkle_verify(&root, &leaves[INDEX], &proof)) {
        CHECK(merkle_prove(&arena, &truth, leaves, LEAVES, INDEX));
        CHECK(proof.index == INDEX && proof.path_count == truth.path_count);
        for (uint32_t i = 0; i < truth.path_count; i++)
            CHECK(digest_equal(&proof.path[i], &truth.path[i]));
    }
    arena_release(&arena);
    return 0;
}
