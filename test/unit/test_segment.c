#include "trainer/segment.h"

#include <math.h>
#include <zlib.h>

#include "test/unit/sample.h"
#include "trainer/delta.h"

#define LEAVES 4 /* 10 steps, a state every 4: start, 4, 8, 10 */

/* A run and what it committed, with each leaf's state in chunks. */
struct run {
    struct state state;
    struct trace_leaf leaves[LEAVES];
    struct sample_chunks chunks[LEAVES];
    uint32_t steps_seen;
    uint32_t leaves_seen;
};

static void on_step(void *self, uint32_t step, float loss, float norm)
{
    struct run *run = self;
    ck_assert_uint_eq(step, run->steps_seen++);
    ck_assert(isfinite(loss));
    ck_assert(norm > 0);
}

static enum err on_leaf(void *self, uint32_t index, const struct trace_leaf *leaf,
                        struct state *state)
{
    struct run *run = self;
    ck_assert_uint_eq(index, run->leaves_seen++);
    ck_assert_uint_eq(state->step, trace_step(10, 4, index));
    struct digest root = state_root(state);
    ck_assert(digest_equal(&root, &leaf->state_root));
    run->chunks[index] = sample_chunks_of(state);
    return ERR_NONE;
}

static void run_all(struct run *run, struct sample *s)
{
    *run = (struct run){.state = sample_start(s, 1)};
    struct segment_watch watch = {run, on_step, on_leaf};
    ck_assert_int_eq(segment_run(&s->segment, &run->state, run->leaves, &watch, NULL), ERR_NONE);
    ck_assert_uint_eq(run->steps_seen, 10);
    ck_assert_uint_eq(run->leaves_seen, LEAVES);
}

static void run_free(struct run *run)
{
    for (int i = 0; i < LEAVES; i++)
        sample_chunks_free(&run->chunks[i]);
    state_release(&run->state);
}

START_TEST(a_replay_of_every_interval_equals_the_trace)
{
    struct sample *s = sample_new();
    struct run run;
    run_all(&run, s);
    ck_assert(digest_is_zero(&run.leaves[0].witness));
    for (int i = 1; i < LEAVES; i++) {
        struct state state;
        struct trace_leaf leaf;
        ck_assert_int_eq(state_init(&state, &s->program, STATE_SEGMENT, NULL), ERR_NONE);
        ck_assert_int_eq(state_load(&state, &run.leaves[i - 1].state_root, run.chunks[i - 1].list,
                                    run.chunks[i - 1].count, NULL),
                         ERR_NONE);
        ck_assert_int_eq(segment_advance(&s->segment, &state, &leaf, NULL, NULL), ERR_NONE);
        ck_assert(trace_leaf_equal(&leaf, &run.leaves[i]));
        state_release(&state);
    }
    run_free(&run);
    sample_free(s);
}
END_TEST

/* Wherever one bit of an interval's start state differs, its end leaf does too. */
START_TEST(one_flipped_bit_in_a_state_changes_the_leaf)
{
    struct sample *s = sample_new();
    struct run run;
    run_all(&run, s);
    struct state start, state;
    ck_assert_int_eq(state_init(&start, &s->program, STATE_SEGMENT, NULL), ERR_NONE);
    ck_assert_int_eq(state_init(&state, &s->program, STATE_SEGMENT, NULL), ERR_NONE);
    ck_assert_int_eq(state_load(&start, &run.leaves[2].state_root, run.chunks[2].list,
                                run.chunks[2].count, NULL),
                     ERR_NONE);
    for (int part = 0; part < STATE_PARTS; part++) {
        if (!start.tensors[part].data || part == STATE_DELTA || part == STATE_EXPONENTS)
            continue; /* the last two are overwritten at the end; their start is bound by the leaf before */
        for (uint32_t i = 0; i < start.parameter_count; i += 61) {
            struct trace_leaf leaf;
            state_copy(&state, &start);
            ((uint8_t *)state.tensors[part].data)[4 * i] ^= 1; /* the lowest bit of the float */
            state_changed(&state, (enum state_part)part);
            struct digest root = state_root(&state);
            if (digest_equal(&root, &run.leaves[2].state_root))
                ck_abort_msg("tensor %d, element %u is not in the root", part, i);
            ck_assert_int_eq(segment_advance(&s->segment, &state, &leaf, NULL, NULL), ERR_NONE);
            if ((part == STATE_PARAMETERS || part == STATE_ANCHOR) &&
                trace_leaf_equal(&leaf, &run.leaves[3]))
                ck_abort_msg("tensor %d, element %u doesn't matter", part, i);
        }
    }
    state_release(&start);
    state_release(&state);
    run_free(&run);
    sample_free(s);
}
END_TEST

START_TEST(all_kernels_commit_to_the_same_trace)
{
    struct sample *s = sample_new();
    for (int optimizer = PROGRAM_SGD; optimizer <= PROGRAM_ADAMW; optimizer++) {
        struct trace_leaf first[LEAVES];
        if (optimizer == PROGRAM_SGD) {
            s->program.optimizer = PROGRAM_SGD;
            s->program.beta2 = s->program.epsilon = 0;
        } else {
            sample_program(s);
        }
        ck_assert_int_eq(program_check(&s->program, NULL), ERR_NONE);
        state_release(&s->global);
        ck_assert_int_eq(state_init(&s->global, &s->program, STATE_GLOBAL, NULL), ERR_NONE);
        state_begin(&s->global, &s->program, &s->data.root);
        for (int kind = 0; kind < KERNEL_KINDS; kind++) {
            struct kernel kernel;
            struct segment segment;
            struct trace_leaf leaves[LEAVES];
            if (!kernel_is_supported((enum kernel_kind)kind))
                continue;
            ck_assert_int_eq(kernel_init(&kernel, (enum kernel_kind)kind, NULL, NULL), ERR_NONE);
            ck_assert_int_eq(segment_init(&segment, &s->program, &s->data, &kernel, NULL),
                             ERR_NONE);
            struct state state = sample_start(s, 2);
            ck_assert_int_eq(segment_run(&segment, &state, kind == 0 ? first : leaves, NULL, NULL),
                             ERR_NONE);
            if (kind > 0)
                ck_assert_int_eq(memcmp(first, leaves, sizeof(leaves)), 0);
            state_release(&state);
            segment_release(&segment);
            kernel_release(&kernel);
        }
    }
    sample_free(s);
}
END_TEST

/* A change of any bit of the profile shows here, and needs a new profile version. test/golden/numerics, a second implementation in exact
 * arithmetic, comes to the same trace. */
START_TEST(the_profile_s_bits_are_these)
{
    struct sample *s = sample_new();
    struct run run;
    char text[DIGEST_TEXT_SIZE];
    run_all(&run, s);
    struct digest root = trace_root(run.leaves, LEAVES);
    digest_text(text, &root);
    ck_assert_str_eq(text, "a07ed0b8ea31a1a1e62dd5a885a5626ba54cba2e972efcdbc686dd51edb9b44d");
    run_free(&run);
    sample_free(s);
}
END_TEST

START_TEST(the_start_follows_from_global_state_residue_slot_and_steps)
{
    struct sample *s = sample_new();
    float residue[723] = {0};
    residue[5] = 1;
    struct state a = sample_start(s, 0), b = sample_start(s, 0);
    struct digest first = state_root(&a), same = state_root(&b);
    ck_assert(digest_equal(&first, &same));
    segment_start(&b, &s->program, &s->global, NULL, 1, 10);
    struct digest other_slot = state_root(&b);
    segment_start(&b, &s->program, &s->global, NULL, 0, 8);
    struct digest other_steps = state_root(&b);
    segment_start(&b, &s->program, &s->global, residue, 0, 10);
    struct digest other_residue = state_root(&b);
    ck_assert(!digest_equal(&first, &other_slot));
    ck_assert(!digest_equal(&first, &other_steps));
    ck_assert(!digest_equal(&first, &other_residue));

    struct trace_leaf leaf; /* a used state is as good as a new one */
    segment_start(&b, &s->program, &s->global, residue, 3, 4);
    ck_assert_int_eq(segment_advance(&s->segment, &b, &leaf, NULL, NULL), ERR_NONE);
    segment_start(&b, &s->program, &s->global, NULL, 0, 10);
    struct digest again = state_root(&b);
    ck_assert(digest_equal(&first, &again));
    state_release(&a);
    state_release(&b);
    sample_free(s);
}
END_TEST

START_TEST(the_end_holds_the_compressed_difference)
{
    struct sample *s = sample_new();
    struct run run;
    run_all(&run, s);
    const float *parameters = state_floats(&run.state, STATE_PARAMETERS);
    const float *anchor = state_floats(&run.state, STATE_ANCHOR),
                *residue = state_floats(&run.state, STATE_RESIDUE);
    const int8_t *q = state_bytes(&run.state, STATE_DELTA);
    float step = ldexpf(1, state_bytes(&run.state, STATE_EXPONENTS)[0]);
    int moved = 0;
    for (uint32_t i = 0; i < run.state.parameter_count; i++) {
        ck_assert(fabsf(residue[i]) <= step / 2);
        ck_assert(fabsf(anchor[i] - parameters[i] - ((float)q[i] * step + residue[i])) < 1e-7f);
        moved += q[i] != 0;
    }
    ck_assert_int_gt(moved, 500);
    run_free(&run);
    sample_free(s);
}
END_TEST

static void expect(struct segment *segment, struct state *state, enum err want,
                   const char *sentence)
{
    struct trace_leaf leaf = {.witness = digest_zero};
    struct fault fault = {0};
    ck_assert_int_eq(segment_advance(segment, state, &leaf, NULL, &fault), want);
    ck_assert_str_eq(fault.text, sentence);
    ck_assert(trace_is_diverged(&leaf) == (want == ERR_CORRUPT));
}

START_TEST(training_that_leaves_the_numbers_ends_with_its_step)
{
    struct sample *s = sample_new();
    struct state state = sample_start(s, 0);
    state_floats(&state, STATE_PARAMETERS)[0] = INFINITY;
    expect(&s->segment, &state, ERR_CORRUPT, "step 0: the loss isn't finite");
    struct trace_witness none; /* no step before it */
    struct trace_leaf leaf;
    trace_witness_init(&none);
    struct digest witness = trace_witness_end(&none);
    segment_start(&state, &s->program, &s->global, NULL, 0, 10);
    state_floats(&state, STATE_PARAMETERS)[0] = INFINITY;
    ck_assert_int_eq(segment_advance(&s->segment, &state, &leaf, NULL, NULL), ERR_CORRUPT);
    ck_assert(digest_equal(&leaf.witness, &witness));
    segment_start(&state, &s->program, &s->global, NULL, 0, 10);
    state.step = 8;
    state_floats(&state, STATE_ANCHOR)[3] = INFINITY;
    expect(&s->segment, &state, ERR_CORRUPT, "step 9: a parameter isn't finite");
    segment_start(&state, &s->program, &s->global, NULL, 0, 10);
    for (int i = 660; i < 720; i++) /* the last layer's weights */
        state_floats(&state, STATE_PARAMETERS)[i] *= 1e25f;
    for (int i = 0; i < 660; i++)
        state_floats(&state, STATE_PARAMETERS)[i] *= 1e-5f;
    expect(&s->segment, &state, ERR_CORRUPT, "step 0: the gradient's norm isn't finite");
    state_release(&state);
    sample_free(s);
}
END_TEST

START_TEST(states_of_other_jobs_and_moments_are_refused)
{
    struct sample *s = sample_new();
    struct state state = sample_start(s, 0);
    state.step = 10;
    expect(&s->segment, &state, ERR_NOT_NOW, "no interval starts at step 10 of 10");
    state.step = 5;
    expect(&s->segment, &state, ERR_NOT_NOW, "no interval starts at step 5 of 10");
    state.step = 0;
    state.data.bytes[0] ^= 1;
    expect(&s->segment, &state, ERR_MISMATCH, "this segment's state is for another data set");
    state.program.bytes[0] ^= 1;
    expect(&s->segment, &state, ERR_MISMATCH, "this is no segment's state of the same program");
    expect(&s->segment, &s->global, ERR_MISMATCH, "this is no segment's state of the same program");
    state_release(&state);
    sample_free(s);
}
END_TEST

START_TEST(data_that_doesn_t_fit_the_program_is_refused)
{
    struct sample *s = sample_new();
    struct segment segment;
    struct fault fault = {0};
    s->layers[2].width = 2;
    ck_assert_int_eq(segment_init(&segment, &s->program, &s->data, &s->kernel, &fault),
                     ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "the data's labels go up to 2, the program has 2 classes");
    s->layers[0].width = 33;
    ck_assert_int_eq(segment_init(&segment, &s->program, &s->data, &s->kernel, &fault),
                     ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "the data's samples have 32 values, the program's inputs are 33");
    sample_free(s);
}
END_TEST

static enum err stop_at_one(void *self, uint32_t index, const struct trace_leaf *leaf,
                            struct state *state)
{
    (void)self;
    (void)leaf;
    (void)state;
    return index == 1 ? ERR_BUSY : ERR_NONE;
}

START_TEST(a_watcher_can_stop_a_run)
{
    struct sample *s = sample_new();
    struct state state = sample_start(s, 0);
    struct trace_leaf leaves[LEAVES];
    struct segment_watch watch = {.leaf = stop_at_one};
    ck_assert_int_eq(segment_run(&s->segment, &state, leaves, &watch, NULL), ERR_BUSY);
    ck_assert_uint_eq(state.step, 4);
    state_release(&state);
    sample_free(s);
}
END_TEST

/* --- real data, where it is installed --- */

#define FOLDER "/usr/share/datasets/fashion-mnist/"

static struct bytes unzip(const char *path)
{
    size_t room = 48u << 20;
    uint8_t *data = malloc(room);
    gzFile file = gzopen(path, "rb");
    ck_assert_ptr_nonnull(data);
    ck_assert_ptr_nonnull(file);
    int size = gzread(file, data, (unsigned)room);
    gzclose(file);
    ck_assert_int_gt(size, 0);
    return bytes_of(data, (size_t)size);
}

struct losses {
    float first;
    float last;
};

static void keep_losses(void *self, uint32_t step, float loss, float norm)
{
    struct losses *losses = self;
    (void)norm;
    if (step == 0)
        losses->first = loss;
    losses->last = loss;
}

START_TEST(fashion_mnist_is_learned)
{
    gzFile there = gzopen(FOLDER "t10k-images-idx3-ubyte.gz", "rb");
    if (!there)
        return;
    gzclose(there);
    struct sample *s = sample_new();
    struct bytes images = unzip(FOLDER "t10k-images-idx3-ubyte.gz"),
                 labels = unzip(FOLDER "t10k-labels-idx1-ubyte.gz");
    struct dataset data;
    enum kernel_kind kind;
    struct kernel kernel;
    struct segment segment;
    ck_assert_int_eq(dataset_init(&data, images, labels, NULL), ERR_NONE);
    s->layers[0].width = 784;
    s->layers[1].width = 32;
    s->layers[2].width = 10;
    s->program.batch = 32;
    s->program.steps = 60;
    s->program.interval = 20;
    ck_assert(kernel_best(&kind));
    ck_assert_int_eq(kernel_init(&kernel, kind, NULL, NULL), ERR_NONE);
    ck_assert_int_eq(segment_init(&segment, &s->program, &data, &kernel, NULL), ERR_NONE);
    state_release(&s->global);
    ck_assert_int_eq(state_init(&s->global, &s->program, STATE_GLOBAL, NULL), ERR_NONE);
    state_begin(&s->global, &s->program, &data.root);
    struct state state = sample_start(s, 0);
    struct trace_leaf leaves[LEAVES];
    struct losses losses;
    struct segment_watch watch = {.self = &losses, .step = keep_losses};
    ck_assert_int_eq(segment_run(&segment, &state, leaves, &watch, NULL), ERR_NONE);
    ck_assert(losses.first > 2);
    ck_assert(losses.last < 1.5f);
    state_release(&state);
    segment_release(&segment);
    kernel_release(&kernel);
    free((void *)images.data);
    free((void *)labels.data);
    sample_free(s);
}
END_TEST

HARNESS_MAIN("segment", a_replay_of_every_interval_equals_the_trace,
             one_flipped_bit_in_a_state_changes_the_leaf, all_kernels_commit_to_the_same_trace,
             the_profile_s_bits_are_these,
             the_start_follows_from_global_state_residue_slot_and_steps,
             the_end_holds_the_compressed_difference,
             training_that_leaves_the_numbers_ends_with_its_step,
             states_of_other_jobs_and_moments_are_refused,
             data_that_doesn_t_fit_the_program_is_refused, a_watcher_can_stop_a_run,
             fashion_mnist_is_learned)
