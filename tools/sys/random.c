#include "tools/sys/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/check.h"

void random_fill(void *out, size_t size)
{
    uint8_t *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        CHECK(got > 0);
        at += got;
        size -= (size_t)got;
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_fill(&value, sizeof(value));
    return value;
}
