/* Any bytes as the chunks of a state, each a u16 length and its bytes: what is loaded has the root it was loaded for. */
#include <string.h>

#include "base/check.h"
#include "test/fuzz/fuzz.h"
#include "trainer/state.h"

#define CHUNKS_MAX 16

/* The smallest program: one input, one class, two parameters. */
static void tiny_program(struct program *program, struct program_layer layers[2])
{
    layers[0].width = 1;
    layers[1].width = 1;
    *program = (struct program){
        .profile = PROGRAM_PROFILE,
        .family = PROGRAM_MLP,
        .layers = layers,
        .layer_count = 2,
        .batch = 1,
        .optimizer = PROGRAM_ADAMW,
        .learning_rate = program_bits(0.5f),
        .epsilon = program_bits(0.5f),
        .outer_rate = program_bits(0.5f),
        .steps = 4,
        .interval = 2,
        .bits = 8,
    };
    CHECK(program_check(program, NULL) == ERR_NONE);
}

static uint64_t cut(struct bytes chunks[CHUNKS_MAX], struct bytes in)
{
    uint64_t count = 0;
    while (count < CHUNKS_MAX && in.size >= 2) {
        size_t size = bytes_get_u16(in.data), left = in.size - 2;
        if (size > left)
            size = left;
        chunks[count++] = bytes_of(in.data + 2, size);
        in = bytes_of(in.data + 2 + size, left - size);
    }
    return count;
}

static void load(enum state_kind kind, const struct bytes *chunks, uint64_t count)
{
    struct program_layer layers[2];
    struct program program;
    struct state state;
    struct digest ids[CHUNKS_MAX], zero = {{0}};
    tiny_program(&program, layers);
    CHECK(state_init(&state, &program, kind, NULL) == ERR_NONE);
    for (uint64_t i = 0; i < count; i++)
        ids[i] = merkle_leaf(chunks[i].data, chunks[i].size);
    struct digest root = merkle_root(ids, count);
    CHECK(state_load(&state, &zero, chunks, count, NULL) == ERR_MISMATCH);

    struct fault fault = {.code = ERR_NONE};
    enum err err = state_load(&state, &root, chunks, count, &fault);
    if (err) {
        CHECK(fault.code == err);
        CHECK(fault.text[0]);
    } else {
        for (int i = 0; i < STATE_PARTS; i++) /* from the tensors, not from what loading kept */
            state_changed(&state, (enum state_part)i);
        struct digest again = state_root(&state);
        CHECK(digest_equal(&again, &root));
        CHECK(state.step <= state.steps);
    }
    state_release(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes chunks[CHUNKS_MAX];
    uint64_t count = cut(chunks, bytes_of(data, size));
    load(STATE_GLOBAL, chunks, count);
    load(STATE_SEGMENT, chunks, count);
    return 0;
}
