#include "tools/sys/parallel.h"

#include <immintrin.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "tools/sys/thread.h"

/* How often a thread looks for new work before it sleeps: about 50 us, which is what waking it costs. */
#define LOOKS 2000

struct parallel {
    struct thread threads[PARALLEL_THREADS_MAX]; /* [0] is the caller's place */
    uint32_t count;
    pthread_mutex_t lock;
    pthread_cond_t wake;   /* a new call, or the end */
    _Atomic uint64_t call; /* number of the call; each thread takes part in each */
    _Atomic uint32_t next; /* index of the call that nobody has taken yet */
    _Atomic uint32_t busy; /* threads, other than the caller's, that haven't finished the call */
    _Atomic bool stop;
    uint32_t parts;
    void (*body)(void *work, uint32_t index);
    void *work;
};

static void take_parts(struct parallel *parallel)
{
    uint32_t index;
    while ((index = atomic_fetch_add(&parallel->next, 1)) < parallel->parts)
        parallel->body(parallel->work, index);
}

static bool has_news(struct parallel *parallel, uint64_t seen)
{
    return atomic_load(&parallel->call) != seen || atomic_load(&parallel->stop);
}

static void wait_for_call(struct parallel *parallel, uint64_t seen)
{
    for (int i = 0; i < LOOKS; i++) {
        if (has_news(parallel, seen))
            return;
        _mm_pause();
    }
    pthread_mutex_lock(&parallel->lock);
    while (!has_news(parallel, seen))
        pthread_cond_wait(&parallel->wake, &parallel->lock);
    pthread_mutex_unlock(&parallel->lock);
}

static void thread_body(void *self)
{
    struct parallel *parallel = self;
    for (uint64_t seen = 0;; seen++) {
        wait_for_call(parallel, seen);
        if (atomic_load(&parallel->stop))
            return;
        take_parts(parallel);
        atomic_fetch_sub(&parallel->busy, 1);
    }
}

struct parallel *parallel_new(uint32_t threads)
{
    CHECK(threads >= 1);
    CHECK(threads <= PARALLEL_THREADS_MAX);
    struct parallel *parallel = calloc(1, sizeof(*parallel));
    if (!parallel)
        return NULL;
    pthread_mutex_init(&parallel->lock, NULL);
    pthread_cond_init(&parallel->wake, NULL);
    for (parallel->count = 1; parallel->count < threads; parallel->count++)
        if (thread_start(&parallel->threads[parallel->count], "parallel", thread_body, parallel)) {
            parallel_free(parallel);
            return NULL;
        }
    return parallel;
}

void parallel_free(struct parallel *parallel)
{
    if (!parallel)
        return;
    pthread_mutex_lock(&parallel->lock);
    atomic_store(&parallel->stop, true);
    pthread_cond_broadcast(&parallel->wake);
    pthread_mutex_unlock(&parallel->lock);
    for (uint32_t i = 1; i < parallel->count; i++)
        thread_join(&parallel->threads[i]);
    pthread_cond_destroy(&parallel->wake);
    pthread_mutex_destroy(&parallel->lock);
    free(parallel);
}

uint32_t parallel_threads(const struct parallel *parallel)
{
    return parallel->count;
}

void parallel_each(void *self, uint32_t count, void (*body)(void *work, uint32_t index), void *work)
{
    struct parallel *parallel = self;
    parallel->parts = count;
    parallel->body = body;
    parallel->work = work;
    atomic_store(&parallel->next, 0);
    atomic_store(&parallel->busy, parallel->count - 1);
    pthread_mutex_lock(&parallel->lock);
    atomic_fetch_add(&parallel->call, 1);
    pthread_cond_broadcast(&parallel->wake);
    pthread_mutex_unlock(&parallel->lock);
    take_parts(parallel);
    for (int i = 0; atomic_load(&parallel->busy) > 0; i++)
        if (i < LOOKS)
            _mm_pause();
        else
            sched_yield();
}
