/* A program: what is trained and with which numbers; everything but who does it.
 *
 * It is a named model family and its sizes (DESIGN 8.3), of numeric profile f32-v1
 * (trainer/NUMERICS.md). Real numbers travel as the bits of a binary32, so that no text or decimal
 * conversion can change them. The program's digest is part of every state, so a state root binds
 * the program. */
#ifndef TRAINER_PROGRAM_H
#define TRAINER_PROGRAM_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/record.h"

#include <string.h>

/* Profile f32-v1 with the operators of NUMERICS.md. A change of any bit they produce is a new
 * version. */
#define PROGRAM_PROFILE 1

/* Stored numbers, never renumbered. */
enum program_family {
    PROGRAM_MLP = 1, /* full layers, relu between, softmax and cross entropy at the end */
    PROGRAM_GPT = 2, /* decoder-only transformer in GPT-2's shape (Radford et al., 2019) */
};

enum program_optimizer {
    PROGRAM_SGD = 1,   /* with momentum `beta1`, which may be 0; beta2 and epsilon are 0 */
    PROGRAM_ADAMW = 2, /* decoupled weight decay (Loshchilov and Hutter, 2019) */
};

/* Bounds, so that a program from a stranger has a known cost. */
#define PROGRAM_LAYERS_MAX     8u         /* inputs, six hidden ones, classes */
#define PROGRAM_WIDTH_MAX      16384u     /* of a layer */
#define PROGRAM_PARAMETERS_MAX (1u << 28) /* what a norm takes; GPT-2 small has 124 M */
#define PROGRAM_CELLS_MAX      (1u << 26) /* batch * all widths: 256 MiB of activations */
#define PROGRAM_BLOCKS_MAX     64u        /* of a gpt */
#define PROGRAM_GPT_WIDTH_MAX  4096u      /* its hidden layers are four times as wide */
#define PROGRAM_CONTEXT_MAX    4096u      /* tokens of a sequence: 128 MiB of weights a thread */
#define PROGRAM_SYMBOLS_MAX    65536u     /* a token travels in 16 bits */
#define PROGRAM_MICRO_MAX      1024u      /* micro-batches in a step */
#define PROGRAM_GPT_CELLS_MAX  (1u << 28) /* of a micro-batch: 1 GiB of activations */
#define PROGRAM_DECAY_MAX      (1u << 24) /* steps until the rate is at its last: exact in binary32 */
#define PROGRAM_DROPOUT_MAX    0xe0000000u /* 7/8: what is kept grows 8 times at most */
#define PROGRAM_STEPS_MAX      (1u << 20)  /* steps in a segment */
#define PROGRAM_INTERVALS_MAX  1024u /* in a segment: a bound on what contracts keep of one trace */
#define PROGRAM_BYTES_MAX      256u  /* a packed program */

struct program_layer {
    uint32_t width; /* 1..PROGRAM_WIDTH_MAX */
};

/* What a gpt has besides. */
struct program_gpt {
    uint32_t blocks;        /* attention and hidden layer, 1..PROGRAM_BLOCKS_MAX */
    uint32_t heads;         /* divides width */
    uint32_t width;         /* of a token, 1..PROGRAM_GPT_WIDTH_MAX */
    uint32_t context;       /* tokens of every sequence, 1..PROGRAM_CONTEXT_MAX */
    uint32_t symbols;       /* that a token may be, 2..PROGRAM_SYMBOLS_MAX */
    uint32_t micro_batches; /* whose gradients make a step, 1..PROGRAM_MICRO_MAX */
    uint32_t warm_up;       /* steps of the job in which the rate rises, <= PROGRAM_DECAY_MAX */
    uint32_t decay;         /* step of the job at which it has fallen to rate_last; 0: never */
    uint32_t rate_last;     /* binary32 bits: 0 or 2^-60 .. learning_rate */
    uint32_t clip;          /* binary32 bits: the gradient's longest norm, 2^-60 .. 2^10; 0: any */
    uint32_t dropout;       /* of 2^32 elements, how many are left out; <= PROGRAM_DROPOUT_MAX */
};

/* A program of either family. Each has a record of its own, which leaves out the other's numbers:
 * they are zero. */
struct program {
    uint8_t profile;              /* PROGRAM_PROFILE */
    uint8_t family;               /* enum program_family */
    struct program_layer *layers; /* mlp: inputs, hidden layers, classes; borrowed */
    uint32_t layer_count;         /* mlp: 2..PROGRAM_LAYERS_MAX */
    struct program_gpt gpt;       /* gpt */
    uint32_t batch;               /* samples (gpt: sequences) in a micro-batch, >= 1 */
    uint8_t optimizer;            /* enum program_optimizer */
    uint32_t learning_rate;       /* binary32 bits: 2^-60 .. 2^10 */
    uint32_t beta1;               /* binary32 bits: 0 <= beta1 < 1 */
    uint32_t beta2;               /* binary32 bits: 0 <= beta2 < 1 */
    uint32_t epsilon;             /* binary32 bits: AdamW 2^-60 .. 1 */
    uint32_t weight_decay;        /* binary32 bits: 0 or 2^-60 .. 1 */
    uint32_t outer_rate;          /* binary32 bits: 2^-60 .. 2^10 */
    uint32_t outer_momentum;      /* binary32 bits: 0 <= outer_momentum < 1 */
    uint32_t steps;               /* H: a full segment's steps, 1..PROGRAM_STEPS_MAX */
    uint32_t interval;            /* C: steps between two committed states, 1..steps */
    uint8_t bits;                 /* of an element of a compressed delta: 8 or 4 */
    uint64_t seed;                /* of the weights and of the order of samples */
};

extern const struct record program_record;     /* of an mlp */
extern const struct record program_gpt_record; /* of a gpt */

/* The one of the program's family. */
const struct record *program_record_of(const struct program *program);

/* binary32 from its bits, and back. */
static inline float program_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint32_t program_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* ERR_NONE if every field keeps the bounds above, in itself and together; else ERR_MALFORMED or
 * ERR_LIMIT, and a sentence that names the field. Any values are safe to ask, with
 * layers[layer_count] readable. Everything else in trainer/ requires a checked program. */
MUST_USE enum err program_check(const struct program *program, struct fault *fault);

/* Reads bytes that are exactly one program, and checks it. The layers come from `arena`. On failure
 * *program is unspecified. */
MUST_USE enum err program_unpack(struct arena *arena, struct program *program, struct bytes in,
                                 struct fault *fault);

/* SHA-256 of the packed program. */
struct digest program_digest(const struct program *program);

/* Number of trained float32 values, 1..PROGRAM_PARAMETERS_MAX. */
uint32_t program_parameter_count(const struct program *program);

uint32_t program_inputs(const struct program *program);  /* mlp only */
uint32_t program_classes(const struct program *program); /* gpt: its symbols */

/* Micro-batches in a step, and answers (rows of logits) in each. */
uint32_t program_micro_batches(const struct program *program);
uint32_t program_rows(const struct program *program);

/* Memory in MiB, rounded up, that a worker needs beside the data: the round's global state, a
 * segment's start, its state, a copy that is hashed and kept, and one on the way to the nodes, gradients and activations. */
uint32_t program_memory_mib(const struct program *program);

/* Multiply-adds in the products of one full segment, forward once and backward twice; false, with
 * *work untouched, if they don't fit in 64 bits. */
bool program_work(uint64_t *work, const struct program *program);

#endif
