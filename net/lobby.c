#include "net/lobby.h"

#include <string.h>

#include "net/refusal.h"

bool lobby_same_host(const char *a, const char *b)
{
    size_t size = refusal_host_size(a);
    return refusal_host_size(b) == size && memcmp(a, b, size) == 0;
}

bool lobby_is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]", 5) == 0;
}

uint32_t lobby_victim(const struct lobby_guest *guests, uint32_t count)
{
    uint32_t victim = 0, most = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t same = 0;
        for (uint32_t j = 0; j < count; j++)
            same += lobby_same_host(guests[i].address, guests[j].address);
        if (same > most || (same == most && guests[i].came < guests[victim].came)) {
            victim = i;
            most = same;
        }
    }
    return victim;
}
