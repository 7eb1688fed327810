#include "tools/sys/queue.h"

#include "test/harness.h"
#include "tools/sys/clock.h"
#include "tools/sys/thread.h"

START_TEST(items_leave_in_order)
{
    struct queue queue;
    ck_assert_int_eq(queue_init(&queue, 3, 100), ERR_NONE);
    int values[3];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(queue_push(&queue, &values[i], 1, 0), ERR_NONE);
        void *out[8];
        ck_assert_uint_eq(queue_pop(&queue, out, 2, 0), 2);
        ck_assert_ptr_eq(out[0], &values[0]);
        ck_assert_ptr_eq(out[1], &values[1]);
        ck_assert_uint_eq(queue_pop(&queue, out, 8, 0), 1);
        ck_assert_ptr_eq(out[0], &values[2]);
    }
    queue_release(&queue);
}
END_TEST

START_TEST(full_by_count_or_weight_is_busy)
{
    struct queue queue;
    void *out[4];
    int value;
    ck_assert_int_eq(queue_init(&queue, 2, 10), ERR_NONE);
    ck_assert_int_eq(queue_push(&queue, &value, 25, 0),
                     ERR_NONE); /* alone it may be heavier than the bound */
    ck_assert_int_eq(queue_push(&queue, &value, 1, 5), ERR_BUSY);
    ck_assert_uint_eq(queue_pop(&queue, out, 4, 0), 1);
    ck_assert_int_eq(queue_push(&queue, &value, 5, 0), ERR_NONE);
    ck_assert_int_eq(queue_push(&queue, &value, 6, 0), ERR_BUSY);
    ck_assert_int_eq(queue_push(&queue, &value, 5, 0), ERR_NONE);
    ck_assert_int_eq(queue_push(&queue, &value, 0, 0), ERR_BUSY);
    ck_assert_uint_eq(queue_pop(&queue, out, 4, 0), 2);
    queue_release(&queue);
}
END_TEST

START_TEST(a_pop_waits_no_longer_than_it_was_told)
{
    struct queue queue;
    void *out[1];
    ck_assert_int_eq(queue_init(&queue, 2, 10), ERR_NONE);
    uint64_t before_ms = clock_monotonic_ms();
    ck_assert_uint_eq(queue_pop(&queue, out, 1, 30), 0);
    ck_assert_uint_ge(clock_monotonic_ms() - before_ms, 29);
    queue_release(&queue);
}
END_TEST

START_TEST(closed_lets_nothing_in_and_everything_out)
{
    struct queue queue;
    void *out[2];
    int value;
    ck_assert_int_eq(queue_init(&queue, 2, 10), ERR_NONE);
    ck_assert_int_eq(queue_push(&queue, &value, 1, 0), ERR_NONE);
    ck_assert(!queue_is_closed(&queue));
    queue_close(&queue);
    ck_assert(queue_is_closed(&queue));
    ck_assert_int_eq(queue_push(&queue, &value, 1, QUEUE_FOREVER), ERR_NOT_NOW);
    ck_assert_uint_eq(queue_pop(&queue, out, 2, QUEUE_FOREVER), 1);
    ck_assert_uint_eq(queue_pop(&queue, out, 2, QUEUE_FOREVER), 0);
    queue_release(&queue);
}
END_TEST

#define ITEMS 20000

static void produce(void *raw)
{
    for (uintptr_t i = 1; i <= ITEMS; i++)
        ck_assert_int_eq(queue_push(raw, (void *)i, 1, QUEUE_FOREVER), ERR_NONE);
}

struct consumer {
    struct queue *queue;
    uint64_t sum;
};

static void consume(void *raw)
{
    struct consumer *consumer = raw;
    void *out[16];
    for (size_t n; (n = queue_pop(consumer->queue, out, 16, QUEUE_FOREVER)) > 0;)
        for (size_t i = 0; i < n; i++)
            consumer->sum += (uintptr_t)out[i];
}

START_TEST(many_threads_lose_and_double_nothing)
{
    struct queue queue;
    ck_assert_int_eq(queue_init(&queue, 7, 1000), ERR_NONE);
    struct consumer consumers[2] = {{.queue = &queue}, {.queue = &queue}};
    struct thread producing[2], consuming[2];
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(thread_start(&consuming[i], "consume", consume, &consumers[i]), ERR_NONE);
        ck_assert_int_eq(thread_start(&producing[i], "produce", produce, &queue), ERR_NONE);
    }
    for (int i = 0; i < 2; i++)
        thread_join(&producing[i]);
    queue_close(&queue);
    for (int i = 0; i < 2; i++)
        thread_join(&consuming[i]);
    ck_assert_uint_eq(consumers[0].sum + consumers[1].sum, (uint64_t)ITEMS * (ITEMS + 1));
    queue_release(&queue);
}
END_TEST

HARNESS_MAIN("queue", items_leave_in_order, full_by_count_or_weight_is_busy,
             a_pop_waits_no_longer_than_it_was_told, closed_lets_nothing_in_and_everything_out,
             many_threads_lose_and_double_nothing)
