#include "trainer/dropout.h"

#include "test/harness.h"
#include "trainer/philox.h"

#include <math.h>
#include <string.h>

#define COUNT 40000u

static struct kernel kernel;
static float x[COUNT], out[COUNT], again[COUNT];

static void setup(void)
{
    enum kernel_kind kind;

    ck_assert(kernel_best(&kind));
    ck_assert_int_eq(kernel_init(&kernel, kind, NULL, NULL), ERR_NONE);
    for (uint32_t i = 0; i < COUNT; i++)
        x[i] = 1 + (float)i;
}

static const struct dropout some = {
    .threshold = 1u << 30, .seed = 9, .round = 1, .slot = 2, .step = 3, .micro_batch = 4};

START_TEST(as_many_are_left_out_as_the_threshold_says)
{
    uint32_t kept = 0;

    setup();
    dropout_apply(&some, &kernel, out, x, COUNT, 5);
    for (uint32_t i = 0; i < COUNT; i++) {
        ck_assert(out[i] == 0 || out[i] == x[i] * (1 / 0.75f));
        kept += out[i] != 0;
    }
    ck_assert(fabs(kept - 0.75 * COUNT) < 5 * sqrt(0.75 * 0.25 * COUNT));
    kernel_release(&kernel);
}
END_TEST

/* The address as NUMERICS.md tells it. */
START_TEST(each_element_has_a_number_of_its_own)
{
    setup();
    dropout_apply(&some, &kernel, out, x, COUNT, 5);
    for (uint32_t i = 0; i < COUNT; i += 997) {
        uint64_t index = (3ull << 44) + (4ull << 34) + (5ull << 26) + i / 4;
        struct philox_block block = philox(9, (3ull << 56) + (1u << 16) + 2, index);
        ck_assert_int_eq(out[i] != 0, block.word[i % 4] >= 1u << 30);
    }
    kernel_release(&kernel);
}
END_TEST

START_TEST(another_place_step_or_slot_drops_others)
{
    struct dropout other[4] = {some, some, some, some};

    setup();
    other[0].step++;
    other[1].micro_batch++;
    other[2].slot++;
    other[3].round++;
    dropout_apply(&some, &kernel, out, x, COUNT, 5);
    dropout_apply(&some, &kernel, again, x, COUNT, 6);
    ck_assert_mem_ne(out, again, sizeof(out));
    for (int i = 0; i < 4; i++) {
        dropout_apply(&other[i], &kernel, again, x, COUNT, 5);
        ck_assert_mem_ne(out, again, sizeof(out));
    }
    kernel_release(&kernel);
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

START_TEST(threads_and_place_of_the_result_change_nothing)
{
    struct kernel_parallel parallel = {NULL, 7, backwards};
    struct kernel cut;

    setup();
    ck_assert_int_eq(kernel_init(&cut, kernel.kind, &parallel, NULL), ERR_NONE);
    dropout_apply(&some, &kernel, out, x, COUNT - 3, 0);
    memcpy(again, x, sizeof(again));
    dropout_apply(&some, &cut, again, again, COUNT - 3, 0);
    ck_assert_mem_eq(out, again, (COUNT - 3) * sizeof(float));
    kernel_release(&cut);
    kernel_release(&kernel);
}
END_TEST

HARNESS_MAIN("dropout", as_many_are_left_out_as_the_threshold_says,
             each_element_has_a_number_of_its_own, another_place_step_or_slot_drops_others,
             threads_and_place_of_the_result_change_nothing)
