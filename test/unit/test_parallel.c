#include "tools/sys/parallel.h"

#include <stdatomic.h>

#include "test/harness.h"

struct work {
    _Atomic uint32_t seen[100];
};

static void see(void *self, uint32_t index)
{
    struct work *work = self;
    atomic_fetch_add(&work->seen[index], 1);
}

START_TEST(every_index_is_done_once_whatever_the_threads)
{
    for (uint32_t threads = 1; threads <= 5; threads++) {
        struct parallel *parallel = parallel_new(threads);
        struct work work = {0};
        ck_assert_ptr_nonnull(parallel);
        ck_assert_uint_eq(parallel_threads(parallel), threads);
        for (uint32_t call = 1; call <= 200; call++) {
            uint32_t count = call % 101;
            for (uint32_t i = 0; i < 100; i++)
                atomic_store(&work.seen[i], 0);
            parallel_each(parallel, count, see, &work);
            for (uint32_t i = 0; i < 100; i++)
                if (atomic_load(&work.seen[i]) != (i < count))
                    ck_abort_msg("%u threads, call %u: index %u was seen %u times", threads, call,
                                 i, work.seen[i]);
        }
        parallel_free(parallel);
    }
}
END_TEST

/* Each waits for the other: with one thread this would never end. */
static void meet(void *self, uint32_t index)
{
    struct work *work = self;
    atomic_store(&work->seen[index], 1);
    while (!atomic_load(&work->seen[1 - index]))
        ;
}

START_TEST(two_threads_work_at_once)
{
    struct parallel *parallel = parallel_new(2);
    struct work work = {0};
    ck_assert_ptr_nonnull(parallel);
    parallel_each(parallel, 2, meet, &work);
    parallel_free(parallel);
}
END_TEST

HARNESS_MAIN("parallel", every_index_is_done_once_whatever_the_threads, two_threads_work_at_once)
