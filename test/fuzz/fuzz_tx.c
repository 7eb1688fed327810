/* Any bytes as a transaction: what is read is canonical, and every later check gives a verdict with a name. */
#include "base/check.h"
#include "ledger/tx.h"
#include "test/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct tx tx;
    struct fault fault = {.code = ERR_NONE};
    arena_init(&arena, 1 << 17);
    enum tx_verdict verdict = tx_unpack(&arena, &tx, bytes_of(data, size), &fault);
    if (verdict == TX_OK) {
        CHECK(bytes_equal(record_bytes(&arena, &tx_record, &tx), tx.raw));
        CHECK(bytes_equal(record_bytes(&arena, &tx_body_record, &tx.body), tx.unsigned_raw));
        verdict = tx_check(&tx, &digest_zero, (struct height){1});
        CHECK(tx_verdict_name(verdict)[0] && tx_verdict_text(verdict)[0]);
        verdict = tx_check_signature(&tx);
        CHECK(verdict == TX_OK || verdict == TX_BAD_KEY || verdict == TX_HIGH_S ||
              verdict == TX_BAD_SIGNATURE);
    } else {
        CHECK(verdict == TX_OVERSIZE || verdict == TX_MALFORMED);
    }
    arena_release(&arena);
    return 0;
}
