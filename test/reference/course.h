/* A course: a program, a data set and some rounds, told on a command line as NAME=VALUE words, so that two
 * implementations can be asked for the same training and print the same lines.
 *
 *     layers=20,7,3 batch=5 optimizer=adamw rate=0x1p-7 steps=12 interval=5 slots=12,5 rounds=2 samples=60 seed=9
 *
 * A word gpt=BLOCKS,HEADS,WIDTH,CONTEXT,SYMBOLS,MICRO-BATCHES makes the program a gpt, and the samples tokens; tokens=FILE are
 * those of a file of at most 1 MiB.
 *
 * What both print, each digest as hexadecimal digits:
 *
 *     round R start STATE-ROOT                   the global state
 *     round R slot W leaf J STATE-ROOT WITNESS   each leaf of the slot's trace
 *     round R slot W trace TRACE-ROOT
 *     round R slot W diverges after N steps      in place of the rest, when a number isn't finite
 *     end STATE-ROOT                             the global state after the last round
 *
 * All slots run each round with their residue of the round before. */
#ifndef TEST_REFERENCE_COURSE_H
#define TEST_REFERENCE_COURSE_H

#include "base/digest.h"

#define COURSE_LAYERS_MAX 8
#define COURSE_SLOTS_MAX  8

enum course_optimizer { COURSE_SGD = 1, COURSE_ADAMW = 2 };

struct course_gpt {
    uint32_t blocks, heads, width, context, symbols, micro_batches; /* in the order of the word */
    uint32_t warm_up;
    uint32_t decay;
    float rate_last;
    float clip;
    uint32_t dropout; /* of 2^32 */
};

struct course {
    bool is_gpt;
    struct course_gpt gpt;
    uint32_t layers[COURSE_LAYERS_MAX]; /* inputs, hidden ones, classes */
    uint32_t layer_count;
    uint32_t batch;
    uint8_t optimizer; /* enum course_optimizer */
    float rate;
    float beta1;
    float beta2;   /* AdamW */
    float epsilon; /* AdamW */
    float weight_decay;
    float outer_rate;
    float outer_momentum;
    uint32_t steps;
    uint32_t interval;
    uint32_t bits; /* of a delta's element */
    uint64_t seed; /* of the program, and of the data set */
    uint32_t slots[COURSE_SLOTS_MAX]; /* steps of each slot */
    uint32_t slot_count;
    uint32_t rounds;
    uint32_t samples;
    const char *kernel; /* the trainer's instruction set; the reference has one only */
    uint32_t threads;   /* likewise */
    uint8_t *images;    /* an IDX file of [samples][1][inputs], or a file of [samples] tokens; owned */
    size_t image_size;
    uint8_t *labels; /* an IDX file of [samples], or none; owned */
    size_t label_size;
};

/* Reads the words and makes the data set. Stops the program with a sentence when a word is none of a course. */
void course_init(struct course *course, int count, char **words);
void course_release(struct course *course);

/* Of a gpt's samples. */
uint32_t course_token(const struct course *course, uint32_t index);

void course_print_start(uint32_t round, const struct digest *root);
void course_print_leaf(uint32_t round, uint32_t slot, uint32_t leaf, const struct digest *root,
                       const struct digest *witness);
void course_print_trace(uint32_t round, uint32_t slot, const struct digest *root);
void course_print_divergence(uint32_t round, uint32_t slot, uint32_t steps);
void course_print_end(const struct digest *root);

#endif
