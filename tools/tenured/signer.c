#include "tools/tenured/signer.h"

#include "base/check.h"
#include "tools/sys/keyfile.h"

enum err signer_init(struct signer *signer, const struct settings *settings, struct fault *fault)
{
    struct keyfile_passphrase passphrase;
    enum err err = keyfile_public(&signer->public, settings->key, fault);
    if (!err)
        err =
            keyfile_passphrase_read(&passphrase, settings->passphrase, settings->key, false, fault);
    if (!err)
        err = keyfile_open(&signer->secret, &signer->public, settings->key, &passphrase, fault);
    keyfile_passphrase_clear(&passphrase);
    return err;
}

void signer_clear(struct signer *signer)
{
    sign_secret_clear(&signer->secret);
}

struct bytes signer_seal(struct arena *arena, const struct signer *signer, struct seat seat,
                         enum message_tag tag, struct bytes body)
{
    struct digest digest = message_digest(arena, tag, &signer->chain, body);
    struct message_envelope envelope = {
        .from = seat, .body = body, .signature = sign_make(&signer->secret, &digest)};
    struct bytes message = message_seal(arena, tag, &envelope);
    CHECK(message.data != NULL);
    return message;
}
