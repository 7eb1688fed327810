#include "tools/tenured/recheck.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ledger/history.h"
#include "tools/sys/electorate.h"
#include "tools/sys/file.h"
#include "tools/tenured/node.h"

/* The committee that certifies the block after `below`, by the state after it. */
static enum err recheck_committee(struct arena *arena, struct history *history,
                                  struct committee *committee, struct height below,
                                  struct fault *fault)
{
    struct bytes packed;
    struct validator_set set;
    enum err err =
        history_value(arena, history, &packed, bytes_text("validators"), below, fault);
    if (!err)
        err = record_unpack(arena, &validator_set_record, &set, packed, fault);
    if (err)
        return fault_set(fault, ERR_CORRUPT, "the validators that certify block %llu aren't known",
                         (unsigned long long)below.n + 1);
    electorate_committee(committee, arena, &set);
    return ERR_NONE;
}

/* Does a quorum of the set of its height certify the block? */
static enum err recheck_certificate(struct arena *arena, struct verify_context *context,
                                    const struct history_block *block, struct fault *fault)
{
    struct certificate certificate;
    enum err err = record_unpack(arena, &ballot_certificate_record, &certificate,
                                 block->certificate, fault);
    if (!err && (!digest_equal(&context->committee->digest, &block->header.set_digest) ||
                 !digest_equal(&certificate.ballot.digest, &block->digest)))
        err = fault_set(fault, ERR_MISMATCH, "it is of another block or of other validators");
    if (!err)
        err = verify_certificate(context, MESSAGE_COMMIT, &certificate, fault);
    if (!err)
        return ERR_NONE;
    struct fault inner = *fault;
    return fault_set(fault, ERR_CORRUPT, "block %llu: its certificate doesn't hold: %s",
                     (unsigned long long)block->header.height, inner.text);
}

static enum err recheck_certificates(struct chain *chain, struct history *history,
                                     struct fault *fault)
{
    static struct committee committee;
    struct arena arena;
    struct verify_context context = {
        .chain = chain_genesis(chain), .committee = &committee, .signature = verify_ecdsa};
    enum err err = ERR_NONE;
    arena_init(&arena, 1u << 24);
    for (uint64_t h = history_start(history).n + 1; h <= history_height(history).n && !err; h++) {
        struct history_block block;
        arena_clear(&arena);
        err = history_block(&arena, history, &block, (struct height){h}, fault);
        if (!err && !digest_equal(&committee.digest, &block.header.set_digest))
            err = recheck_committee(&arena, history, &committee, (struct height){h - 1}, fault);
        if (!err)
            err = recheck_certificate(&arena, &context, &block, fault);
    }
    arena_release(&arena);
    return err;
}

static enum err recheck_chain(struct chain *chain, struct fault *fault)
{
    struct history *history = history_open(chain, fault);
    if (!history)
        return ERR_CORRUPT;
    uint64_t keys;
    enum err err = history_audit(history, &keys, fault);
    if (!err)
        err = recheck_certificates(chain, history, fault);
    if (!err)
        printf("%" PRIu64 " blocks and %" PRIu64 " keys of state: all whole\n",
               history_height(history).n + 1, keys);
    history_close(history);
    return err;
}

/* With the folder ours. */
static enum err recheck_stored(const char *path, const struct settings *settings,
                               struct fault *fault)
{
    uint8_t *genesis;
    size_t size;
    struct chain *chain;
    enum err err = file_read(&genesis, &size, settings->genesis, NODE_GENESIS_MAX, fault);
    if (err)
        return err;
    err = chain_open(&chain, path, bytes_of(genesis, size), fault);
    free(genesis);
    if (err)
        return err;
    err = recheck_chain(chain, fault);
    chain_close(chain);
    return err;
}

enum err recheck_run(const struct settings *settings, struct fault *fault)
{
    char path[FILE_PATH_SIZE], lock[FILE_PATH_SIZE];
    int descriptor;
    enum err err = file_join(path, settings->data, "chain", fault);
    if (err)
        return err;
    if (!file_exists(path))
        return fault_set(fault, ERR_NOT_FOUND, "%s: there is no chain here yet", path);
    err = file_join(lock, settings->data, "lock", fault);
    if (!err)
        err = file_lock(&descriptor, lock, fault);
    if (err)
        return err;
    err = recheck_stored(path, settings, fault);
    close(descriptor);
    return err;
}
