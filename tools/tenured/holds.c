#include "tools/tenured/holds.h"

#include <string.h>

void holds_init(struct holds *holds)
{
    memset(holds, 0, sizeof(*holds));
    pthread_mutex_init(&holds->mutex, NULL);
}

void holds_release(struct holds *holds)
{
    pthread_mutex_destroy(&holds->mutex);
}

void holds_note(struct holds *holds, struct place place, struct height height, uint64_t now_ms)
{
    pthread_mutex_lock(&holds->mutex);
    struct hold *hold = &holds->list[place.n];
    if (hold->first_ms == 0 || now_ms >= hold->first_ms + 2 * HOLDS_MS)
        hold->first_ms = now_ms;
    hold->last_ms = now_ms;
    hold->height = height;
    pthread_mutex_unlock(&holds->mutex);
}

uint64_t holds_lowest(struct holds *holds, uint64_t now_ms)
{
    uint64_t lowest = UINT64_MAX;
    pthread_mutex_lock(&holds->mutex);
    for (unsigned i = 0; i < PEER_PLACES; i++) {
        const struct hold *hold = &holds->list[i];
        if (hold->first_ms > 0 && now_ms < hold->first_ms + HOLDS_MS &&
            now_ms < hold->last_ms + HOLDS_IDLE_MS && hold->height.n < lowest)
            lowest = hold->height.n;
    }
    pthread_mutex_unlock(&holds->mutex);
    return lowest;
}

uint64_t holds_floor(uint64_t head, uint64_t keep, uint64_t needed)
{
    uint64_t floor = head > keep ? head - keep : 0, least = floor > keep ? floor - keep : 0;
    if (needed > floor)
        return floor;
    return needed > least ? needed : least;
}
