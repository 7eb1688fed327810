#include "test/quality/contest.h"

#include "base/check.h"
#include "trainer/aggregate.h"
#include "trainer/delta.h"
#include "trainer/evaluate.h"
#include "trainer/segment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A training under way. */
struct course {
    const struct contest *contest;
    const struct exchange *exchange;
    struct program program;
    struct kernel kernel;
    struct segment segment;
    struct state global;
    struct state
        ends[CONTEST_WORKERS]; /* of the last round, one a worker; dense: the first alone */
    uint32_t slots;            /* 1..CONTEST_WORKERS */
    float *residue;            /* [P]: a worker's, on its way to its next segment */
};

static void must(enum err err, const struct fault *fault)
{
    if (!err)
        return;
    fprintf(stderr, "quality: %s\n", fault->text);
    exit(1);
}

/* --- the program --- */

static struct program program_of(const struct contest *contest, const struct exchange *exchange,
                                 uint64_t seed)
{
    struct program program = contest->program;
    struct fault fault;
    bool dense = exchange->steps == 0;

    program.optimizer = (uint8_t)exchange->optimizer;
    if (exchange->optimizer == PROGRAM_SGD)
        program.beta1 = program.beta2 = program.epsilon = 0;
    program.learning_rate = program_bits(exchange->inner_rate);
    program.outer_rate = program_bits(exchange->outer_rate);
    program.outer_momentum = program_bits(exchange->outer_momentum);
    program.steps = program.interval = dense ? contest->steps : exchange->steps;
    program.bits = exchange->bits == 4 ? 4 : 8;
    program.seed = seed;
    program.batch *= dense ? CONTEST_WORKERS : 1;
    must(program_check(&program, &fault), &fault);
    return program;
}

/* --- a course --- */

static struct course *course_new(const struct contest *contest, const struct exchange *exchange,
                                 uint64_t seed)
{
    struct course *course = calloc(1, sizeof(*course));
    enum kernel_kind kind;
    struct fault fault;

    CHECK(course != NULL);
    CHECK(kernel_best(&kind));
    course->contest = contest;
    course->exchange = exchange;
    course->program = program_of(contest, exchange, seed);
    course->slots = exchange->steps ? CONTEST_WORKERS : 1;
    course->residue = malloc(program_parameter_count(&course->program) * sizeof(float));
    CHECK(course->residue != NULL);
    must(kernel_init(&course->kernel, kind, NULL, &fault), &fault);
    must(segment_init(&course->segment, &course->program, contest->training, &course->kernel,
                      &fault),
         &fault);
    must(state_init(&course->global, &course->program, STATE_GLOBAL, &fault), &fault);
    state_begin(&course->global, &course->program, &contest->training->root);
    for (uint32_t i = 0; i < course->slots; i++)
        must(state_init(&course->ends[i], &course->program, STATE_SEGMENT, &fault), &fault);
    return course;
}

static void course_free(struct course *course)
{
    for (uint32_t i = 0; i < course->slots; i++)
        state_release(&course->ends[i]);
    state_release(&course->global);
    segment_release(&course->segment);
    kernel_release(&course->kernel);
    free(course->residue);
    free(course);
}

/* A segment of worker `slot`, from its last residue; in the first round that is zero. */
static void train(struct course *course, uint16_t slot)
{
    struct state *state = &course->ends[slot];
    struct digest witness;
    struct fault fault;

    memcpy(course->residue, state_floats(state, STATE_RESIDUE),
           course->global.parameter_count * sizeof(float));
    segment_start(state, &course->program, &course->global,
                  course->global.round ? course->residue : NULL, slot, course->program.steps);
    must(segment_train(&course->segment, state, &witness, NULL, &fault), &fault);
}

static void close_round(struct course *course)
{
    struct aggregate sum;
    struct fault fault;

    must(aggregate_init(&sum, &course->program, &course->global, &fault), &fault);
    for (uint32_t slot = 0; slot < course->slots; slot++)
        must(aggregate_add(&sum, &course->ends[slot], &fault), &fault);
    must(aggregate_finish(&sum, &course->global, &fault), &fault);
    aggregate_release(&sum);
}

/* The same outer step over differences that nothing was rounded from: what compression is compared with. */
static void close_round_unrounded(struct course *course)
{
    float *parameters = state_floats(&course->global, STATE_PARAMETERS),
          *outer = state_floats(&course->global, STATE_OUTER);
    float rate = course->exchange->outer_rate, mu = course->exchange->outer_momentum;

    for (uint32_t i = 0; i < course->global.parameter_count; i++) {
        double sum = 0;
        for (uint32_t slot = 0; slot < course->slots; slot++)
            sum += (double)(parameters[i] - state_floats(&course->ends[slot], STATE_PARAMETERS)[i]);
        float g = (float)(sum / course->slots);
        outer[i] = fmaf(mu, outer[i], g);
        parameters[i] = fmaf(-rate, fmaf(mu, outer[i], g), parameters[i]);
    }
    course->global.round++;
}

/* The parameters in the end. */
static const float *course_run(struct course *course)
{
    uint32_t every = course->exchange->steps;

    if (every == 0) {
        train(course, 0);
        return state_floats(&course->ends[0], STATE_PARAMETERS);
    }
    for (uint32_t round = 0; round < course->contest->steps / every; round++) {
        for (uint16_t slot = 0; slot < course->slots; slot++)
            train(course, slot);
        if (course->exchange->bits == 32)
            close_round_unrounded(course);
        else
            close_round(course);
    }
    return state_floats(&course->global, STATE_PARAMETERS);
}

/* --- for all to call --- */

float *contest_begin(const struct contest *contest, uint64_t seed)
{
    struct contest before = *contest;
    bool alone = contest->alone != 0;
    struct exchange dense = {0, 32, PROGRAM_ADAMW, alone ? contest->alone_rate : 1, 1, 0};
    uint32_t count = program_parameter_count(&contest->program);
    float *start = malloc(count * sizeof(*start));

    CHECK(start != NULL);
    before.steps = alone ? contest->alone : 1; /* 1: that nobody takes */
    before.program.gpt.decay = 0;
    struct course *course = course_new(&before, &dense, seed);
    memcpy(start, alone ? course_run(course) : state_floats(&course->global, STATE_PARAMETERS),
           count * sizeof(*start));
    course_free(course);
    return start;
}

static struct evaluation judge(struct course *course, const float *parameters,
                               const struct dataset *data)
{
    struct evaluation evaluation;
    struct fault fault;

    must(evaluate(&evaluation, &course->program, parameters, data, &course->kernel, &fault),
         &fault);
    return evaluation;
}

void contest_run(const struct contest *contest, const struct exchange *exchange, uint64_t seed,
                 const float *start, struct result *result)
{
    /* Another seed, so that nobody draws the samples of `contest_begin` again. */
    struct course *course = course_new(contest, exchange, seed + (1ull << 32));

    memcpy(state_floats(&course->global, STATE_PARAMETERS), start,
           course->global.parameter_count * sizeof(*start));
    const float *end = course_run(course);
    struct evaluation held_out = judge(course, end, contest->held_out);
    struct evaluation training = judge(course, end, contest->training);
    result->loss = (double)held_out.loss;
    result->accuracy = 100.0 * held_out.correct / held_out.count;
    result->training = (double)training.loss;
    course_free(course);
}

double contest_bytes(const struct contest *contest, const struct exchange *exchange)
{
    uint32_t count = program_parameter_count(&contest->program);

    if (exchange->steps == 0)
        return 4.0 * count * contest->steps;
    double each = exchange->bits == 32
                      ? 4.0 * count
                      : (double)delta_size(count, exchange->bits) + delta_block_count(count);
    return each * (contest->steps / exchange->steps);
}
