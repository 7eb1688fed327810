/* Fully connected layers with relu between them, softmax and cross entropy at the end: forward and
 * backward.
 *
 *     x [batch][784] -> layers.0 -> relu -> [batch][128] -> layers.1 -> logits [batch][10] -> loss
 *
 * parameters and gradient are flat vectors in the order of trainer/model.h. */
#ifndef TRAINER_MLP_H
#define TRAINER_MLP_H

#include "trainer/kernel.h"
#include "trainer/program.h"

/* Working memory for `rows` rows; from the heap, owned. */
struct mlp {
    const struct program *program;          /* borrowed */
    size_t rows;                            /* the most that fit */
    float *activations[PROGRAM_LAYERS_MAX]; /* [rows][layers[i].width]; [0] is the input, the last
                                               the logits */
    float *gradient;                        /* [P] of the parameters */
    float *upstream[2];                     /* [rows][widest layer], of the activations, in turn */
    float *loss;                            /* [rows] */
    uint16_t *labels;                       /* [rows] */
    void *memory;
};

/* ERR_LIMIT when there is no memory. */
MUST_USE enum err mlp_init(struct mlp *mlp, const struct program *program, size_t rows,
                           struct fault *fault);
void mlp_release(struct mlp *mlp);

/* The logits of the first `rows` rows in activations[0], in the last activations. */
void mlp_forward(struct mlp *mlp, struct kernel *kernel, const float *parameters, size_t rows);

/* After mlp_forward: fills loss[rows] and gradient[P] for labels[rows], each row weighing 1 / rows.
 * The logits become their gradient. */
void mlp_backward(struct mlp *mlp, struct kernel *kernel, const float *parameters, size_t rows);

#endif
