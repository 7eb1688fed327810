#include "test/sim/wheel.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void wheel_release(struct wheel *wheel)
{
    for (size_t i = 0; i < wheel->count; i++)
        free(wheel->heap[i].data);
    free(wheel->heap);
}

static bool is_before(const struct wheel_event *a, const struct wheel_event *b)
{
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->order < b->order;
}

void wheel_add(struct wheel *wheel, const struct wheel_event *event, struct bytes data)
{
    if (wheel->count == wheel->room) {
        wheel->room = wheel->room ? wheel->room * 2 : 256;
        wheel->heap = realloc(wheel->heap, wheel->room * sizeof(*wheel->heap));
        CHECK(wheel->heap);
    }
    struct wheel_event added = *event;
    added.order = wheel->order++;
    added.size = data.size;
    added.data = NULL;
    if (data.size) {
        added.data = malloc(data.size);
        CHECK(added.data);
        memcpy(added.data, data.data, data.size);
    }
    size_t i = wheel->count++;
    for (; i > 0 && is_before(&added, &wheel->heap[(i - 1) / 2]); i = (i - 1) / 2)
        wheel->heap[i] = wheel->heap[(i - 1) / 2];
    wheel->heap[i] = added;
}

bool wheel_take(struct wheel *wheel, struct wheel_event *event, uint64_t until_ms)
{
    if (!wheel->count || wheel->heap[0].time_ms > until_ms)
        return false;
    *event = wheel->heap[0];
    struct wheel_event last = wheel->heap[--wheel->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= wheel->count)
            break;
        if (child + 1 < wheel->count && is_before(&wheel->heap[child + 1], &wheel->heap[child]))
            child++;
        if (!is_before(&wheel->heap[child], &last))
            break;
        wheel->heap[i] = wheel->heap[child];
        i = child;
    }
    wheel->heap[i] = last;
    return true;
}
