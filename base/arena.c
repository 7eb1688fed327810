#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A page and a bit less than the heap's own header; blocks double from here. */
#define BLOCK_SIZE_MIN 4000

struct arena_block {
    struct arena_block *next;
    size_t size; /* bytes at data */
    size_t used; /* <= size */
    alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *arena, size_t size_max)
{
    *arena = (struct arena){.size_max = size_max};
}

/* Puts a block of at least `size` bytes in front. */
static struct arena_block *grow(struct arena *arena, size_t size)
{
    size_t wanted = arena->blocks ? 2 * arena->blocks->size : BLOCK_SIZE_MIN;
    if (wanted > arena->size_max)
        wanted = arena->size_max; /* no heap beyond what may be handed out */
    if (wanted < size)
        wanted = size;
    struct arena_block *block = malloc(sizeof(*block) + wanted);
    if (!block)
        return NULL;
    *block = (struct arena_block){.next = arena->blocks, .size = wanted};
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 4)
        return NULL;
    size_t rounded = (size + align - 1) / align * align;
    if (rounded > arena->size_max - arena->used)
        return NULL;
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < rounded)
        block = grow(arena, rounded);
    if (!block) {
        arena->starved = true;
        return NULL;
    }
    uint8_t *memory = block->data + block->used;
    block->used += rounded;
    arena->used += rounded;
    return memset(memory, 0, rounded);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    return arena_alloc(arena, total);
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (copy && size > 0)
        memcpy(copy, data, size);
    return copy;
}

/* Frees all blocks but the largest, which is left as the only one. */
void arena_clear(struct arena *arena)
{
    struct arena_block *kept = NULL;
    struct arena_block *next;
    for (struct arena_block *block = arena->blocks; block; block = next) {
        next = block->next;
        if (kept && kept->size >= block->size) {
            free(block);
            continue;
        }
        free(kept);
        kept = block;
    }
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
    }
    arena->blocks = kept;
    arena->used = 0;
}

void arena_release(struct arena *arena)
{
    arena_clear(arena);
    free(arena->blocks);
    arena->blocks = NULL;
}
