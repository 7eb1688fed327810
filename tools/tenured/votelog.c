#include "tools/tenured/votelog.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define VOTELOG_HEAD_SIZE 8 /* the sequence */

static enum err votelog_keep(struct votelog *log, uint64_t sequence, struct bytes record)
{
    if (log->count == log->room) {
        size_t room = log->room ? 2 * log->room : 64;
        struct votelog_record *records = realloc(log->records, room * sizeof(*records));
        if (!records)
            return ERR_LIMIT;
        log->records = records;
        log->room = room;
    }
    uint8_t *copy = malloc(record.size + 1);
    if (!copy)
        return ERR_LIMIT;
    if (record.size > 0)
        memcpy(copy, record.data, record.size);
    log->records[log->count++] = (struct votelog_record){sequence, bytes_of(copy, record.size)};
    log->kept_bytes += record.size;
    log->appended = sequence;
    return ERR_NONE;
}

/* One record of the file: sequences ascend without a gap. */
static void votelog_tell(void *self, struct bytes record)
{
    struct votelog *log = self;
    if (log->err)
        return;
    uint64_t sequence = record.size >= VOTELOG_HEAD_SIZE ? bytes_get_u64(record.data) : 0;
    if (sequence == 0 || (log->count > 0 && sequence != log->appended + 1)) {
        log->err = ERR_CORRUPT;
        return;
    }
    log->err = votelog_keep(
        log, sequence, bytes_of(record.data + VOTELOG_HEAD_SIZE, record.size - VOTELOG_HEAD_SIZE));
}

/* Where the guard stands, by set and view, to what was pledged: < 0: behind it. */
static int votelog_order(const struct votelog *log)
{
    const struct guard *guard = &log->guard;
    const struct pledge *pledge = &log->pledge;
    if (guard->since != pledge->since)
        return guard->since < pledge->since ? -1 : 1;
    return guard->view.n < pledge->view.n ? -1 : guard->view.n > pledge->view.n;
}

/* Is the chain an older one than the votes are about? */
static bool votelog_is_put_back(const struct votelog *log, struct height head)
{
    return head.n < log->guard.forgotten.n || head.n + 1 < log->guard.since ||
           head.n + BOUNDS_WINDOW < log->pledge.height.n;
}

/* Compares what is here with what was pledged beside the key. What was lost stays so over restarts, until the chain is above it. */
static void votelog_weigh(struct votelog *log, struct height head)
{
    const struct pledge *pledge = &log->pledge;
    struct guard *guard = &log->guard;
    log->muted_since = guard->since;
    log->muted_view = guard->view;
    log->muted_height = guard_height(guard);
    int order = votelog_order(log);
    bool lost =
        order < 0 || log->appended < pledge->sequence || votelog_is_put_back(log, head);
    if (lost && log->muted_height.n < pledge->height.n)
        log->muted_height = pledge->height;
    if (lost && order <= 0) {
        guard_init(guard, &pledge->chain);
        guard->since = pledge->since;
        guard->view.n = pledge->view.n + 1;
        log->muted_since = pledge->since;
        log->muted_view = pledge->view;
    }
    if (lost || !log->whole) {
        guard->height = log->muted_height;
        guard->missed_view = log->muted_view;
        guard->missed_height = log->muted_height;
        guard->forgotten = (struct height){0}; /* from here on missed_height says what is missing */
        log->dirty = true;
    } else if (guard->missed_height.n > head.n) {
        log->muted_view = guard->missed_view;
        log->muted_height = guard->missed_height;
        lost = true;
    }
    log->whole = log->whole && !lost;
}

static enum err votelog_read(struct votelog *log, const char *path, const struct digest *chain,
                             struct fault *fault)
{
    struct wal_reader reader = {.tell = votelog_tell, .self = log};
    enum err err = wal_open(&log->wal, path, &reader, fault);
    if (err)
        return err;
    err = log->err;
    if (!err && reader.mark_size > 0)
        err = guard_unpack(&log->guard, bytes_of(reader.mark, reader.mark_size));
    if (err)
        err = fault_set(fault, ERR_CORRUPT, "%s: holds something else than votes", path);
    else if (!digest_equal(&log->guard.chain, chain))
        err = fault_set(fault, ERR_MISMATCH, "%s: its votes are of another chain", path);
    if (err) {
        wal_close(&log->wal);
        return err;
    }
    log->whole = reader.whole;
    log->synced = log->appended;
    log->dirty = reader.mark_size == 0;
    return ERR_NONE;
}

static void votelog_release(struct votelog *log)
{
    for (size_t i = 0; i < log->count; i++)
        free((void *)log->records[i].bytes.data);
    free(log->records);
    log->records = NULL;
    log->count = 0;
}

enum err votelog_open(struct votelog *log, const char *path, const char *key_path,
                      const struct digest *chain, struct height head, struct fault *fault)
{
    memset(log, 0, sizeof(*log));
    guard_init(&log->guard, chain);
    if (head.n > 0 && !file_exists(path))
        return fault_set(
            fault, ERR_NOT_FOUND,
            "%s: is missing, so nobody knows what this validator has signed; restore it", path);

    enum err err = pledge_open(&log->pledge, key_path, chain, fault);
    if (err)
        return err;
    err = votelog_read(log, path, chain, fault);
    if (err) {
        pledge_close(&log->pledge);
        votelog_release(log);
        return err;
    }
    votelog_weigh(log, head);
    return ERR_NONE;
}

void votelog_close(struct votelog *log)
{
    wal_close(&log->wal);
    pledge_close(&log->pledge);
    votelog_release(log);
}

static enum err votelog_write(struct votelog *log, const struct votelog_record *record)
{
    uint8_t *framed = malloc(VOTELOG_HEAD_SIZE + record->bytes.size);
    if (!framed)
        return ERR_LIMIT;
    bytes_put_u64(framed, record->sequence);
    memcpy(framed + VOTELOG_HEAD_SIZE, record->bytes.data, record->bytes.size);
    enum err err = wal_append(&log->wal, bytes_of(framed, VOTELOG_HEAD_SIZE + record->bytes.size));
    free(framed);
    return err;
}

enum err votelog_append(struct votelog *log, uint64_t sequence, struct bytes record)
{
    CHECK(log->appended == 0 || sequence == log->appended + 1);
    enum err err = votelog_keep(log, sequence, record);
    if (!err)
        err = votelog_write(log, &log->records[log->count - 1]);
    log->dirty = true;
    return err;
}

bool votelog_allow(struct votelog *log, uint64_t since, const struct action_sign *sign)
{
    log->dirty = log->dirty || sign->tag != MESSAGE_STATUS;
    return guard_allow(&log->guard, since, sign);
}

bool votelog_is_muted(const struct votelog *log, uint64_t since, struct view *view)
{
    *view = since < log->muted_since ? (struct view){BOUNDS_VIEW_MAX - 1} : log->muted_view;
    return !log->whole && since <= log->muted_since;
}

void votelog_forget(struct votelog *log, const struct action_forget *forget)
{
    size_t dead = 0;
    CHECK(forget->after <= log->synced);
    if (forget->durable.n > log->guard.forgotten.n)
        log->guard.forgotten = forget->durable; /* the file loses them with the mark that says so */
    while (dead < log->count && log->records[dead].sequence < forget->before) {
        log->kept_bytes -= log->records[dead].bytes.size;
        free((void *)log->records[dead].bytes.data);
        dead++;
    }
    memmove(log->records, log->records + dead, (log->count - dead) * sizeof(log->records[0]));
    log->count -= dead;
}

/* The file anew, with what is kept. All that was appended is among it. */
static enum err votelog_rewrite(struct votelog *log, struct bytes mark, struct fault *fault)
{
    wal_drop(&log->wal);
    for (size_t i = 0; i < log->count; i++)
        if (votelog_write(log, &log->records[i]))
            return fault_set(fault, ERR_LIMIT, "%s: no memory to write it anew", log->wal.path);
    return wal_restart(&log->wal, mark, fault);
}

/* Pledges what was synced. A guard that only stands above a lost log, and has signed nothing there, changes nothing. */
static enum err votelog_pledge(struct votelog *log, struct fault *fault)
{
    const struct pledge *pledge = &log->pledge;
    const struct guard *guard = &log->guard;
    int order = votelog_order(log);
    if (order < 0 || !guard_has_signed(guard))
        return ERR_NONE;
    struct height height = guard_height(guard);
    if (height.n < pledge->height.n)
        height = pledge->height;
    if (order == 0 && height.n == pledge->height.n && log->appended == pledge->sequence)
        return ERR_NONE;
    return pledge_raise(&log->pledge, guard->since, guard->view, height, log->appended, fault);
}

enum err votelog_sync(struct votelog *log, struct fault *fault)
{
    if (!log->dirty)
        return ERR_NONE;
    uint8_t packed[GUARD_BYTES_MAX];
    struct bytes mark = bytes_of(packed, guard_pack(packed, &log->guard));
    bool dead = wal_size(&log->wal) > log->kept_bytes + VOTELOG_DEAD_BYTES;
    enum err err = dead ? votelog_rewrite(log, mark, fault) : wal_commit(&log->wal, mark, fault);
    if (err)
        return err;
    log->synced = log->appended;
    log->dirty = false;
    return votelog_pledge(log, fault);
}
