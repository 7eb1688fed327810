#include "tools/tenured/intake.h"

#include <stdlib.h>

struct intake *intake_new(const struct bytes *txs, uint32_t count)
{
    struct intake *intake = calloc(1, sizeof(*intake));
    if (!intake)
        return NULL;
    arena_init(&intake->arena, INTAKE_ARENA_BYTES);
    intake->txs = txs;
    intake->count = count;
    intake->read = arena_array(&intake->arena, count, sizeof(struct tx));
    intake->verdicts = arena_array(&intake->arena, count, sizeof(enum tx_verdict));
    if (!intake->read || !intake->verdicts) {
        intake_free(intake);
        return NULL;
    }
    return intake;
}

void intake_free(struct intake *intake)
{
    arena_release(&intake->arena);
    free(intake);
}

enum err intake_admit(struct intake *intake, struct chain *chain, const struct pool *pool,
                      struct fault *fault)
{
    for (uint32_t i = 0; i < intake->count; i++) {
        enum err err = chain_admit(&intake->arena, chain, pool, &intake->read[i], intake->txs[i],
                                   &intake->verdicts[i], fault);
        if (err)
            return err;
    }
    return ERR_NONE;
}

void intake_check(struct intake *intake, struct recent *checked)
{
    for (uint32_t i = 0; i < intake->count; i++) {
        if (intake->verdicts[i] != TX_OK)
            continue;
        struct digest whole = digest_of(intake->txs[i].data, intake->txs[i].size);
        uint8_t known;
        if (recent_get(checked, &whole, &known))
            continue;
        intake->verdicts[i] = tx_check_signature(&intake->read[i]);
        if (intake->verdicts[i] == TX_OK)
            recent_put(checked, &whole, 1);
    }
    intake->checked = true;
}

enum err intake_add(struct intake *intake, struct chain *chain, struct pool *pool, uint64_t now_ms,
                    struct fault *fault)
{
    const struct chain_tip *head = chain_head(chain);
    for (uint32_t i = 0; i < intake->count; i++) {
        if (intake->verdicts[i] != TX_OK)
            continue;
        uint64_t next_nonce = 0;
        enum err err = chain_sender(chain, &head->digest, &intake->read[i].body.sender,
                                    &intake->verdicts[i], &next_nonce);
        if (err)
            return fault_set(fault, err, "the sender's account cannot be read");
        if (intake->verdicts[i] == TX_OK)
            intake->verdicts[i] = pool_add(pool, &intake->read[i], next_nonce,
                                           (struct height){head->header.height}, now_ms);
    }
    return ERR_NONE;
}

void intake_answer(struct intake *intake)
{
    if (!intake->api)
        return;
    for (uint32_t i = 0; i < intake->count; i++) {
        intake->api->ids[i] = intake->read[i].id;
        intake->api->verdicts[i] = intake->verdicts[i];
    }
    api_batch_done(intake->api);
}
