#include "tools/sys/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define WAL_SLOT_SIZE   4096
#define WAL_RECORDS     (2 * WAL_SLOT_SIZE) /* offset of the first record */
#define WAL_RECORD_HEAD 8                       /* size and checksum */
#define WAL_SLOT_HEAD   60                      /* what stands before the mark */
#define WAL_FILE_MAX    (1u << 30)

static const uint8_t wal_magic[8] = "TNRwal_1";

struct wal_slot {
    uint64_t generation, end;
    struct digest records;
    struct bytes mark;
};

static void wal_slot_pack(uint8_t out[WAL_SLOT_SIZE], const struct wal_slot *slot)
{
    CHECK(slot->mark.size <= WAL_MARK_SIZE);
    memset(out, 0, WAL_SLOT_SIZE);
    memcpy(out, wal_magic, 8);
    bytes_put_u64(out + 8, slot->generation);
    bytes_put_u64(out + 16, slot->end);
    memcpy(out + 24, slot->records.bytes, DIGEST_SIZE);
    bytes_put_u32(out + 56, (uint32_t)slot->mark.size);
    if (slot->mark.size > 0)
        memcpy(out + WAL_SLOT_HEAD, slot->mark.data, slot->mark.size);
    struct digest sum = digest_of(out, WAL_SLOT_SIZE - DIGEST_SIZE);
    memcpy(out + WAL_SLOT_SIZE - DIGEST_SIZE, sum.bytes, DIGEST_SIZE);
}

static bool wal_slot_unpack(struct wal_slot *slot, const uint8_t in[WAL_SLOT_SIZE])
{
    struct digest sum = digest_of(in, WAL_SLOT_SIZE - DIGEST_SIZE);
    if (memcmp(in, wal_magic, 8) != 0 ||
        memcmp(in + WAL_SLOT_SIZE - DIGEST_SIZE, sum.bytes, DIGEST_SIZE) != 0)
        return false;
    slot->generation = bytes_get_u64(in + 8);
    slot->end = bytes_get_u64(in + 16);
    memcpy(slot->records.bytes, in + 24, DIGEST_SIZE);
    slot->mark = bytes_of(in + WAL_SLOT_HEAD, bytes_get_u32(in + 56));
    return slot->mark.size <= WAL_MARK_SIZE;
}

/* The checksum binds the size too, so that a zeroed page is no record. */
static void wal_record_head(uint8_t head[WAL_RECORD_HEAD], struct bytes record)
{
    struct digest_stream stream;
    bytes_put_u32(head, (uint32_t)record.size);
    digest_init(&stream);
    digest_add(&stream, head, 4);
    digest_add(&stream, record.data, record.size);
    struct digest sum = digest_end(&stream);
    memcpy(head + 4, sum.bytes, 4);
}

static struct digest wal_records_digest(const struct wal *wal)
{
    struct digest_stream fork = wal->records;
    return digest_end(&fork);
}

/* Tells every intact record of `content`, and leaves the wal's end behind the last of them. */
static void wal_walk(struct wal *wal, struct wal_reader *reader,
                         const struct wal_slot *slot, struct bytes content)
{
    reader->whole = slot->end == WAL_RECORDS;
    while (content.size - wal->end >= WAL_RECORD_HEAD) {
        const uint8_t *head = content.data + wal->end;
        size_t size = bytes_get_u32(head);
        if (size > WAL_RECORD_SIZE || size > content.size - wal->end - WAL_RECORD_HEAD)
            return;
        struct bytes record = bytes_of(head + WAL_RECORD_HEAD, size);
        uint8_t expected[WAL_RECORD_HEAD];
        wal_record_head(expected, record);
        if (memcmp(head, expected, WAL_RECORD_HEAD) != 0)
            return;
        wal->end += WAL_RECORD_HEAD + size;
        digest_add(&wal->records, head, WAL_RECORD_HEAD + size);
        if (wal->end == slot->end) {
            struct digest sum = wal_records_digest(wal);
            reader->whole = digest_equal(&sum, &slot->records);
        }
        reader->tell(reader->self, record);
    }
}

static enum err wal_read(struct wal *wal, struct wal_reader *reader,
                             struct fault *fault)
{
    uint8_t *data;
    size_t size;
    enum err err = file_read(&data, &size, wal->path, WAL_FILE_MAX, fault);
    if (err)
        return err;
    struct wal_slot slots[2], *newest = NULL;
    for (size_t i = 0; i < 2 && size >= WAL_RECORDS; i++)
        if (wal_slot_unpack(&slots[i], data + i * WAL_SLOT_SIZE) &&
            (!newest || slots[i].generation > newest->generation))
            newest = &slots[i];
    if (!newest) {
        free(data);
        return fault_set(fault, ERR_CORRUPT, "%s: neither of its two marks can be read",
                         wal->path);
    }
    wal->generation = newest->generation;
    reader->mark_size = newest->mark.size;
    memcpy(reader->mark, newest->mark.data, newest->mark.size);
    wal_walk(wal, reader, newest, bytes_of(data, size));
    free(data);
    if (ftruncate(wal->descriptor, (off_t)wal->end) != 0)
        return fault_set(fault, ERR_IO, "%s: %s", wal->path, strerror(errno));
    return ERR_NONE;
}

/* A wal that starts empty with `mark`, put into place whole. */
static enum err wal_create(struct wal *wal, struct bytes mark, struct bytes records,
                               struct fault *fault)
{
    size_t size = WAL_RECORDS + records.size;
    uint8_t *content = calloc(1, size);
    if (!content)
        return fault_set(fault, ERR_LIMIT, "%s: no memory for %zu bytes", wal->path, size);
    if (records.size > 0)
        memcpy(content + WAL_RECORDS, records.data, records.size);
    digest_init(&wal->records);
    digest_add(&wal->records, records.data, records.size);
    wal->end = size;
    wal->generation++;
    struct wal_slot slot = {wal->generation, wal->end, wal_records_digest(wal),
                                mark};
    wal_slot_pack(content + wal->generation % 2 * WAL_SLOT_SIZE, &slot);
    enum err err = file_write(wal->path, bytes_of(content, size), 0600, fault);
    free(content);
    return err;
}

static enum err wal_open_descriptor(struct wal *wal, struct fault *fault)
{
    wal->descriptor = open(wal->path, O_RDWR | O_CLOEXEC);
    if (wal->descriptor < 0)
        return fault_set(fault, ERR_IO, "%s: %s", wal->path, strerror(errno));
    return ERR_NONE;
}

enum err wal_open(struct wal *wal, const char *path, struct wal_reader *reader,
                      struct fault *fault)
{
    *wal = (struct wal){.descriptor = -1, .end = WAL_RECORDS};
    if (strlen(path) >= sizeof(wal->path))
        return fault_set(fault, ERR_LIMIT, "%s: the path is too long", path);
    strcpy(wal->path, path);
    digest_init(&wal->records);
    reader->whole = true;
    reader->mark_size = 0;

    bool is_new = !file_exists(path);
    enum err err =
        is_new ? wal_create(wal, bytes_of(NULL, 0), bytes_of(NULL, 0), fault) : ERR_NONE;
    if (!err)
        err = wal_open_descriptor(wal, fault);
    if (!err && !is_new)
        err = wal_read(wal, reader, fault);
    if (err)
        wal_close(wal);
    return err;
}

enum err wal_append(struct wal *wal, struct bytes record)
{
    if (record.size > WAL_RECORD_SIZE)
        return ERR_LIMIT;
    size_t wanted = wal->buffer.size + WAL_RECORD_HEAD + record.size;
    uint8_t *buffer = (uint8_t *)wal->buffer.data;
    if (wanted > wal->buffer_room) {
        buffer = realloc(buffer, 2 * wanted);
        if (!buffer)
            return ERR_LIMIT;
        wal->buffer_room = 2 * wanted;
    }
    wal_record_head(buffer + wal->buffer.size, record);
    if (record.size > 0)
        memcpy(buffer + wal->buffer.size + WAL_RECORD_HEAD, record.data, record.size);
    wal->buffer = bytes_of(buffer, wanted);
    return ERR_NONE;
}

void wal_drop(struct wal *wal)
{
    wal->buffer.size = 0;
}

static bool wal_put_at(int descriptor, struct bytes content, uint64_t offset)
{
    while (content.size > 0) {
        ssize_t put = pwrite(descriptor, content.data, content.size, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        content.data += put;
        content.size -= (size_t)put;
        offset += (uint64_t)put;
    }
    return true;
}

enum err wal_commit(struct wal *wal, struct bytes mark, struct fault *fault)
{
    if (wal->failed)
        return fault_set(fault, ERR_IO, "%s: an earlier write failed", wal->path);
    digest_add(&wal->records, wal->buffer.data, wal->buffer.size);
    uint64_t end = wal->end + wal->buffer.size;
    uint8_t page[WAL_SLOT_SIZE];
    struct wal_slot slot = {wal->generation + 1, end, wal_records_digest(wal),
                                mark};
    wal_slot_pack(page, &slot);
    if (!wal_put_at(wal->descriptor, wal->buffer, wal->end) ||
        !wal_put_at(wal->descriptor, bytes_of(page, sizeof(page)),
                        slot.generation % 2 * WAL_SLOT_SIZE) ||
        fdatasync(wal->descriptor) != 0) {
        wal->failed = true;
        return fault_set(fault, ERR_IO, "%s: %s", wal->path, strerror(errno));
    }
    wal->generation++;
    wal->end = end;
    wal->buffer.size = 0;
    return ERR_NONE;
}

enum err wal_restart(struct wal *wal, struct bytes mark, struct fault *fault)
{
    if (wal->failed)
        return fault_set(fault, ERR_IO, "%s: an earlier write failed", wal->path);
    close(wal->descriptor);
    wal->descriptor = -1;
    enum err err = wal_create(wal, mark, wal->buffer, fault);
    if (!err)
        err = wal_open_descriptor(wal, fault);
    wal->failed = err != ERR_NONE;
    wal->buffer.size = 0;
    return err;
}

uint64_t wal_size(const struct wal *wal)
{
    return wal->end - WAL_RECORDS;
}

void wal_close(struct wal *wal)
{
    if (wal->descriptor >= 0)
        close(wal->descriptor);
    wal->descriptor = -1;
    free((void *)wal->buffer.data);
    wal->buffer = bytes_of(NULL, 0);
    wal->buffer_room = 0;
}
