#include "trainer/evaluate.h"

#include "trainer/mlp.h"

#include <stdlib.h>

/* Rows at a time; the result doesn't depend on it. */
#define ROWS 256u

static uint32_t best_class(const float *logits, uint32_t classes)
{
    uint32_t best = 0;
    for (uint32_t j = 1; j < classes; j++)
        if (logits[j] > logits[best])
            best = j;
    return best;
}

/* Fills loss[data->count] and gives how many were right. */
static uint32_t run(struct mlp *mlp, const float *parameters, const struct dataset *data,
                    struct kernel *kernel, float *loss)
{
    uint32_t classes = program_classes(mlp->program), correct = 0;
    float *logits = mlp->activations[mlp->program->layer_count - 1];
    for (uint32_t from = 0; from < data->count; from += ROWS) {
        uint32_t rows = data->count - from < ROWS ? data->count - from : ROWS;
        for (uint32_t i = 0; i < rows; i++)
            dataset_read(data, from + i, mlp->activations[0] + (size_t)i * data->features);
        mlp_forward(mlp, kernel, parameters, rows);
        for (uint32_t i = 0; i < rows; i++)
            correct += best_class(logits + (size_t)i * classes, classes) == data->labels[from + i];
        kernel_cross_entropy(kernel, loss + from, logits, logits, data->labels + from, rows,
                             classes);
    }
    return correct;
}

enum err evaluate(struct evaluation *evaluation, const struct program *program,
                  const float *parameters, const struct dataset *data, struct kernel *kernel,
                  struct fault *fault)
{
    if (data->features != program_inputs(program) || data->classes > program_classes(program))
        return fault_set(fault, ERR_MISMATCH,
                         "the data (%u values, %u classes) doesn't fit the program (%u, %u)",
                         data->features, data->classes, program_inputs(program),
                         program_classes(program));
    float *loss = malloc(data->count * sizeof(*loss));
    if (!loss)
        return fault_set(fault, ERR_LIMIT, "no memory to evaluate %u samples", data->count);
    struct mlp mlp;
    enum err err = mlp_init(&mlp, program, ROWS, fault);
    if (!err) {
        uint32_t before = kernel_control_set();
        struct evaluation made = {.count = data->count};
        made.correct = run(&mlp, parameters, data, kernel, loss);
        made.loss = kernel_sum(kernel, loss, data->count) / (float)data->count;
        kernel_control_restore(before);
        mlp_release(&mlp);
        if (__builtin_isfinite(made.loss))
            *evaluation = made;
        else
            err = fault_set(fault, ERR_CORRUPT, "the model's loss on this data isn't finite");
    }
    free(loss);
    return err;
}

uint32_t evaluate_basis_points(const struct evaluation *evaluation)
{
    return (uint32_t)((uint64_t)evaluation->correct * 10000 / evaluation->count);
}
