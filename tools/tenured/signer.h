/* The validator's key. What may be signed is the guard's to say (tools/tenured/guard.h); the votelog asks it and keeps it.
 * Constant after signer_init, so any thread may sign. */
#ifndef TOOLS_TENURED_SIGNER_H
#define TOOLS_TENURED_SIGNER_H

#include "base/sign.h"
#include "consensus/message.h"
#include "tools/sys/settings.h"

struct signer { /* wipe with signer_clear */
    struct sign_secret secret;
    struct sign_public public;
    struct digest chain; /* set by the owner, once it is known */
};

/* Opens the key file that the settings name. Errors as keyfile.h's. */
MUST_USE enum err signer_init(struct signer *signer, const struct settings *settings,
                              struct fault *fault);
void signer_clear(struct signer *signer);

/* The whole signed message, in `arena`. Requires a signed tag; the arena must have room (CHECK). */
struct bytes signer_seal(struct arena *arena, const struct signer *signer, struct seat seat,
                         enum message_tag tag, struct bytes body);

#endif
