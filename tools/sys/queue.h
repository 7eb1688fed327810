/* A bounded queue of pointers between threads: any number of producers and consumers, in order.
 *
 * The bounds are a count and a weight in bytes, so that a few large items can't take what many
 * small ones may. An item heavier than the whole bound is let in when the queue is empty. Items
 * belong to the producer until the push succeeds, then to the queue, then to the consumer. Waiting
 * costs no time of the processor. */
#ifndef TOOLS_SYS_QUEUE_H
#define TOOLS_SYS_QUEUE_H

#include <pthread.h>

#include "base/bytes.h"
#include "base/error.h"

/* Waits without an end. */
#define QUEUE_FOREVER UINT64_MAX

struct queue_item {
    void *value;
    size_t size;
};

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t room;     /* signalled when an item leaves */
    pthread_cond_t items;    /* signalled when an item comes */
    struct queue_item *ring; /* owned; `count_max` of them */
    size_t first, count, count_max;
    size_t size, size_max; /* weight of what is inside */
    bool closed;
};

/* ERR_LIMIT when there is no memory. */
MUST_USE enum err queue_init(struct queue *queue, size_t count_max, size_t size_max);

/* Requires that no thread uses it any more and that it is empty. */
void queue_release(struct queue *queue);

/* Appends `value` of weight `size`, waiting for room at most `wait_ms`.
 * ERR_BUSY: no room in that time. ERR_NOT_NOW: closed. In both cases the item is still the
 * caller's. */
MUST_USE enum err queue_push(struct queue *queue, void *value, size_t size, uint64_t wait_ms);

/* Takes the oldest items, at most `max`, waiting at most `wait_ms` for the first one.
 * The number taken; 0 after the wait, or at once when the queue is closed and empty. */
size_t queue_pop(struct queue *queue, void **values, size_t max, uint64_t wait_ms);

/* Nothing comes in any more; what is inside may still be taken; everybody who waits wakes up. */
void queue_close(struct queue *queue);

bool queue_is_closed(struct queue *queue);
size_t queue_count(struct queue *queue);

#endif
