/* Any bytes as a hello and as a proof: no stranger comes in, whatever it says. */
#include "base/check.h"
#include "net/session.h"
#include "test/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct session session;
    struct sign_secret secret = {{[31] = 5}};
    struct sign_public ours, known;
    struct session_random random = {.nonce = {{1}}, .ephemeral = {{[31] = 9}}};
    uint32_t index;
    CHECK(sign_public_of(&ours, &secret));
    secret.bytes[31] = 6;
    CHECK(sign_public_of(&known, &secret));
    CHECK(session_init(&session, SESSION_LISTENER, 0, &digest_zero, &ours, &random));
    size_t hello_size = size < SESSION_MESSAGE_MAX ? size : SESSION_MESSAGE_MAX;
    if (session_read_hello(&session, &index, bytes_of(data, hello_size), &known, 1, NULL) ==
        ERR_NONE) {
        CHECK(index == 0 && session.state == SESSION_PROOF);
        struct bytes proof = bytes_of(data + hello_size, size - hello_size);
        CHECK(session_read_proof(&session, proof, NULL) !=
              ERR_NONE); /* only the secret's owner can sign */
        CHECK(session.state == SESSION_FAILED);
    }
    session_clear(&session);
    return 0;
}
