/* Memory that is given back all at once: one event, one block, one request.
 *
 * An arena grows by blocks from the heap up to a bound; a clear keeps the largest block for reuse. Not for several threads. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first; owned */
    size_t used;                /* bytes handed out since the last clear, each piece rounded up to 16; <= size_max */
    size_t size_max;            /* the bound */
    bool starved;               /* the heap once had less than the bound allows: this machine's lack, and of no other's */
};

/* Allocates nothing yet. Release with arena_release. `starved` stays until the next init. */
void arena_init(struct arena *arena, size_t size_max);

/* Zeroed memory, aligned for any type, valid until clear or release.
 * NULL when the bound would be passed or the heap is exhausted. Size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);

/* A zeroed array; NULL also when count * size overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A copy of `size` bytes; NULL as arena_alloc. */
void *arena_copy(struct arena *arena, const void *data, size_t size);

void arena_clear(struct arena *arena);
void arena_release(struct arena *arena);

#endif
