/* Transactions on their way into the pool, in batches: from a client's POST, or forwarded by another validator.
 *
 *     arrives --> executor: intake_admit     form, expiry, sender, nonce, room: cheap, on state
 *             --> verifier: intake_check     signatures
 *             --> executor: intake_add       into the pool; then the client is answered and the others are told
 */
#ifndef TOOLS_TENURED_INTAKE_H
#define TOOLS_TENURED_INTAKE_H

#include "base/arena.h"
#include "ledger/pool.h"
#include "tools/tenured/api.h"
#include "tools/tenured/recent.h"

/* Room of one batch: a thousand transactions and what unpacking each takes. */
#define INTAKE_ARENA_BYTES (64u << 20)

struct intake {
    struct api_batch *api; /* NULL: forwarded by a validator */
    void *frame; /* what the transactions borrow from, when forwarded; owned by the verifier */
    const struct bytes *txs;
    uint32_t count;
    struct tx *read;           /* unpacked */
    enum tx_verdict *verdicts; /* TX_OK while nothing speaks against it */
    bool checked;              /* signatures too */
    struct arena arena;
};

/* A batch that borrows `txs`; NULL when memory is short. */
struct intake *intake_new(const struct bytes *txs, uint32_t count);

/* Frees it, without answering. */
void intake_free(struct intake *intake);

/* ERR_CORRUPT and ERR_IO of the store: the node must stop. */
MUST_USE enum err intake_admit(struct intake *intake, struct chain *chain, const struct pool *pool,
                               struct fault *fault);

/* Signatures of those admitted; what was found valid before isn't checked again. */
void intake_check(struct intake *intake, struct recent *checked);

/* Adds those that are still TX_OK. */
MUST_USE enum err intake_add(struct intake *intake, struct chain *chain, struct pool *pool,
                             uint64_t now_ms, struct fault *fault);

/* Tells the client, if there is one. */
void intake_answer(struct intake *intake);

#endif
