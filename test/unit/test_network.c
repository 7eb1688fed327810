#include "trainer/network.h"

#include <math.h>

#include "test/unit/story.h"
#include "trainer/evaluate.h"

#define LEAVES 4 /* 10 steps, a state every 4: start, 4, 8, 10 */

/* Runs the story's segment from its global state; gives the end. */
static struct state run(struct story *s, struct kernel *kernel, struct trace_leaf *leaves,
                        const struct segment_watch *watch)
{
    struct segment segment;
    struct state state;
    ck_assert_int_eq(state_init(&state, &s->program, STATE_SEGMENT, NULL), ERR_NONE);
    segment_start(&state, &s->program, &s->global, NULL, 1, s->program.steps);
    ck_assert_int_eq(segment_init(&segment, &s->program, &s->data, kernel, NULL), ERR_NONE);
    ck_assert_int_eq(segment_run(&segment, &state, leaves, watch, NULL), ERR_NONE);
    segment_release(&segment);
    return state;
}

/* Makes the global state anew, after a change of the program. */
static void begin_again(struct story *s)
{
    ck_assert_int_eq(program_check(&s->program, NULL), ERR_NONE);
    state_release(&s->global);
    ck_assert_int_eq(state_init(&s->global, &s->program, STATE_GLOBAL, NULL), ERR_NONE);
    state_begin(&s->global, &s->program, &s->data.root);
}

/* --- replay --- */

struct kept {
    const struct program *program;
    struct state states[LEAVES];
};

static enum err keep(void *self, uint32_t index, const struct trace_leaf *leaf, struct state *state)
{
    struct kept *kept = self;
    (void)leaf;
    ck_assert_int_eq(state_init(&kept->states[index], kept->program, STATE_SEGMENT, NULL),
                     ERR_NONE);
    state_copy(&kept->states[index], state);
    return ERR_NONE;
}

START_TEST(a_replay_of_every_interval_of_a_gpt_equals_the_trace)
{
    struct story *s = story_new();
    struct kept kept = {.program = &s->program};
    struct segment_watch watch = {.self = &kept, .leaf = keep};
    struct trace_leaf leaves[LEAVES], leaf;
    struct segment segment;
    struct state end = run(s, &s->kernel, leaves, &watch);
    ck_assert_int_eq(segment_init(&segment, &s->program, &s->data, &s->kernel, NULL), ERR_NONE);
    for (int i = 1; i < LEAVES; i++) {
        ck_assert_int_eq(segment_advance(&segment, &kept.states[i - 1], &leaf, NULL, NULL),
                         ERR_NONE);
        ck_assert(trace_leaf_equal(&leaf, &leaves[i]));
    }
    for (int i = 0; i < LEAVES; i++)
        state_release(&kept.states[i]);
    segment_release(&segment);
    state_release(&end);
    story_free(s);
}
END_TEST

/* Runs the parts last to first. */
static void backwards(void *self, uint32_t count, void (*body)(void *work, uint32_t index),
                      void *work)
{
    (void)self;
    while (count-- > 0)
        body(work, count);
}

START_TEST(all_kernels_and_threads_commit_to_the_same_trace)
{
    struct story *s = story_new();
    struct trace_leaf first[LEAVES], leaves[LEAVES];
    s->program.gpt.width = 40; /* so that products are cut for threads */
    s->program.gpt.context = 37;
    begin_again(s);
    struct state end = run(s, &s->kernel, first, NULL);
    state_release(&end);
    for (int kind = 0; kind < KERNEL_KINDS; kind++)
        for (uint32_t threads = 1; threads <= 8; threads += 3) {
            struct kernel_parallel parallel = {NULL, threads, backwards};
            struct kernel kernel;
            if (!kernel_is_supported((enum kernel_kind)kind))
                continue;
            ck_assert_int_eq(kernel_init(&kernel, (enum kernel_kind)kind, &parallel, NULL),
                             ERR_NONE);
            end = run(s, &kernel, leaves, NULL);
            ck_assert_int_eq(memcmp(first, leaves, sizeof(leaves)), 0);
            state_release(&end);
            kernel_release(&kernel);
        }
    story_free(s);
}
END_TEST

/* A change of any bit of the profile shows here, and needs a new profile version. test/golden/numerics, a second implementation in exact
 * arithmetic, comes to the same trace. */
START_TEST(the_profile_s_bits_of_a_gpt_are_these)
{
    struct story *s = story_new();
    struct trace_leaf leaves[3];
    char text[DIGEST_TEXT_SIZE];
    story_short(s);
    begin_again(s);
    struct state end = run(s, &s->kernel, leaves, NULL);
    struct digest root = trace_root(leaves, 3);
    digest_text(text, &root);
    ck_assert_str_eq(text, "c6a8988e90b3991ffab361525a7ef92c62cc69f5610e568670de7bd975a4fd40");
    state_release(&end);
    story_free(s);
}
END_TEST

/* --- what comes of it --- */

START_TEST(evaluating_drops_nothing)
{
    struct story *s = story_new();
    struct evaluation plain, dropping;
    struct trace_leaf leaves[2][LEAVES];
    const float *parameters = state_floats(&s->global, STATE_PARAMETERS);
    ck_assert_int_eq(evaluate(&plain, &s->program, parameters, &s->data, &s->kernel, NULL),
                     ERR_NONE);
    struct state end = run(s, &s->kernel, leaves[0], NULL);
    state_release(&end);
    s->program.gpt.dropout = PROGRAM_DROPOUT_MAX;
    begin_again(s);
    parameters = state_floats(&s->global, STATE_PARAMETERS);
    ck_assert_int_eq(evaluate(&dropping, &s->program, parameters, &s->data, &s->kernel, NULL),
                     ERR_NONE);
    ck_assert_mem_eq(&plain, &dropping, sizeof(plain));
    end = run(s, &s->kernel, leaves[1], NULL);
    state_release(&end);
    ck_assert(!digest_equal(&leaves[0][1].witness, &leaves[1][1].witness)); /* but training does */
    story_free(s);
}
END_TEST

START_TEST(a_tiny_text_is_learned_and_evaluating_changes_nothing)
{
    struct story *s = story_new();
    struct trace_leaf leaves[5];
    struct evaluation before, after;
    s->program.steps = 200;
    s->program.interval = 50;
    s->program.gpt.decay = 200;
    begin_again(s);
    ck_assert_int_eq(evaluate(&before, &s->program, state_floats(&s->global, STATE_PARAMETERS),
                              &s->data, &s->kernel, NULL),
                     ERR_NONE);
    struct state end = run(s, &s->kernel, leaves, NULL);
    ck_assert_int_eq(evaluate(&after, &s->program, state_floats(&end, STATE_PARAMETERS), &s->data,
                              &s->kernel, NULL),
                     ERR_NONE);
    ck_assert_uint_eq(after.count, 594); /* 66 sequences of 9 */
    ck_assert(fabsf(before.loss - logf(STORY_SYMBOLS)) < 0.1f);
    ck_assert(after.loss < 0.2f);
    ck_assert_uint_gt(after.correct, 550);
    for (int i = 0; i < STATE_PARTS; i++)
        state_changed(&end, (enum state_part)i);
    struct digest root = state_root(&end);
    ck_assert(digest_equal(&root, &leaves[4].state_root));
    state_release(&end);
    story_free(s);
}
END_TEST

/* One step over 2 micro-batches of 3 has the loss and gradient of one over 6 at once, but for rounding. */
START_TEST(micro_batches_add_up_to_the_batch)
{
    struct story *s = story_new();
    struct program whole = s->program;
    struct network parts_network, whole_network;
    struct network_place place = {1, 2, 3};
    const float *parts, *all, *parameters = state_floats(&s->global, STATE_PARAMETERS);
    whole.batch = 6;
    whole.gpt.micro_batches = 1;
    ck_assert_int_eq(network_init(&parts_network, &s->program, &s->kernel, NULL), ERR_NONE);
    ck_assert_int_eq(network_init(&whole_network, &whole, &s->kernel, NULL), ERR_NONE);
    float loss = network_train(&parts_network, &parts, parameters, &s->data, &place);
    ck_assert(loss == network_train(&whole_network, &all, parameters, &s->data, &place));
    for (uint32_t i = 0; i < program_parameter_count(&whole); i++)
        ck_assert(fabsf(parts[i] - all[i]) < 1e-7f);
    network_release(&parts_network);
    network_release(&whole_network);
    story_free(s);
}
END_TEST

/* --- what doesn't fit --- */

static void expect(const struct story *s, const struct dataset *data, const char *sentence)
{
    struct fault fault = {0};
    ck_assert_int_eq(network_check_data(&s->program, data, &fault), ERR_MISMATCH);
    ck_assert_str_eq(fault.text, sentence);
}

START_TEST(data_that_do_not_fit_the_program_are_refused)
{
    struct story *s = story_new();
    struct dataset data = s->data;
    data.classes = STORY_SYMBOLS + 1;
    expect(s, &data, "the data's tokens go up to 11, the program has 11");
    data = s->data;
    data.count = 9;
    expect(s, &data, "the data have 9 tokens; a sequence of 9 and its last answer need 10");
    data.count = 10;
    ck_assert_int_eq(network_check_data(&s->program, &data, NULL), ERR_NONE);
    data.kind = DATASET_IMAGES;
    expect(s, &data, "the data are images, the program wants tokens");
    s->program.family = PROGRAM_MLP;
    expect(s, &s->data, "the data are tokens, the program wants images");
    story_free(s);
}
END_TEST

HARNESS_MAIN("network", a_replay_of_every_interval_of_a_gpt_equals_the_trace,
             all_kernels_and_threads_commit_to_the_same_trace,
             the_profile_s_bits_of_a_gpt_are_these, evaluating_drops_nothing,
             a_tiny_text_is_learned_and_evaluating_changes_nothing,
             micro_batches_add_up_to_the_batch, data_that_do_not_fit_the_program_are_refused)
