/* A small gpt job for the trainer's tests: a text of 600 tokens in which each token follows from the two before, and a program for it. */
#ifndef TEST_UNIT_STORY_H
#define TEST_UNIT_STORY_H

#include <stdlib.h>

#include "test/harness.h"
#include "trainer/segment.h"
#include "trainer/tokens.h"

#define STORY_TOKENS  600u
#define STORY_SYMBOLS 11u

struct story {
    uint8_t file[TOKENS_HEADER_BYTES + 2 * STORY_TOKENS];
    struct program program;
    struct dataset data;
    struct kernel kernel;
    struct state global;
};

static inline void story_put(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static inline void story_file(struct story *s)
{
    memset(s->file, 0, sizeof(s->file));
    story_put(s->file, TOKENS_MAGIC);
    story_put(s->file + 4, TOKENS_VERSION);
    story_put(s->file + 8, STORY_TOKENS);
    uint32_t a = 1, b = 4;
    for (uint32_t i = 0; i < STORY_TOKENS; i++) {
        uint32_t next = (a + 1 + b % 2) % STORY_SYMBOLS;
        s->file[TOKENS_HEADER_BYTES + 2 * i] = (uint8_t)a;
        a = b;
        b = next;
    }
}

/* 2 blocks, 2 heads, 12 wide, 9 tokens, 2 micro-batches of 3 sequences, AdamW with warm-up, decay and clipping, 10 steps with a state
 * every 4. */
static inline void story_program(struct story *s)
{
    s->program = (struct program){
        .profile = PROGRAM_PROFILE,
        .family = PROGRAM_GPT,
        .gpt = {.blocks = 2,
                .heads = 2,
                .width = 12,
                .context = 9,
                .symbols = STORY_SYMBOLS,
                .micro_batches = 2,
                .warm_up = 3,
                .decay = 8,
                .rate_last = program_bits(0.001f),
                .clip = program_bits(1.0f)},
        .batch = 3,
        .optimizer = PROGRAM_ADAMW,
        .learning_rate = program_bits(0.01f),
        .beta1 = program_bits(0.9f),
        .beta2 = program_bits(0.95f),
        .epsilon = program_bits(1e-8f),
        .weight_decay = program_bits(0.1f),
        .outer_rate = program_bits(0.7f),
        .outer_momentum = program_bits(0.9f),
        .steps = 10,
        .interval = 4,
        .bits = 8,
        .seed = 0x1234567890abcdefull,
    };
}

/* The same with so few numbers that exact arithmetic can follow (test/golden/numerics): 1 block, 6 wide, 5 tokens, 2 micro-batches of 2
 * sequences, a quarter dropped, 3 steps with a state every 2. */
static inline void story_short(struct story *s)
{
    s->program.gpt.blocks = 1;
    s->program.gpt.width = 6;
    s->program.gpt.context = 5;
    s->program.gpt.warm_up = 1;
    s->program.gpt.dropout = 1u << 30;
    s->program.batch = 2;
    s->program.steps = 3;
    s->program.interval = 2;
}

/* All of it, with a scalar kernel and the global state of round 0. */
static inline struct story *story_new(void)
{
    struct story *s = calloc(1, sizeof(*s));
    ck_assert_ptr_nonnull(s);
    story_file(s);
    story_program(s);
    ck_assert_int_eq(program_check(&s->program, NULL), ERR_NONE);
    ck_assert_int_eq(tokens_init(&s->data, bytes_of(s->file, sizeof(s->file)), NULL), ERR_NONE);
    ck_assert_int_eq(kernel_init(&s->kernel, KERNEL_SCALAR, NULL, NULL), ERR_NONE);
    ck_assert_int_eq(state_init(&s->global, &s->program, STATE_GLOBAL, NULL), ERR_NONE);
    state_begin(&s->global, &s->program, &s->data.root);
    return s;
}

static inline void story_free(struct story *s)
{
    state_release(&s->global);
    kernel_release(&s->kernel);
    free(s);
}

#endif
