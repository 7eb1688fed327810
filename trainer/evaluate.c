#include "trainer/evaluate.h"

#include "trainer/network.h"

#include <stdlib.h>

static uint32_t best_class(const float *logits, uint32_t classes)
{
    uint32_t best = 0;
    for (uint32_t j = 1; j < classes; j++)
        if (logits[j] > logits[best])
            best = j;
    return best;
}

/* Fills a loss for each question and gives how many answers were right. */
static uint32_t run(struct network *network, const float *parameters, const struct dataset *data,
                    uint32_t count, float *loss)
{
    uint32_t classes = program_classes(network->program), correct = 0;
    for (uint32_t from = 0; from < count;) {
        struct network_answers a = network_ask(network, parameters, data, from);
        for (uint32_t i = 0; i < a.rows; i++)
            correct += best_class(a.logits + (size_t)i * classes, classes) == a.labels[i];
        kernel_cross_entropy(network->kernel, loss + from, a.logits, a.logits, a.labels, a.rows,
                             classes, a.rows);
        from += a.rows;
    }
    return correct;
}

enum err evaluate(struct evaluation *evaluation, const struct program *program,
                  const float *parameters, const struct dataset *data, struct kernel *kernel,
                  struct fault *fault)
{
    struct network network;
    enum err err = network_check_data(program, data, fault);
    if (!err)
        err = network_init_asking(&network, program, kernel, fault);
    if (err)
        return err;
    struct evaluation made = {.count = network_question_count(&network, data)};
    float *loss = malloc(made.count * sizeof(*loss));
    if (!loss) {
        network_release(&network);
        return fault_set(fault, ERR_LIMIT, "no memory to evaluate %u answers", made.count);
    }
    uint32_t before = kernel_control_set();
    made.correct = run(&network, parameters, data, made.count, loss);
    made.loss = kernel_sum(kernel, loss, made.count) / (float)made.count;
    kernel_control_restore(before);
    network_release(&network);
    free(loss);
    if (!__builtin_isfinite(made.loss))
        return fault_set(fault, ERR_CORRUPT, "the model's loss on this data isn't finite");
    *evaluation = made;
    return ERR_NONE;
}

uint32_t evaluate_basis_points(const struct evaluation *evaluation)
{
    return (uint32_t)((uint64_t)evaluation->correct * 10000 / evaluation->count);
}
