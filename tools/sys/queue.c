#include "tools/sys/queue.h"

#include <stdlib.h>
#include <time.h>

#include "base/check.h"

enum err queue_init(struct queue *queue, size_t count_max, size_t size_max)
{
    CHECK(count_max > 0);
    struct queue_item *ring = calloc(count_max, sizeof(*ring));
    if (!ring)
        return ERR_LIMIT;
    *queue = (struct queue){.ring = ring, .count_max = count_max, .size_max = size_max};
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->room, &attributes);
    pthread_cond_init(&queue->items, &attributes);
    pthread_condattr_destroy(&attributes);
    return ERR_NONE;
}

void queue_release(struct queue *queue)
{
    if (!queue->ring)
        return;
    CHECK(queue->count == 0);
    pthread_mutex_destroy(&queue->mutex);
    pthread_cond_destroy(&queue->room);
    pthread_cond_destroy(&queue->items);
    free(queue->ring);
    queue->ring = NULL;
}

static struct timespec queue_deadline(uint64_t wait_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    uint64_t nanoseconds = (uint64_t)at.tv_nsec + wait_ms % 1000 * 1000000;
    at.tv_sec += (time_t)(wait_ms / 1000 + nanoseconds / 1000000000);
    at.tv_nsec = (long)(nanoseconds % 1000000000);
    return at;
}

/* Waits once; false when the time is over. */
static bool queue_wait(struct queue *queue, pthread_cond_t *condition, uint64_t wait_ms,
                       const struct timespec *deadline)
{
    if (wait_ms == QUEUE_FOREVER)
        return pthread_cond_wait(condition, &queue->mutex) == 0;
    return wait_ms > 0 && pthread_cond_timedwait(condition, &queue->mutex, deadline) == 0;
}

static bool queue_has_room(const struct queue *queue, size_t size)
{
    if (queue->count == 0)
        return true;
    return queue->count < queue->count_max && queue->size <= queue->size_max &&
           size <= queue->size_max - queue->size;
}

enum err queue_push(struct queue *queue, void *value, size_t size, uint64_t wait_ms)
{
    struct timespec deadline = queue_deadline(wait_ms == QUEUE_FOREVER ? 0 : wait_ms);
    pthread_mutex_lock(&queue->mutex);
    bool in_time = true;
    while (!queue->closed && !queue_has_room(queue, size) && in_time)
        in_time = queue_wait(queue, &queue->room, wait_ms, &deadline);

    enum err err = ERR_NONE;
    if (queue->closed)
        err = ERR_NOT_NOW;
    else if (!queue_has_room(queue, size))
        err = ERR_BUSY;
    if (!err) {
        queue->ring[(queue->first + queue->count) % queue->count_max] =
            (struct queue_item){value, size};
        queue->count++;
        queue->size += size;
        pthread_cond_signal(&queue->items);
    }
    pthread_mutex_unlock(&queue->mutex);
    return err;
}

size_t queue_pop(struct queue *queue, void **values, size_t max, uint64_t wait_ms)
{
    struct timespec deadline = queue_deadline(wait_ms == QUEUE_FOREVER ? 0 : wait_ms);
    pthread_mutex_lock(&queue->mutex);
    bool in_time = true;
    while (queue->count == 0 && !queue->closed && in_time)
        in_time = queue_wait(queue, &queue->items, wait_ms, &deadline);

    size_t taken = 0;
    while (taken < max && queue->count > 0) {
        struct queue_item *item = &queue->ring[queue->first];
        values[taken++] = item->value;
        queue->size -= item->size;
        queue->first = (queue->first + 1) % queue->count_max;
        queue->count--;
    }
    if (taken > 0)
        pthread_cond_broadcast(&queue->room);
    pthread_mutex_unlock(&queue->mutex);
    return taken;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    pthread_cond_broadcast(&queue->room);
    pthread_cond_broadcast(&queue->items);
    pthread_mutex_unlock(&queue->mutex);
}

bool queue_is_closed(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    bool closed = queue->closed;
    pthread_mutex_unlock(&queue->mutex);
    return closed;
}

size_t queue_count(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    size_t count = queue->count;
    pthread_mutex_unlock(&queue->mutex);
    return count;
}
