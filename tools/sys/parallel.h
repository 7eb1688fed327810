/* A parallel for: threads that wait for work, for arithmetic that is cut into equal parts.
 *
 *     struct parallel *pool = parallel_new(2);
 *     struct kernel_parallel each = {pool, parallel_threads(pool), parallel_each}; (trainer/kernel.h) */
#ifndef TOOLS_SYS_PARALLEL_H
#define TOOLS_SYS_PARALLEL_H

#include <stdint.h>

#define PARALLEL_THREADS_MAX 64u

struct parallel;

/* `threads` of 1..PARALLEL_THREADS_MAX work, the caller's among them; so 1 starts none. NULL when memory or threads lack. */
struct parallel *parallel_new(uint32_t threads);
void parallel_free(struct parallel *parallel);

uint32_t parallel_threads(const struct parallel *parallel);

/* Calls body(work, index) once for every index < count, on any of the threads in any order, and returns when all have returned.
 * `self` is a struct parallel. One call at a time; body mustn't call it. */
void parallel_each(void *self, uint32_t count, void (*body)(void *work, uint32_t index),
                   void *work);

#endif
