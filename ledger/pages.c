#include "ledger/pages.h"

#include <stdlib.h>

#define UPPER_COUNT (1 + 16 + 256)

struct cached {
    bool used;
    struct sparse_place place;
    struct sparse_page page;
};

struct pages {
    struct cached list[PAGES_COUNT];
};

struct pages *pages_new(void)
{
    return calloc(1, sizeof(struct pages));
}

void pages_free(struct pages *pages)
{
    free(pages);
}

/* Without the height: a new version takes its predecessor's place. */
static size_t slot_of(const struct sparse_place *place)
{
    const uint8_t *path = place->path.bytes;
    if (place->depth == 0)
        return 0;
    if (place->depth == 1)
        return 1 + (path[0] >> 4);
    if (place->depth == 2)
        return 1 + 16 + path[0];
    return UPPER_COUNT + (bytes_get_u32(path) + place->depth) % (PAGES_COUNT - UPPER_COUNT);
}

const struct sparse_page *pages_get(const struct pages *pages, const struct sparse_place *place)
{
    const struct cached *cached = &pages->list[slot_of(place)];
    if (!cached->used || cached->place.height != place->height ||
        cached->place.depth != place->depth || !digest_equal(&cached->place.path, &place->path))
        return NULL;
    return &cached->page;
}

const struct sparse_page *pages_put(struct pages *pages, const struct sparse_place *place,
                                    const struct sparse_page *page)
{
    struct cached *cached = &pages->list[slot_of(place)];
    *cached = (struct cached){true, *place, *page};
    return &cached->page;
}
