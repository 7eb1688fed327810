/* A small job for the trainer's tests: 64 samples of 8 x 4 bytes in three classes that can be told apart, and a program for them. */
#ifndef TEST_UNIT_SAMPLE_H
#define TEST_UNIT_SAMPLE_H

#include <stdlib.h>

#include "test/harness.h"
#include "trainer/segment.h"

#define SAMPLE_COUNT    64u
#define SAMPLE_FEATURES 32u

struct sample {
    uint8_t images[16 + SAMPLE_COUNT * SAMPLE_FEATURES];
    uint8_t labels[8 + SAMPLE_COUNT];
    struct program_layer layers[3];
    struct program program;
    struct dataset data;
    struct kernel kernel;
    struct segment segment;
    struct state global;
};

/* A number that depends on i alone, spread over 32 bits. */
static inline uint32_t sample_number(uint32_t i)
{
    i = (i ^ i >> 16) * 0x45d9f3bu;
    i = (i ^ i >> 16) * 0x45d9f3bu;
    return i ^ i >> 16;
}

static inline void sample_files(struct sample *s)
{
    bytes_put_u32(s->images, 0x803);
    bytes_put_u32(s->images + 4, SAMPLE_COUNT);
    bytes_put_u32(s->images + 8, 8);
    bytes_put_u32(s->images + 12, 4);
    bytes_put_u32(s->labels, 0x801);
    bytes_put_u32(s->labels + 4, SAMPLE_COUNT);
    for (uint32_t i = 0; i < SAMPLE_COUNT; i++) {
        s->labels[8 + i] = (uint8_t)(i % 3);
        for (uint32_t j = 0; j < SAMPLE_FEATURES; j++)
            s->images[16 + i * SAMPLE_FEATURES + j] =
                (uint8_t)(sample_number(i * SAMPLE_FEATURES + j) % 128 +
                          (j % 3 == i % 3 ? 100 : 0));
    }
}

/* 32-20-3, batch 7, AdamW at 0.01, 10 steps with a state every 4. */
static inline void sample_program(struct sample *s)
{
    s->layers[0].width = SAMPLE_FEATURES;
    s->layers[1].width = 20;
    s->layers[2].width = 3;
    s->program = (struct program){
        .profile = PROGRAM_PROFILE,
        .family = PROGRAM_MLP,
        .layers = s->layers,
        .layer_count = 3,
        .batch = 7,
        .optimizer = PROGRAM_ADAMW,
        .learning_rate = program_bits(0.01f),
        .beta1 = program_bits(0.9f),
        .beta2 = program_bits(0.999f),
        .epsilon = program_bits(1e-8f),
        .weight_decay = program_bits(0.01f),
        .outer_rate = program_bits(0.7f),
        .outer_momentum = program_bits(0.9f),
        .steps = 10,
        .interval = 4,
        .bits = 8,
        .seed = 0x1234567890abcdefull,
    };
}

/* All of it, with a scalar kernel and the global state of round 0. */
static inline struct sample *sample_new(void)
{
    struct sample *s = calloc(1, sizeof(*s));
    ck_assert_ptr_nonnull(s);
    sample_files(s);
    sample_program(s);
    ck_assert_int_eq(program_check(&s->program, NULL), ERR_NONE);
    ck_assert_int_eq(dataset_init(&s->data, bytes_of(s->images, sizeof(s->images)),
                                  bytes_of(s->labels, sizeof(s->labels)), NULL),
                     ERR_NONE);
    ck_assert_int_eq(kernel_init(&s->kernel, KERNEL_SCALAR, NULL, NULL), ERR_NONE);
    ck_assert_int_eq(segment_init(&s->segment, &s->program, &s->data, &s->kernel, NULL), ERR_NONE);
    ck_assert_int_eq(state_init(&s->global, &s->program, STATE_GLOBAL, NULL), ERR_NONE);
    state_begin(&s->global, &s->program, &s->data.root);
    return s;
}

static inline void sample_free(struct sample *s)
{
    state_release(&s->global);
    segment_release(&s->segment);
    kernel_release(&s->kernel);
    free(s);
}

/* The start state of a slot, with no residue. */
static inline struct state sample_start(struct sample *s, uint16_t slot)
{
    struct state start;
    ck_assert_int_eq(state_init(&start, &s->program, STATE_SEGMENT, NULL), ERR_NONE);
    segment_start(&start, &s->program, &s->global, NULL, slot, s->program.steps);
    return start;
}

/* A state's chunks, copied to the heap. */
struct sample_chunks {
    uint64_t count;
    struct bytes *list;
    uint8_t *memory;
};

static inline struct sample_chunks sample_chunks_of(const struct state *state)
{
    struct sample_chunks chunks = {.count = state->chunk_count};
    chunks.list = calloc(chunks.count, sizeof(*chunks.list));
    chunks.memory = malloc(chunks.count * LIMIT_CHUNK_BYTES);
    ck_assert_ptr_nonnull(chunks.list);
    ck_assert_ptr_nonnull(chunks.memory);
    for (uint64_t i = 0; i < chunks.count; i++) {
        uint8_t *room = chunks.memory + i * LIMIT_CHUNK_BYTES;
        struct bytes chunk = state_chunk(state, i, room);
        if (chunk.data != room)
            memcpy(room, chunk.data, chunk.size);
        chunks.list[i] = bytes_of(room, chunk.size);
    }
    return chunks;
}

static inline void sample_chunks_free(struct sample_chunks *chunks)
{
    free(chunks->list);
    free(chunks->memory);
}

#endif
