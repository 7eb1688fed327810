/* Files that hold one secret key, encrypted: scrypt (RFC 7914) makes a key of the passphrase,
 * AES-256-GCM seals the secret.
 *
 * The file is one record [format, log2 of N, r, p, salt, nonce, public key, sealed secret and tag],
 * mode 0600. The public key is readable without the passphrase and is bound to the seal. */
#ifndef TOOLS_SYS_KEYFILE_H
#define TOOLS_SYS_KEYFILE_H

#include "base/error.h"
#include "base/sign.h"

#define KEYFILE_PASSPHRASE_SIZE 512

struct keyfile_passphrase { /* wipe with keyfile_passphrase_clear */
    char text[KEYFILE_PASSPHRASE_SIZE];
    size_t size;
};

/* Reads a passphrase: its first line, without the line end.
 * `source` is "terminal" (asks on /dev/tty without echo, twice when `confirm`), "file:PATH" or
 * "fd:NUMBER"; never the passphrase itself. `prompt` names the key for a person. ERR_USAGE for
 * another source or an empty or overlong passphrase, ERR_NOT_FOUND, ERR_IO. */
MUST_USE enum err keyfile_passphrase_read(struct keyfile_passphrase *passphrase, const char *source,
                                          const char *prompt, bool confirm, struct fault *fault);
void keyfile_passphrase_clear(struct keyfile_passphrase *passphrase);

/* Writes a new key file. Requires a valid secret. ERR_NOT_NOW when `path` is there already; ERR_IO.
 */
MUST_USE enum err keyfile_create(const char *path, const struct sign_secret *secret,
                                 const struct keyfile_passphrase *passphrase, struct fault *fault);

/* Opens a key file. ERR_NOT_FOUND: there is none. ERR_IO: not readable. ERR_USAGE: others may read
 * it too (not mode 0600). ERR_MALFORMED: no key file. ERR_SIGNATURE: wrong passphrase, or changed
 * since it was written. */
MUST_USE enum err keyfile_open(struct sign_secret *secret, struct sign_public *public,
                               const char *path, const struct keyfile_passphrase *passphrase,
                               struct fault *fault);

/* The public key only, without a passphrase (and without proof that the secret fits). Errors as
 * keyfile_open. */
MUST_USE enum err keyfile_public(struct sign_public *public, const char *path, struct fault *fault);

#endif
