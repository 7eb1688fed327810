#include "net/refusal.h"

#include <stdio.h>
#include <string.h>

size_t refusal_host_size(const char *address)
{
    const char *port = strrchr(address, ':');
    return port == NULL ? strlen(address) : (size_t)(port - address);
}

bool refusal_is_new(struct refusal_list *list, const char *address, const char *why,
                    uint64_t now_ms)
{
    struct refusal new = {.until_ms = now_ms + REFUSAL_MS};
    snprintf(new.host, sizeof(new.host), "%.*s", (int)refusal_host_size(address), address);
    snprintf(new.why, sizeof(new.why), "%s", why);

    for (uint32_t i = 0; i < REFUSAL_MAX; i++) {
        const struct refusal *old = &list->items[i];
        if (old->until_ms > now_ms && strcmp(old->host, new.host) == 0 &&
            strcmp(old->why, new.why) == 0)
            return false;
    }
    list->items[list->next] = new;
    list->next = (list->next + 1) % REFUSAL_MAX;
    return true;
}
