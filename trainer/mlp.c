#include "trainer/mlp.h"

#include "base/check.h"
#include "trainer/model.h"

#include <stdlib.h>

/* Floats in an array, so that each begins at 64 bytes. */
static size_t padded(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

static uint32_t widest(const struct program *program)
{
    uint32_t width = 0;
    for (uint32_t i = 0; i < program->layer_count; i++)
        if (program->layers[i].width > width)
            width = program->layers[i].width;
    return width;
}

enum err mlp_init(struct mlp *mlp, const struct program *program, size_t rows, struct fault *fault)
{
    size_t gradient = padded(program_parameter_count(program)),
           upstream = padded(rows * widest(program));
    size_t floats = gradient + 2 * upstream + 2 * padded(rows);
    for (uint32_t i = 0; i < program->layer_count; i++)
        floats += padded(rows * program->layers[i].width);
    float *next = aligned_alloc(64, floats * sizeof(float));
    if (!next)
        return fault_set(fault, ERR_LIMIT, "no memory for %zu bytes of activations",
                         floats * sizeof(float));

    *mlp = (struct mlp){.program = program, .rows = rows, .memory = next};
    for (uint32_t i = 0; i < program->layer_count; i++) {
        mlp->activations[i] = next;
        next += padded(rows * program->layers[i].width);
    }
    mlp->gradient = next;
    mlp->upstream[0] = next + gradient;
    mlp->upstream[1] = next + gradient + upstream;
    mlp->loss = mlp->upstream[1] + upstream;
    mlp->labels = (uint16_t *)(mlp->loss + padded(rows));
    return ERR_NONE;
}

void mlp_release(struct mlp *mlp)
{
    free(mlp->memory);
    *mlp = (struct mlp){0};
}

void mlp_forward(struct mlp *mlp, struct kernel *kernel, const float *parameters, size_t rows)
{
    CHECK(rows >= 1);
    CHECK(rows <= mlp->rows);
    uint32_t layers = mlp->program->layer_count - 1;
    for (uint32_t i = 0; i < layers; i++) {
        struct model_tensor weight = model_tensor(mlp->program, 2 * i),
                            bias = model_tensor(mlp->program, 2 * i + 1);
        float *out = mlp->activations[i + 1];
        kernel_gemm_nt(kernel, out, mlp->activations[i], parameters + weight.offset,
                       parameters + bias.offset, rows, weight.shape[0], weight.shape[1]);
        if (i + 1 < layers)
            kernel_relu(kernel, out, rows * weight.shape[0]);
    }
}

void mlp_backward(struct mlp *mlp, struct kernel *kernel, const float *parameters, size_t rows)
{
    uint32_t layers = mlp->program->layer_count - 1;
    float *upstream = mlp->activations[layers];
    kernel_cross_entropy(kernel, mlp->loss, upstream, upstream, mlp->labels, rows,
                         program_classes(mlp->program), rows);
    for (uint32_t i = layers; i-- > 0;) {
        struct model_tensor weight = model_tensor(mlp->program, 2 * i),
                            bias = model_tensor(mlp->program, 2 * i + 1);
        uint32_t outputs = weight.shape[0], inputs = weight.shape[1];
        kernel_gemm_tn(kernel, mlp->gradient + weight.offset, upstream, mlp->activations[i], NULL,
                       outputs, inputs, rows);
        kernel_column_sums(kernel, mlp->gradient + bias.offset, upstream, rows, outputs);
        if (i == 0)
            break;
        float *next = mlp->upstream[i % 2];
        kernel_gemm_nn(kernel, next, upstream, parameters + weight.offset, NULL, rows, inputs,
                       outputs);
        kernel_relu_back(kernel, next, mlp->activations[i], rows * inputs);
        upstream = next;
    }
}
