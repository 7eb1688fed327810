#include "tools/tenured/pledge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"

#define PLEDGE_SLOT 512 /* a sector: written whole or not at all */
#define PLEDGE_BODY 72  /* turn, since, view, height, sequence, chain */

static void pledge_pack(uint8_t out[PLEDGE_SLOT], const struct pledge *pledge)
{
    memset(out, 0, PLEDGE_SLOT);
    bytes_put_u64(out, pledge->turn);
    bytes_put_u64(out + 8, pledge->since);
    bytes_put_u64(out + 16, pledge->view.n);
    bytes_put_u64(out + 24, pledge->height.n);
    bytes_put_u64(out + 32, pledge->sequence);
    memcpy(out + 40, pledge->chain.bytes, DIGEST_SIZE);
    struct digest digest = digest_of(out, PLEDGE_BODY);
    memcpy(out + PLEDGE_BODY, digest.bytes, DIGEST_SIZE);
}

/* Takes a slot if it is whole and later than what is known. */
static void pledge_read(struct pledge *pledge, const uint8_t in[PLEDGE_SLOT])
{
    struct digest digest = digest_of(in, PLEDGE_BODY);
    uint64_t turn = bytes_get_u64(in);
    if (memcmp(in + PLEDGE_BODY, digest.bytes, DIGEST_SIZE) != 0 || turn <= pledge->turn)
        return;
    pledge->turn = turn;
    pledge->since = bytes_get_u64(in + 8);
    pledge->view.n = bytes_get_u64(in + 16);
    pledge->height.n = bytes_get_u64(in + 24);
    pledge->sequence = bytes_get_u64(in + 32);
    memcpy(pledge->chain.bytes, in + 40, DIGEST_SIZE);
}

static enum err pledge_load(struct pledge *pledge, const struct digest *chain, struct fault *fault)
{
    uint8_t slots[2 * PLEDGE_SLOT] = {0};
    ssize_t size = pread(pledge->descriptor, slots, sizeof(slots), 0);
    if (size < 0)
        return fault_set(fault, ERR_IO, "%s: can't be read: %s", pledge->path, strerror(errno));
    pledge_read(pledge, slots);
    pledge_read(pledge, slots + PLEDGE_SLOT);
    if (size > 0 && pledge->turn == 0)
        return fault_set(
            fault, ERR_CORRUPT,
            "%s: is damaged, so nobody knows what this validator has signed; restore it",
            pledge->path);
    if (pledge->turn > 0 && !digest_equal(&pledge->chain, chain))
        return fault_set(fault, ERR_MISMATCH, "%s: this key votes on another chain", pledge->path);
    pledge->chain = *chain;
    return ERR_NONE;
}

enum err pledge_open(struct pledge *pledge, const char *key_path, const struct digest *chain,
                     struct fault *fault)
{
    memset(pledge, 0, sizeof(*pledge));
    int length = snprintf(pledge->path, sizeof(pledge->path), "%s.votes", key_path);
    if (length < 0 || (size_t)length >= sizeof(pledge->path))
        return fault_set(fault, ERR_LIMIT, "%s: the path is too long", key_path);
    pledge->descriptor = open(pledge->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (pledge->descriptor < 0)
        return fault_set(fault, ERR_IO, "%s: can't be opened: %s", pledge->path, strerror(errno));
    enum err err = file_sync_folder(pledge->path, fault);
    if (!err)
        err = pledge_load(pledge, chain, fault);
    if (err)
        pledge_close(pledge);
    return err;
}

void pledge_close(struct pledge *pledge)
{
    close(pledge->descriptor);
}

enum err pledge_raise(struct pledge *pledge, uint64_t since, struct view view,
                      struct height height, uint64_t sequence, struct fault *fault)
{
    CHECK(since >= pledge->since);
    CHECK(since > pledge->since || view.n >= pledge->view.n);
    CHECK(height.n >= pledge->height.n);
    pledge->turn++;
    pledge->since = since;
    pledge->view = view;
    pledge->height = height;
    pledge->sequence = sequence;
    uint8_t slot[PLEDGE_SLOT];
    pledge_pack(slot, pledge);
    off_t place = pledge->turn % 2 ? 0 : PLEDGE_SLOT;
    errno = 0;
    if (pwrite(pledge->descriptor, slot, sizeof(slot), place) != (ssize_t)sizeof(slot) ||
        fdatasync(pledge->descriptor))
        return fault_set(fault, ERR_IO, "%s: can't be written: %s", pledge->path,
                         errno ? strerror(errno) : "the disk is full");
    return ERR_NONE;
}
