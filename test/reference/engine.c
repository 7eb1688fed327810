/* The other side of the comparison: the trainer runs a course (test/reference/course.h), with the kernel and the
 * threads that the course names, and prints the same lines as the reference. No kernel means the CPU's best;
 * `engine kernels` prints the names of those that this CPU can run. */
#include "test/reference/course.h"
#include "tools/sys/parallel.h"
#include "trainer/aggregate.h"
#include "trainer/segment.h"
#include "trainer/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct engine {
    const struct course *course;
    struct program program;
    struct program_layer layers[COURSE_LAYERS_MAX];
    struct dataset data;
    struct parallel *threads;
    struct kernel kernel;
    struct segment segment;
    struct state global;
    struct state slots[COURSE_SLOTS_MAX];
    struct fault fault;
    uint32_t slot;  /* that runs */
    uint32_t steps; /* it has done */
};

static void must(const struct engine *engine, enum err err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "engine: %s: %s: %s\n", what, err_name(err), engine->fault.text);
    exit(2);
}

static void on_step(void *self, uint32_t step, float loss, float norm)
{
    struct engine *engine = self;
    (void)loss;
    (void)norm;
    engine->steps = step + 1;
}

static enum err on_leaf(void *self, uint32_t index, const struct trace_leaf *leaf, struct state *state)
{
    const struct engine *engine = self;
    course_print_leaf(state->round, engine->slot, index, &leaf->state_root, &leaf->witness);
    return ERR_NONE;
}

static void program_of(struct engine *engine)
{
    const struct course *course = engine->course;
    for (uint32_t i = 0; i < course->layer_count; i++)
        engine->layers[i].width = course->layers[i];
    engine->program = (struct program){
        .profile = PROGRAM_PROFILE,
        .family = PROGRAM_MLP,
        .layers = engine->layers,
        .layer_count = course->layer_count,
        .batch = course->batch,
        .optimizer = course->optimizer == COURSE_ADAMW ? PROGRAM_ADAMW : PROGRAM_SGD,
        .learning_rate = program_bits(course->rate),
        .beta1 = program_bits(course->beta1),
        .beta2 = program_bits(course->beta2),
        .epsilon = program_bits(course->epsilon),
        .weight_decay = program_bits(course->weight_decay),
        .outer_rate = program_bits(course->outer_rate),
        .outer_momentum = program_bits(course->outer_momentum),
        .steps = course->steps,
        .interval = course->interval,
        .bits = course->bits,
        .seed = course->seed,
    };
    if (course->is_gpt) {
        const struct course_gpt *gpt = &course->gpt;
        engine->program.family = PROGRAM_GPT;
        engine->program.gpt = (struct program_gpt){gpt->blocks, gpt->heads, gpt->width, gpt->context, gpt->symbols,
                                                   gpt->micro_batches, gpt->warm_up, gpt->decay,
                                                   program_bits(gpt->rate_last), program_bits(gpt->clip), gpt->dropout};
    }
    must(engine, program_check(&engine->program, &engine->fault), "program");
}

static void engine_init(struct engine *engine, const struct course *course)
{
    struct kernel_parallel parallel;
    struct fault *fault = &engine->fault;
    enum kernel_kind kind;
    *engine = (struct engine){.course = course};
    program_of(engine);
    struct bytes images = bytes_of(course->images, course->image_size);
    struct bytes labels = bytes_of(course->labels, course->label_size);
    enum err err = course->is_gpt ? tokens_init(&engine->data, images, fault)
                                  : dataset_init(&engine->data, images, labels, fault);
    must(engine, err, "data");
    if (!(course->kernel[0] ? kernel_parse(&kind, course->kernel) : kernel_best(&kind)))
        must(engine, ERR_USAGE, "no such kernel");
    engine->threads = parallel_new(course->threads);
    if (!engine->threads)
        must(engine, ERR_LIMIT, "threads");
    parallel = (struct kernel_parallel){engine->threads, course->threads, parallel_each};
    must(engine, kernel_init(&engine->kernel, kind, &parallel, fault), "kernel");
    must(engine, segment_init(&engine->segment, &engine->program, &engine->data, &engine->kernel, fault), "segment");
    must(engine, state_init(&engine->global, &engine->program, STATE_GLOBAL, fault), "state");
    state_begin(&engine->global, &engine->program, &engine->data.root);
    for (uint32_t i = 0; i < course->slot_count; i++)
        must(engine, state_init(&engine->slots[i], &engine->program, STATE_SEGMENT, fault), "state");
}

static void engine_release(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->course->slot_count; i++)
        state_release(&engine->slots[i]);
    state_release(&engine->global);
    segment_release(&engine->segment);
    kernel_release(&engine->kernel);
    parallel_free(engine->threads);
}

/* Runs the slot's segment of this round; false if it diverged. */
static bool engine_run(struct engine *engine, uint32_t slot)
{
    struct state *state = &engine->slots[slot];
    uint32_t round = engine->global.round;
    uint32_t steps = engine->course->slots[slot];
    uint32_t leaf_count = trace_leaf_count(steps, engine->course->interval);
    size_t size = state->parameter_count * sizeof(float);
    struct trace_leaf *leaves = calloc(leaf_count, sizeof(*leaves));
    float *residue = malloc(size);
    struct segment_watch watch = {engine, on_step, on_leaf};
    if (!leaves || !residue)
        abort();
    memcpy(residue, state_floats(state, STATE_RESIDUE), size);
    engine->slot = slot;
    engine->steps = 0;
    segment_start(state, &engine->program, &engine->global, round > 0 ? residue : NULL, (uint16_t)slot, steps);
    enum err err = segment_run(&engine->segment, state, leaves, &watch, &engine->fault);
    if (err == ERR_CORRUPT)
        course_print_divergence(round, slot, engine->steps);
    else
        must(engine, err, "segment");
    if (!err) {
        struct digest root = trace_root(leaves, leaf_count);
        course_print_trace(round, slot, &root);
    }
    free(residue);
    free(leaves);
    return !err;
}

static bool engine_round(struct engine *engine)
{
    struct aggregate sum;
    struct digest root = state_root(&engine->global);
    course_print_start(engine->global.round, &root);
    for (uint32_t i = 0; i < engine->course->slot_count; i++)
        if (!engine_run(engine, i))
            return false;
    must(engine, aggregate_init(&sum, &engine->program, &engine->global, &engine->fault), "sum");
    for (uint32_t i = 0; i < engine->course->slot_count; i++)
        must(engine, aggregate_add(&sum, &engine->slots[i], &engine->fault), "sum");
    must(engine, aggregate_finish(&sum, &engine->global, &engine->fault), "sum");
    aggregate_release(&sum);
    return true;
}

static int kernels_print(void)
{
    for (int kind = 0; kind < KERNEL_KINDS; kind++)
        if (kernel_is_supported((enum kernel_kind)kind))
            puts(kernel_name((enum kernel_kind)kind));
    return 0;
}

int main(int count, char **words)
{
    struct course course;
    struct engine engine;
    bool is_finite = true;
    if (count == 2 && strcmp(words[1], "kernels") == 0)
        return kernels_print();
    course_init(&course, count - 1, words + 1);
    engine_init(&engine, &course);
    while (is_finite && engine.global.round < course.rounds)
        is_finite = engine_round(&engine);
    if (is_finite) {
        struct digest root = state_root(&engine.global);
        course_print_end(&root);
    }
    engine_release(&engine);
    course_release(&course);
    return 0;
}
