/* Any bytes as a message between validators, with the signatures trusted so that every check behind them is reached: what is
 * accepted keeps the bounds that consensus_step relies on. */
#include <string.h>

#include "base/check.h"
#include "consensus/bounds.h"
#include "consensus/verify.h"
#include "test/fuzz/fuzz.h"
#include "tools/tenured/wire.h"

#define VALIDATORS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct committee committee;
    struct sign_public keys[VALIDATORS] = {{{2}}, {{3}}, {{2, 1}}, {{3, 1}}};
    committee_init(&committee, &digest_zero, keys, VALIDATORS);
    struct verify_context context = {
        .committee = &committee, .read = wire_read_header, .signature = verify_trusting};
    struct arena arena;
    struct message message;
    struct fault fault = {.code = ERR_NONE};
    arena_init(&arena, 8 * size + (1 << 20)); /* what verify.h promises to suffice */
    enum err err = verify_message(&arena, &context, &message, bytes_of(data, size), &fault);
    if (err == ERR_NONE)
        CHECK(message.envelope.from.n < VALIDATORS || message.tag == MESSAGE_DECIDED);
    else
        CHECK(fault.code == err && fault.text[0]);
    arena_release(&arena);
    return 0;
}
