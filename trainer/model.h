/* A program's parameters as named tensors, in canonical order, and as a model file.
 *
 *     mlp with layers 784, 128, 10:
 *     layers.0.weight [128][784]   layers.0.bias [128]   layers.1.weight [10][128]   layers.1.bias
 * [10]
 *
 * The flat vector of P parameters is these tensors one after the other. A weight is
 * [outputs][inputs], as in PyTorch's Linear. */
#ifndef TRAINER_MODEL_H
#define TRAINER_MODEL_H

#include "base/error.h"
#include "trainer/program.h"

#define MODEL_NAME_SIZE   32
#define MODEL_TENSORS_MAX (2 * (PROGRAM_LAYERS_MAX - 1))

struct model_tensor {
    char name[MODEL_NAME_SIZE]; /* zero-terminated */
    uint8_t rank;               /* 1 or 2 */
    uint32_t shape[2];          /* the second is 1 when rank is 1 */
    uint32_t offset;            /* of its first element in the flat vector */
    uint32_t count;             /* elements */
};

/* 1..MODEL_TENSORS_MAX. */
uint32_t model_tensor_count(const struct program *program);

/* Requires index < model_tensor_count. */
struct model_tensor model_tensor(const struct program *program, uint32_t index);

/* Fills parameters[P] from the program's seed: weights uniform in +-sqrt(6 / inputs) (He et al.,
 * 2015), biases zero. */
void model_seed(const struct program *program, float *parameters);

/* Size of the model file: safetensors with the program's digest and profile as metadata. */
size_t model_file_size(const struct program *program);

/* Writes exactly that many bytes. */
void model_write(const struct program *program, const float *parameters, uint8_t *out);

/* Fills parameters[P] from a safetensors file that has exactly the program's tensors, in any order,
 * all float32 and finite. ERR_MALFORMED or ERR_MISMATCH with a sentence otherwise; then the
 * parameters are untouched. */
MUST_USE enum err model_read(const struct program *program, float *parameters, struct bytes file,
                             struct fault *fault);

#endif
