/* A decoder-only transformer in GPT-2's shape (Radford et al., 2019): forward and backward.
 *
 *     tokens [rows] --> wte[token] + wpe[position] = x0 [rows][width]
 *     block:   middle = x + join(attention(mix(norm1(x))))
 *              next   = middle + narrow(gelu(widen(norm2(middle))))
 *     logits [rows][symbols] = norm_f(x) * transpose of wte --> loss
 *
 * In training, dropout stands behind the embedding and at the end of both branches of a block.
 * rows are sequences * context. Parameters and gradient are flat vectors in the order of
 * trainer/model.h. */
#ifndef TRAINER_GPT_H
#define TRAINER_GPT_H

#include "trainer/attention.h"
#include "trainer/dropout.h"
#include "trainer/kernel.h"
#include "trainer/norm.h"
#include "trainer/program.h"

/* What the forward pass of a block keeps for the backward pass. */
struct gpt_block {
    float *x;      /* [rows][width], its input */
    float *first;  /* [rows][width], norm1(x) */
    float *mixed;  /* [rows][3 * width], query, key, value */
    float *heads;  /* [rows][width], attention's output */
    float *middle; /* [rows][width] */
    float *second; /* [rows][width], norm2(middle) */
    float *hidden; /* [rows][4 * width], before gelu */
    float *active; /* [rows][4 * width], after it */
    struct kernel_moments *moments1;
    struct kernel_moments *moments2;
};

/* Working memory for `sequences` sequences; from the heap, owned. */
struct gpt {
    const struct program *program; /* borrowed */
    size_t sequences;              /* the most that fit */
    uint16_t *tokens;              /* [rows], the input */
    uint16_t *labels;              /* [rows], the tokens that follow */
    struct gpt_block block[PROGRAM_BLOCKS_MAX];
    float *x;      /* [rows][width], the last block's output */
    float *normed; /* [rows][width] */
    struct kernel_moments *moments;
    float *logits;   /* [rows][symbols] */
    float *loss;     /* [rows] */
    float *gradient; /* [P] of the parameters */
    float *back;     /* [rows][width], gradient of x */
    float *narrow;   /* [rows][width], gradient of a branch */
    float *wide;     /* [rows][4 * width], likewise */
    float *room;     /* [rows][width], for norm_backward and what dropout leaves */
    float *attention_room;
    void *memory;
};

/* For a kernel of so many threads. ERR_LIMIT when there is no memory. */
MUST_USE enum err gpt_init(struct gpt *gpt, const struct program *program, size_t sequences,
                           uint32_t threads, struct fault *fault);
void gpt_release(struct gpt *gpt);

/* The logits of the first `sequences` sequences in tokens. `dropout` NULL: nothing is left out.
 * Requires each token below symbols. */
void gpt_forward(struct gpt *gpt, struct kernel *kernel, const float *parameters, size_t sequences,
                 const struct dropout *dropout);

/* After gpt_forward, with the same dropout: fills loss[rows] and gradient[P] for labels[rows], each row weighing 1 / total,
 * where `total` is the rows of all micro-batches of the step. The logits become their gradient. */
void gpt_backward(struct gpt *gpt, struct kernel *kernel, const float *parameters, size_t sequences,
                  size_t total, const struct dropout *dropout);

#endif
