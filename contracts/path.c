#include "contracts/path.h"

#include <string.h>

#include "base/check.h"

struct path path_of(const char *word)
{
    struct path path = {.size = 0};
    path_raw(&path, bytes_text(word));
    return path;
}

void path_raw(struct path *path, struct bytes raw)
{
    CHECK(raw.size <= sizeof(path->bytes) - path->size);
    if (raw.size > 0)
        memcpy(path->bytes + path->size, raw.data, raw.size);
    path->size += (uint32_t)raw.size;
}

void path_u8(struct path *path, uint8_t value)
{
    path_raw(path, bytes_of(&value, 1));
}

void path_u16(struct path *path, uint16_t value)
{
    uint8_t be[2];
    bytes_put_u16(be, value);
    path_raw(path, bytes_of(be, sizeof(be)));
}

void path_u32(struct path *path, uint32_t value)
{
    uint8_t be[4];
    bytes_put_u32(be, value);
    path_raw(path, bytes_of(be, sizeof(be)));
}

void path_u64(struct path *path, uint64_t value)
{
    uint8_t be[8];
    bytes_put_u64(be, value);
    path_raw(path, bytes_of(be, sizeof(be)));
}

void path_address(struct path *path, const struct address *address)
{
    path_raw(path, bytes_of(address->bytes, sizeof(address->bytes)));
}

struct bytes path_key(const struct path *path)
{
    return bytes_of(path->bytes, path->size);
}

struct path path_1(const char *word, uint64_t object)
{
    struct path path = path_of(word);
    path_u64(&path, object);
    return path;
}

struct path path_part(const char *word, uint64_t object, uint16_t part)
{
    struct path path = path_1(word, object);
    path_u16(&path, part);
    return path;
}

struct path path_account(const char *word, const struct address *address)
{
    struct path path = path_of(word);
    path_address(&path, address);
    return path;
}
