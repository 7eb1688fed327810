#include "test/sim/links.h"

#include <string.h>

#define BIT(node) (UINT64_C(1) << (node))

void links_heal(struct links *links)
{
    for (uint8_t node = 0; node < links->count; node++)
        links->reach[node] = links->count == 64 ? UINT64_MAX : BIT(links->count) - 1;
    memset(links->clogged_ms, 0, sizeof(links->clogged_ms));
}

void links_split(struct links *links, uint64_t nodes)
{
    for (uint8_t node = 0; node < links->count; node++)
        links->reach[node] &= nodes & BIT(node) ? nodes : ~nodes;
}

void links_one_way(struct links *links, uint8_t from, uint8_t to)
{
    links->reach[from] &= ~BIT(to);
}

void links_bridge(struct links *links, uint8_t node, uint64_t half)
{
    for (uint8_t from = 0; from < links->count; from++)
        if (from != node)
            links->reach[from] &= (half & BIT(from) ? half : ~half) | BIT(node);
}

void links_ring(struct links *links, uint8_t width)
{
    for (uint8_t node = 0; node < links->count; node++) {
        uint64_t near = 0;
        for (uint8_t i = 1; i <= width; i++)
            near |= BIT((node + i) % links->count) |
                    BIT((node + links->count - i % links->count) % links->count);
        links->reach[node] &= near;
    }
}

bool links_send(const struct links *links, struct dice *dice, uint64_t now_ms, uint8_t from,
                uint8_t to, uint64_t *delay_ms, uint64_t *again_ms)
{
    if (!(links->reach[from] & BIT(to)) || dice_chance(dice, links->loss))
        return false;
    *delay_ms = dice_between(dice, links->delay_min_ms, links->delay_max_ms);
    if (links->clogged_ms[from][to] > now_ms)
        *delay_ms += links->clogged_ms[from][to] - now_ms;
    *again_ms = dice_chance(dice, links->duplicates)
                    ? *delay_ms + dice_between(dice, 0, 4 * links->delay_max_ms)
                    : 0;
    return true;
}
