#include "trainer/network.h"

#include "base/check.h"
#include "trainer/tokens.h"

#include <stdlib.h>

/* Samples at a time when asking; answers don't depend on it. */
#define ASK_SAMPLES   256u
#define ASK_SEQUENCES 4u

static bool is_gpt(const struct network *network)
{
    return network->program->family == PROGRAM_GPT;
}

/* --- data --- */

static enum err check_tokens(const struct program *program, const struct dataset *data,
                             struct fault *fault)
{
    if (data->kind != DATASET_TOKENS)
        return fault_set(fault, ERR_MISMATCH, "the data are images, the program wants tokens");
    if (data->classes > program->gpt.symbols)
        return fault_set(fault, ERR_MISMATCH, "the data's tokens go up to %u, the program has %u",
                         data->classes - 1, program->gpt.symbols);
    if (data->count <= program->gpt.context)
        return fault_set(fault, ERR_MISMATCH,
                         "the data have %u tokens; a sequence of %u and its last answer need %u",
                         data->count, program->gpt.context, program->gpt.context + 1);
    return ERR_NONE;
}

enum err network_check_data(const struct program *program, const struct dataset *data,
                            struct fault *fault)
{
    if (program->family == PROGRAM_GPT)
        return check_tokens(program, data, fault);
    if (data->kind != DATASET_IMAGES)
        return fault_set(fault, ERR_MISMATCH, "the data are tokens, the program wants images");
    if (data->features != program_inputs(program))
        return fault_set(fault, ERR_MISMATCH,
                         "the data's samples have %u values, the program's inputs are %u",
                         data->features, program_inputs(program));
    if (data->classes > program_classes(program))
        return fault_set(fault, ERR_MISMATCH,
                         "the data's labels go up to %u, the program has %u classes",
                         data->classes - 1, program_classes(program));
    return ERR_NONE;
}

/* --- memory --- */

static enum err init(struct network *network, const struct program *program, struct kernel *kernel,
                     uint32_t samples, struct fault *fault)
{
    *network = (struct network){.program = program, .kernel = kernel, .samples = samples};
    if (is_gpt(network))
        return gpt_init(&network->gpt, program, samples, kernel->parallel.threads, fault);
    return mlp_init(&network->mlp, program, samples, fault);
}

enum err network_init(struct network *network, const struct program *program, struct kernel *kernel,
                      struct fault *fault)
{
    enum err err = init(network, program, kernel, program->batch, fault);
    if (err)
        return err;
    uint32_t micro_batches = program_micro_batches(program);
    size_t rows = (size_t)program_rows(program) * micro_batches,
           parameters = micro_batches > 1 ? program_parameter_count(program) : 0;
    network->loss = malloc((rows + parameters) * sizeof(float));
    if (!network->loss) {
        network_release(network);
        return fault_set(fault, ERR_LIMIT, "no memory for %zu bytes of gradients",
                         (rows + parameters) * sizeof(float));
    }
    network->total = parameters > 0 ? network->loss + rows : NULL;
    return ERR_NONE;
}

enum err network_init_asking(struct network *network, const struct program *program,
                             struct kernel *kernel, struct fault *fault)
{
    return init(network, program, kernel,
                program->family == PROGRAM_GPT ? ASK_SEQUENCES : ASK_SAMPLES, fault);
}

void network_release(struct network *network)
{
    free(network->loss);
    mlp_release(&network->mlp);
    gpt_release(&network->gpt);
    *network = (struct network){0};
}

/* --- training --- */

static uint32_t sample_of(const struct network *network, const struct dataset *data,
                          const struct network_place *place, uint32_t row)
{
    return dataset_sample(data, network->program->seed, place->round, place->slot, place->step,
                          row);
}

/* Samples lie anywhere in memory: the next one is asked for while this one is read. */
static void read_images(struct network *network, const struct dataset *data,
                        const struct network_place *place)
{
    uint32_t index = sample_of(network, data, place, 0);
    for (uint32_t row = 0; row < network->program->batch; row++) {
        uint32_t next = sample_of(network, data, place, row + 1);
        for (uint32_t i = 0; i < data->features; i += 64)
            __builtin_prefetch(data->pixels + (size_t)next * data->features + i);
        float *out = network->mlp.activations[0] + (size_t)row * data->features;
        network->mlp.labels[row] = dataset_read(data, index, out);
        index = next;
    }
}

static void read_sequences(struct network *network, const struct dataset *data,
                           const struct network_place *place, uint32_t micro_batch)
{
    const struct program *program = network->program;
    uint32_t context = program->gpt.context;
    for (uint32_t i = 0; i < program->batch; i++) {
        uint32_t from = tokens_sample(data, context + 1, program->seed, place->round, place->slot,
                                      place->step, micro_batch * program->batch + i);
        tokens_read(data, from, context, network->gpt.tokens + (size_t)i * context,
                    network->gpt.labels + (size_t)i * context);
    }
}

/* The losses and gradient of all micro-batches. */
static const float *train_gpt(struct network *network, const float *parameters,
                              const struct dataset *data, const struct network_place *place)
{
    const struct program *program = network->program;
    struct gpt *gpt = &network->gpt;
    uint32_t micro_batches = program_micro_batches(program), rows = program_rows(program);
    size_t count = program_parameter_count(program);
    for (uint32_t m = 0; m < micro_batches; m++) {
        read_sequences(network, data, place, m);
        struct dropout dropout = {program->gpt.dropout, program->seed, place->round,
                                  place->slot,          place->step,   m};
        gpt_forward(gpt, network->kernel, parameters, program->batch, &dropout);
        gpt_backward(gpt, network->kernel, parameters, program->batch, (size_t)rows * micro_batches,
                     &dropout);
        memcpy(network->loss + (size_t)m * rows, gpt->loss, rows * sizeof(float));
        if (network->total && m == 0)
            memcpy(network->total, gpt->gradient, count * sizeof(float));
        else if (network->total)
            kernel_add(network->kernel, network->total, network->total, gpt->gradient, count);
    }
    return network->total ? network->total : gpt->gradient;
}

static const float *train_mlp(struct network *network, const float *parameters,
                              const struct dataset *data, const struct network_place *place)
{
    struct mlp *mlp = &network->mlp;
    uint32_t rows = network->program->batch;
    read_images(network, data, place);
    mlp_forward(mlp, network->kernel, parameters, rows);
    mlp_backward(mlp, network->kernel, parameters, rows);
    memcpy(network->loss, mlp->loss, rows * sizeof(float));
    return mlp->gradient;
}

float network_train(struct network *network, const float **gradient, const float *parameters,
                    const struct dataset *data, const struct network_place *place)
{
    size_t rows = (size_t)program_rows(network->program) * program_micro_batches(network->program);
    *gradient = is_gpt(network) ? train_gpt(network, parameters, data, place)
                                : train_mlp(network, parameters, data, place);
    return kernel_sum(network->kernel, network->loss, rows) / (float)rows;
}

/* --- asking --- */

uint32_t network_question_count(const struct network *network, const struct dataset *data)
{
    uint32_t context = is_gpt(network) ? network->program->gpt.context : 1;
    return is_gpt(network) ? (data->count - 1) / context * context : data->count;
}

static struct network_answers ask_gpt(struct network *network, const float *parameters,
                                      const struct dataset *data, uint32_t from)
{
    struct gpt *gpt = &network->gpt;
    uint32_t context = network->program->gpt.context, sequences = 0;
    uint32_t end = network_question_count(network, data);
    for (; sequences < network->samples && from < end; sequences++, from += context)
        tokens_read(data, from, context, gpt->tokens + (size_t)sequences * context,
                    gpt->labels + (size_t)sequences * context);
    gpt_forward(gpt, network->kernel, parameters, sequences, NULL);
    return (struct network_answers){gpt->logits, gpt->loss, gpt->labels, sequences * context};
}

struct network_answers network_ask(struct network *network, const float *parameters,
                                   const struct dataset *data, uint32_t from)
{
    CHECK(from < network_question_count(network, data));
    if (is_gpt(network))
        return ask_gpt(network, parameters, data, from);
    struct mlp *mlp = &network->mlp;
    uint32_t left = data->count - from, rows = left < network->samples ? left : network->samples;
    for (uint32_t i = 0; i < rows; i++)
        mlp->labels[i] =
            dataset_read(data, from + i, mlp->activations[0] + (size_t)i * data->features);
    mlp_forward(mlp, network->kernel, parameters, rows);
    return (struct network_answers){mlp->activations[network->program->layer_count - 1], mlp->loss,
                                    mlp->labels, rows};
}
