#include "test/sim/disk.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct disk_bytes disk_copy(struct bytes bytes)
{
    struct disk_bytes copy = {malloc(bytes.size ? bytes.size : 1), bytes.size};
    CHECK(copy.data);
    if (bytes.size)
        memcpy(copy.data, bytes.data, bytes.size);
    return copy;
}

void *disk_grow(void *array, size_t *count, size_t size)
{
    void *list = *(void **)array;
    if ((*count & (*count - 1)) == 0) {
        list = realloc(list, (*count ? *count * 2 : 1) * size);
        CHECK(list);
        memcpy(array, &list, sizeof(list));
    }
    void *element = (uint8_t *)list + *count * size;
    memset(element, 0, size);
    (*count)++;
    return element;
}

void disk_release(struct disk *disk)
{
    for (size_t i = 0; i < disk->count; i++)
        free(disk->records[i].bytes.data);
    free(disk->records);
}

void disk_append(struct disk *disk, const struct action_persist *persist)
{
    CHECK(persist->sequence == disk->appended + 1);
    struct disk_record *record = disk_grow(&disk->records, &disk->count, sizeof(*record));
    record->sequence = persist->sequence;
    record->bytes = disk_copy(persist->record);
    record->has_body = persist->has_body;
    record->body = persist->body;
    disk->appended = persist->sequence;
}

void disk_synced(struct disk *disk, uint64_t sequence)
{
    if (sequence > disk->synced)
        disk->synced = sequence;
}

bool disk_has(const struct disk *disk, const struct action_sign *sign)
{
    /* Votes have their ballot's bytes in a record, and COMMITs in one of their own kind, [2, ...]; a proposal goes with its PREPARE. */
    const bool proposal = sign->tag == MESSAGE_PRE_PREPARE;
    const void *wanted = proposal ? (const void *)sign->digest.bytes : sign->body.data;
    const size_t size = proposal ? DIGEST_SIZE : sign->body.size;
    for (size_t i = disk->count; i-- > 0;) {
        const struct disk_record *record = &disk->records[i];
        if (record->sequence > disk->synced ||
            (sign->tag == MESSAGE_COMMIT && record->bytes.data[1] != 2))
            continue;
        if (memmem(record->bytes.data, record->bytes.size, wanted, size))
            return true;
    }
    return false;
}

bool disk_sign(struct disk *disk, const struct action_sign *sign, uint64_t since)
{
    if (sign->tag == MESSAGE_STATUS)
        return true;
    if (since == disk->floor_since && sign->view.n < disk->floor)
        return false;
    if (since == disk->since && sign->view.n < disk->view)
        return true;
    CHECK(since >= disk->since);
    disk->since = since;
    disk->view = sign->view.n;
    disk->sequence = disk->synced;
    if (sign->height.n > disk->height)
        disk->height = sign->height.n;
    return true;
}

void disk_forget(struct disk *disk)
{
    if (!disk->forget.before || disk->forget.after > disk->synced)
        return;
    size_t dropped = 0;
    while (dropped < disk->count && disk->records[dropped].sequence < disk->forget.before)
        free(disk->records[dropped++].bytes.data);
    disk->count -= dropped;
    if (dropped)
        memmove(disk->records, disk->records + dropped, disk->count * sizeof(*disk->records));
    disk->forget = (struct action_forget){0};
}

static void cut(struct disk *disk, size_t count)
{
    while (disk->count > count)
        free(disk->records[--disk->count].bytes.data);
    disk->appended = disk->count ? disk->records[disk->count - 1].sequence : 0;
    disk->synced = disk->appended;
}

void disk_fail(struct disk *disk, size_t kept)
{
    size_t count = 0;
    while (count < disk->count && disk->records[count].sequence <= disk->synced)
        count++;
    cut(disk, count + kept < disk->count ? count + kept : disk->count);
    disk->syncing = 0;
    disk->forget = (struct action_forget){0};
}

void disk_rot(struct disk *disk, size_t index)
{
    CHECK(index < disk->count);
    disk->records[index].bad = true;
}

void disk_open(struct disk *disk, uint64_t head)
{
    size_t whole = 0;
    while (whole < disk->count && !disk->records[whole].bad)
        whole++;
    disk->lost = whole < disk->count;
    cut(disk, whole);
    if (disk->appended < disk->sequence || disk->height > head + BOUNDS_WINDOW)
        disk->lost = true;
    if (disk->lost) {
        disk->floor_since = disk->since;
        disk->floor = disk->view + 1;
        disk->missed = disk->height;
    }
}

void disk_start(const struct disk *disk, struct event_start *start, uint64_t head, uint64_t since)
{
    const bool concerned = since <= disk->floor_since;
    start->muted = concerned && (disk->lost || disk->missed > head);
    start->muted_view = (struct view){concerned ? disk->floor - 1 : 0};
    start->muted_height = (struct height){concerned ? disk->missed : 0};
}
