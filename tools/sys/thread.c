#include "tools/sys/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct thread_start_args {
    void (*body)(void *self);
    void *self;
};

static void *thread_main(void *raw)
{
    struct thread_start_args args = *(struct thread_start_args *)raw;
    free(raw);
    args.body(args.self);
    return NULL;
}

enum err thread_start(struct thread *thread, const char *name, void (*body)(void *self), void *self)
{
    struct thread_start_args *args = malloc(sizeof(*args));
    if (!args)
        return ERR_IO;
    *args = (struct thread_start_args){body, self};

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t id;
    int failed = pthread_create(&id, NULL, thread_main, args);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(args);
        return ERR_IO;
    }
    char short_name[16];
    strncpy(short_name, name, sizeof(short_name) - 1);
    short_name[sizeof(short_name) - 1] = 0;
    pthread_setname_np(id, short_name);
    *thread = (struct thread){.id = id, .running = true};
    return ERR_NONE;
}

void thread_join(struct thread *thread)
{
    if (!thread->running)
        return;
    pthread_join(thread->id, NULL);
    thread->running = false;
}

unsigned thread_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    return CPU_COUNT(&set) > 0 ? (unsigned)CPU_COUNT(&set) : 1;
}
