/* Trains some steps and writes down what PyTorch needs to do the same (test/torch/check):
 *
 *     steps TEXT FOLDER STEPS BATCH mlp INPUTS [HIDDEN...] CLASSES
 *     steps TEXT FOLDER STEPS BATCH gpt BLOCKS HEADS WIDTH CONTEXT SYMBOLS MICRO_BATCHES
 *
 * A gpt's tokens are the text's bytes, modulo its symbols; an mlp's samples are its bytes in pieces, each labelled by the byte after it,
 * modulo its classes. In FOLDER, all little-endian:
 *
 *     tensors     a line a tensor: name, rank, shape (two numbers)
 *     parameters  float32[P] before the first step
 *     gradients   float32[P] of the first step
 *     inputs      of each step: float32[batch][inputs], or uint16[micro-batches * batch][context] tokens
 *     labels      of each step: uint16, one a row
 *     losses      float32, the mean of each step */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "tools/sys/parallel.h"
#include "trainer/model.h"
#include "trainer/network.h"
#include "trainer/optimizer.h"
#include "trainer/tokens.h"

#define TEXT_MAX (1u << 20)

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s) failed\n", file, line, condition);
    abort();
}

struct run {
    struct program program;
    struct program_layer layers[PROGRAM_LAYERS_MAX];
    uint8_t text[TEXT_MAX];
    uint32_t text_size;
    uint8_t file[TOKENS_HEADER_BYTES + 2 * TEXT_MAX]; /* tokens, or images */
    uint8_t labels[8 + TEXT_MAX];
    struct dataset data;
    FILE *inputs;
    FILE *answers;
    FILE *losses;
};

static uint32_t argument(char **argv, int i)
{
    CHECK(argv[i]);
    return (uint32_t)strtoul(argv[i], NULL, 10);
}

static void read_text(struct run *run, const char *path)
{
    FILE *in = fopen(path, "rb");
    CHECK(in);
    run->text_size = (uint32_t)fread(run->text, 1, TEXT_MAX, in);
    CHECK(run->text_size > 1000);
    fclose(in);
}

static void read_program(struct run *run, char **argv)
{
    struct program *p = &run->program;
    *p = (struct program){
        .profile = PROGRAM_PROFILE,
        .family = PROGRAM_MLP,
        .batch = argument(argv, 4),
        .optimizer = PROGRAM_ADAMW,
        .learning_rate = program_bits(1e-3f),
        .beta1 = program_bits(0.9f),
        .beta2 = program_bits(0.99f),
        .epsilon = program_bits(1e-8f),
        .weight_decay = program_bits(0.1f),
        .outer_rate = program_bits(1),
        .steps = argument(argv, 3),
        .interval = 1,
        .bits = 8,
        .seed = 1,
    };
    p->interval = p->steps;
    if (strcmp(argv[5], "gpt") == 0) {
        p->family = PROGRAM_GPT;
        p->gpt = (struct program_gpt){.blocks = argument(argv, 6),
                                      .heads = argument(argv, 7),
                                      .width = argument(argv, 8),
                                      .context = argument(argv, 9),
                                      .symbols = argument(argv, 10),
                                      .micro_batches = argument(argv, 11),
                                      .warm_up = 20,
                                      .decay = 500,
                                      .rate_last = program_bits(1e-4f),
                                      .clip = program_bits(1)};
    } else {
        p->layers = run->layers;
        for (int i = 6; argv[i] && p->layer_count < PROGRAM_LAYERS_MAX; i++)
            run->layers[p->layer_count++].width = argument(argv, i);
    }
    CHECK(program_check(p, NULL) == ERR_NONE);
}

static void read_data(struct run *run)
{
    uint32_t classes = program_classes(&run->program);
    if (run->program.family == PROGRAM_GPT) {
        const uint32_t header[] = {TOKENS_MAGIC, TOKENS_VERSION, run->text_size};
        memcpy(run->file, header, sizeof(header)); /* the profile is for little-endian machines */
        for (uint32_t i = 0; i < run->text_size; i++)
            run->file[TOKENS_HEADER_BYTES + 2 * i] = (uint8_t)(run->text[i] % classes);
        size_t size = TOKENS_HEADER_BYTES + 2 * (size_t)run->text_size;
        CHECK(tokens_init(&run->data, bytes_of(run->file, size), NULL) == ERR_NONE);
        return;
    }
    uint32_t inputs = program_inputs(&run->program), count = (run->text_size - 1) / inputs;
    bytes_put_u32(run->file, 0x803);
    bytes_put_u32(run->file + 4, count);
    bytes_put_u32(run->file + 8, 1);
    bytes_put_u32(run->file + 12, inputs);
    memcpy(run->file + 16, run->text, (size_t)count * inputs);
    bytes_put_u32(run->labels, 0x801);
    bytes_put_u32(run->labels + 4, count);
    for (uint32_t i = 0; i < count; i++)
        run->labels[8 + i] = (uint8_t)(run->text[(i + 1) * inputs] % classes);
    CHECK(dataset_init(&run->data, bytes_of(run->file, 16 + (size_t)count * inputs),
                       bytes_of(run->labels, 8 + count), NULL) == ERR_NONE);
}

static FILE *create(const char *name)
{
    FILE *out = fopen(name, "wb");
    CHECK(out);
    return out;
}

static void put(FILE *out, const void *data, size_t size)
{
    CHECK(fwrite(data, 1, size, out) == size);
}

static void put_file(const char *name, const void *data, size_t size)
{
    FILE *out = create(name);
    put(out, data, size);
    CHECK(fclose(out) == 0);
}

static void put_tensors(const struct program *program)
{
    FILE *out = create("tensors");
    for (uint32_t i = 0; i < model_tensor_count(program); i++) {
        struct model_tensor tensor = model_tensor(program, i);
        fprintf(out, "%s %u %u %u\n", tensor.name, tensor.rank, tensor.shape[0], tensor.shape[1]);
    }
    CHECK(fclose(out) == 0);
}

/* The step's batch: of a gpt drawn a second time, since the network keeps the last micro-batch only. */
static void put_batch(struct run *run, const struct network *network,
                      const struct network_place *place)
{
    const struct program *p = &run->program;
    if (p->family == PROGRAM_MLP) {
        put(run->inputs, network->mlp.activations[0],
            (size_t)p->batch * program_inputs(p) * sizeof(float));
        put(run->answers, network->mlp.labels, p->batch * sizeof(uint16_t));
        return;
    }
    uint16_t tokens[PROGRAM_CONTEXT_MAX], labels[PROGRAM_CONTEXT_MAX];
    for (uint32_t i = 0; i < p->gpt.micro_batches * p->batch; i++) {
        uint32_t from = tokens_sample(&run->data, p->gpt.context + 1, p->seed, place->round,
                                      place->slot, place->step, i);
        tokens_read(&run->data, from, p->gpt.context, tokens, labels);
        put(run->inputs, tokens, p->gpt.context * sizeof(uint16_t));
        put(run->answers, labels, p->gpt.context * sizeof(uint16_t));
    }
}

static void train(struct run *run, struct kernel *kernel)
{
    const struct program *program = &run->program;
    struct network network;
    struct state state;
    CHECK(network_init(&network, program, kernel, NULL) == ERR_NONE);
    CHECK(state_init(&state, program, STATE_SEGMENT, NULL) == ERR_NONE);
    float *parameters = state_floats(&state, STATE_PARAMETERS);
    size_t size = state.parameter_count * sizeof(float);
    model_seed(program, parameters);
    put_tensors(program);
    put_file("parameters", parameters, size);
    uint32_t before = kernel_control_set();
    for (; state.step < program->steps; state.step++) {
        struct network_place place = {0, 0, state.step};
        const float *gradient;
        float loss = network_train(&network, &gradient, parameters, &run->data, &place);
        if (state.step == 0)
            put_file("gradients", gradient, size);
        put_batch(run, &network, &place);
        put(run->losses, &loss, sizeof(loss));
        optimizer_step(kernel, program, &state, gradient,
                       kernel_norm(kernel, gradient, state.parameter_count));
    }
    kernel_control_restore(before);
    state_release(&state);
    network_release(&network);
}

int main(int argc, char **argv)
{
    static struct run run;
    struct kernel kernel;
    enum kernel_kind kind;
    CHECK(argc >= 8);
    read_text(&run, argv[1]);
    CHECK(chdir(argv[2]) == 0);
    read_program(&run, argv);
    read_data(&run);
    struct parallel *pool = parallel_new(2);
    CHECK(pool);
    struct kernel_parallel parallel = {pool, 2, parallel_each};
    CHECK(kernel_best(&kind));
    CHECK(kernel_init(&kernel, kind, &parallel, NULL) == ERR_NONE);
    run.inputs = create("inputs");
    run.answers = create("labels");
    run.losses = create("losses");
    train(&run, &kernel);
    CHECK(fclose(run.inputs) == 0);
    CHECK(fclose(run.answers) == 0);
    CHECK(fclose(run.losses) == 0);
    kernel_release(&kernel);
    parallel_free(pool);
    return EXIT_SUCCESS;
}
