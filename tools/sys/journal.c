#include "tools/sys/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define JOURNAL_SLOT_SIZE   4096
#define JOURNAL_RECORDS     (2 * JOURNAL_SLOT_SIZE) /* offset of the first record */
#define JOURNAL_RECORD_HEAD 8                       /* size and checksum */
#define JOURNAL_SLOT_HEAD   60                      /* what stands before the mark */
#define JOURNAL_FILE_MAX    (1u << 30)

static const uint8_t journal_magic[8] = "TNRjrnl1";

struct journal_slot {
    uint64_t generation, end;
    struct digest records;
    struct bytes mark;
};

static void journal_slot_pack(uint8_t out[JOURNAL_SLOT_SIZE], const struct journal_slot *slot)
{
    CHECK(slot->mark.size <= JOURNAL_MARK_SIZE);
    memset(out, 0, JOURNAL_SLOT_SIZE);
    memcpy(out, journal_magic, 8);
    bytes_put_u64(out + 8, slot->generation);
    bytes_put_u64(out + 16, slot->end);
    memcpy(out + 24, slot->records.bytes, DIGEST_SIZE);
    bytes_put_u32(out + 56, (uint32_t)slot->mark.size);
    if (slot->mark.size > 0)
        memcpy(out + JOURNAL_SLOT_HEAD, slot->mark.data, slot->mark.size);
    struct digest sum = digest_of(out, JOURNAL_SLOT_SIZE - DIGEST_SIZE);
    memcpy(out + JOURNAL_SLOT_SIZE - DIGEST_SIZE, sum.bytes, DIGEST_SIZE);
}

static bool journal_slot_unpack(struct journal_slot *slot, const uint8_t in[JOURNAL_SLOT_SIZE])
{
    struct digest sum = digest_of(in, JOURNAL_SLOT_SIZE - DIGEST_SIZE);
    if (memcmp(in, journal_magic, 8) != 0 ||
        memcmp(in + JOURNAL_SLOT_SIZE - DIGEST_SIZE, sum.bytes, DIGEST_SIZE) != 0)
        return false;
    slot->generation = bytes_get_u64(in + 8);
    slot->end = bytes_get_u64(in + 16);
    memcpy(slot->records.bytes, in + 24, DIGEST_SIZE);
    slot->mark = bytes_of(in + JOURNAL_SLOT_HEAD, bytes_get_u32(in + 56));
    return slot->mark.size <= JOURNAL_MARK_SIZE;
}

/* The checksum binds the size too, so that a zeroed page is no record. */
static void journal_record_head(uint8_t head[JOURNAL_RECORD_HEAD], struct bytes record)
{
    struct digest_stream stream;
    bytes_put_u32(head, (uint32_t)record.size);
    digest_init(&stream);
    digest_add(&stream, head, 4);
    digest_add(&stream, record.data, record.size);
    struct digest sum = digest_end(&stream);
    memcpy(head + 4, sum.bytes, 4);
}

static struct digest journal_records_digest(const struct journal *journal)
{
    struct digest_stream fork = journal->records;
    return digest_end(&fork);
}

/* Tells every intact record of `content`, and leaves the journal's end behind the last of them. */
static void journal_walk(struct journal *journal, struct journal_reader *reader,
                         const struct journal_slot *slot, struct bytes content)
{
    reader->whole = slot->end == JOURNAL_RECORDS;
    while (content.size - journal->end >= JOURNAL_RECORD_HEAD) {
        const uint8_t *head = content.data + journal->end;
        size_t size = bytes_get_u32(head);
        if (size > JOURNAL_RECORD_SIZE || size > content.size - journal->end - JOURNAL_RECORD_HEAD)
            return;
        struct bytes record = bytes_of(head + JOURNAL_RECORD_HEAD, size);
        uint8_t expected[JOURNAL_RECORD_HEAD];
        journal_record_head(expected, record);
        if (memcmp(head, expected, JOURNAL_RECORD_HEAD) != 0)
            return;
        journal->end += JOURNAL_RECORD_HEAD + size;
        digest_add(&journal->records, head, JOURNAL_RECORD_HEAD + size);
        if (journal->end == slot->end) {
            struct digest sum = journal_records_digest(journal);
            reader->whole = digest_equal(&sum, &slot->records);
        }
        reader->tell(reader->self, record);
    }
}

static enum err journal_read(struct journal *journal, struct journal_reader *reader,
                             struct fault *fault)
{
    uint8_t *data;
    size_t size;
    enum err err = file_read(&data, &size, journal->path, JOURNAL_FILE_MAX, fault);
    if (err)
        return err;
    struct journal_slot slots[2], *newest = NULL;
    for (size_t i = 0; i < 2 && size >= JOURNAL_RECORDS; i++)
        if (journal_slot_unpack(&slots[i], data + i * JOURNAL_SLOT_SIZE) &&
            (!newest || slots[i].generation > newest->generation))
            newest = &slots[i];
    if (!newest) {
        free(data);
        return fault_set(fault, ERR_CORRUPT, "%s: neither of its two marks can be read",
                         journal->path);
    }
    journal->generation = newest->generation;
    reader->mark_size = newest->mark.size;
    memcpy(reader->mark, newest->mark.data, newest->mark.size);
    journal_walk(journal, reader, newest, bytes_of(data, size));
    free(data);
    if (ftruncate(journal->descriptor, (off_t)journal->end) != 0)
        return fault_set(fault, ERR_IO, "%s: %s", journal->path, strerror(errno));
    return ERR_NONE;
}

/* A journal that starts empty with `mark`, put into place whole. */
static enum err journal_create(struct journal *journal, struct bytes mark, struct bytes records,
                               struct fault *fault)
{
    size_t size = JOURNAL_RECORDS + records.size;
    uint8_t *content = calloc(1, size);
    if (!content)
        return fault_set(fault, ERR_LIMIT, "%s: no memory for %zu bytes", journal->path, size);
    if (records.size > 0)
        memcpy(content + JOURNAL_RECORDS, records.data, records.size);
    digest_init(&journal->records);
    digest_add(&journal->records, records.data, records.size);
    journal->end = size;
    journal->generation++;
    struct journal_slot slot = {journal->generation, journal->end, journal_records_digest(journal),
                                mark};
    journal_slot_pack(content + journal->generation % 2 * JOURNAL_SLOT_SIZE, &slot);
    enum err err = file_write(journal->path, bytes_of(content, size), 0600, fault);
    free(content);
    return err;
}

static enum err journal_open_descriptor(struct journal *journal, struct fault *fault)
{
    journal->descriptor = open(journal->path, O_RDWR | O_CLOEXEC);
    if (journal->descriptor < 0)
        return fault_set(fault, ERR_IO, "%s: %s", journal->path, strerror(errno));
    return ERR_NONE;
}

enum err journal_open(struct journal *journal, const char *path, struct journal_reader *reader,
                      struct fault *fault)
{
    *journal = (struct journal){.descriptor = -1, .end = JOURNAL_RECORDS};
    if (strlen(path) >= sizeof(journal->path))
        return fault_set(fault, ERR_LIMIT, "%s: the path is too long", path);
    strcpy(journal->path, path);
    digest_init(&journal->records);
    reader->whole = true;
    reader->mark_size = 0;

    bool is_new = !file_exists(path);
    enum err err =
        is_new ? journal_create(journal, bytes_of(NULL, 0), bytes_of(NULL, 0), fault) : ERR_NONE;
    if (!err)
        err = journal_open_descriptor(journal, fault);
    if (!err && !is_new)
        err = journal_read(journal, reader, fault);
    if (err)
        journal_close(journal);
    return err;
}

enum err journal_append(struct journal *journal, struct bytes record)
{
    if (record.size > JOURNAL_RECORD_SIZE)
        return ERR_LIMIT;
    size_t wanted = journal->buffer.size + JOURNAL_RECORD_HEAD + record.size;
    uint8_t *buffer = (uint8_t *)journal->buffer.data;
    if (wanted > journal->buffer_room) {
        buffer = realloc(buffer, 2 * wanted);
        if (!buffer)
            return ERR_LIMIT;
        journal->buffer_room = 2 * wanted;
    }
    journal_record_head(buffer + journal->buffer.size, record);
    if (record.size > 0)
        memcpy(buffer + journal->buffer.size + JOURNAL_RECORD_HEAD, record.data, record.size);
    journal->buffer = bytes_of(buffer, wanted);
    return ERR_NONE;
}

static bool journal_put_at(int descriptor, struct bytes content, uint64_t offset)
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

enum err journal_commit(struct journal *journal, struct bytes mark, struct fault *fault)
{
    if (journal->failed)
        return fault_set(fault, ERR_IO, "%s: an earlier write failed", journal->path);
    digest_add(&journal->records, journal->buffer.data, journal->buffer.size);
    uint64_t end = journal->end + journal->buffer.size;
    uint8_t page[JOURNAL_SLOT_SIZE];
    struct journal_slot slot = {journal->generation + 1, end, journal_records_digest(journal),
                                mark};
    journal_slot_pack(page, &slot);
    if (!journal_put_at(journal->descriptor, journal->buffer, journal->end) ||
        !journal_put_at(journal->descriptor, bytes_of(page, sizeof(page)),
                        slot.generation % 2 * JOURNAL_SLOT_SIZE) ||
        fdatasync(journal->descriptor) != 0) {
        journal->failed = true;
        return fault_set(fault, ERR_IO, "%s: %s", journal->path, strerror(errno));
    }
    journal->generation++;
    journal->end = end;
    journal->buffer.size = 0;
    return ERR_NONE;
}

enum err journal_restart(struct journal *journal, struct bytes mark, struct fault *fault)
{
    if (journal->failed)
        return fault_set(fault, ERR_IO, "%s: an earlier write failed", journal->path);
    close(journal->descriptor);
    journal->descriptor = -1;
    enum err err = journal_create(journal, mark, journal->buffer, fault);
    if (!err)
        err = journal_open_descriptor(journal, fault);
    journal->failed = err != ERR_NONE;
    journal->buffer.size = 0;
    return err;
}

uint64_t journal_size(const struct journal *journal)
{
    return journal->end - JOURNAL_RECORDS;
}

void journal_close(struct journal *journal)
{
    if (journal->descriptor >= 0)
        close(journal->descriptor);
    journal->descriptor = -1;
    free((void *)journal->buffer.data);
    journal->buffer = bytes_of(NULL, 0);
    journal->buffer_room = 0;
}
