/* Threads with a name, deaf to signals (which stay with the main thread). */
#ifndef TOOLS_SYS_THREAD_H
#define TOOLS_SYS_THREAD_H

#include <pthread.h>

#include "base/bytes.h"
#include "base/error.h"

struct thread {
    pthread_t id;
    bool running; /* started and not joined yet */
};

/* Runs `body(self)` in a new thread. `name` (15 characters at most are kept) shows in top and in a
 * debugger. ERR_IO when the system has no thread to give; then nothing runs. */
MUST_USE enum err thread_start(struct thread *thread, const char *name, void (*body)(void *self),
                               void *self);

/* Waits for its end. Nothing to do for one that was never started (zeroed memory) or was joined
 * before. */
void thread_join(struct thread *thread);

/* Processor cores that this process may use, at least 1. */
unsigned thread_cores(void);

#endif
