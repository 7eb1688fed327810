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
};

enum program_optimizer {
    PROGRAM_SGD = 1,   /* with momentum `beta1`, which may be 0; beta2 and epsilon are 0 */
    PROGRAM_ADAMW = 2, /* decoupled weight decay (Loshchilov and Hutter, 2019) */
};

/* Bounds, so that a program from a stranger has a known cost. */
#define PROGRAM_LAYERS_MAX     8u         /* inputs, six hidden ones, classes */
#define PROGRAM_WIDTH_MAX      16384u     /* of a layer */
#define PROGRAM_PARAMETERS_MAX (1u << 26) /* 256 MiB of float32 a tensor */
#define PROGRAM_CELLS_MAX      (1u << 26) /* batch * all widths: 256 MiB of activations */
#define PROGRAM_STEPS_MAX      (1u << 20) /* steps in a segment */
#define PROGRAM_INTERVALS_MAX  1024u /* in a segment: a bound on what contracts keep of one trace */
#define PROGRAM_BYTES_MAX      256u  /* a packed program */

struct program_layer {
    uint32_t width; /* 1..PROGRAM_WIDTH_MAX */
};

struct program {
    uint8_t profile;              /* PROGRAM_PROFILE */
    uint8_t family;               /* enum program_family */
    struct program_layer *layers; /* inputs, hidden layers, classes; borrowed */
    uint32_t layer_count;         /* 2..PROGRAM_LAYERS_MAX */
    uint32_t batch;               /* rows in a step, >= 1 */
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
    uint64_t seed;                /* of the weights and of the order of samples */
};

extern const struct record program_record;

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

uint32_t program_inputs(const struct program *program);
uint32_t program_classes(const struct program *program);

#endif
