/* The consortium's certificate authority and its nodes' certificates: X.509 v3 on P-256 with
 * SHA-256, as PEM texts (RFC 5280, RFC 7468), which mbedTLS under nng, libmicrohttpd and curl all
 * read.
 *
 * The private key is PKCS #8 without a passphrase; who writes it to a file gives that file mode
 * 0600. These keys only open connections: who a peer is, its signed handshake says (net/peer.h). */
#ifndef TOOLS_SYS_CERTIFICATE_H
#define TOOLS_SYS_CERTIFICATE_H

#include "base/error.h"

/* A P-256 certificate with eight names takes about 1 KiB, its key 250 bytes. */
#define CERTIFICATE_PEM_SIZE 4096

/* Names in one certificate: the node's own, localhost, and the hosts it is reached by. */
#define CERTIFICATE_HOSTS_MAX 8

/* A certificate of its key. Plain memory; wipe with certificate_clear. */
struct certificate {
    char pem[CERTIFICATE_PEM_SIZE]; /* zero-terminated */
    char key[CERTIFICATE_PEM_SIZE]; /* its private key, zero-terminated */
};

/* A new key and its self-signed CA certificate: it may sign certificates of nodes, not of further
 * authorities, and is valid from a day ago (clocks differ) for `days`. `name` is its common
 * name, 1..64 bytes. ERR_USAGE for a name that doesn't fit, ERR_IO when libcrypto refuses. */
MUST_USE enum err certificate_authority(struct certificate *out, const char *name, unsigned days,
                                        struct fault *fault);

/* A new key and a certificate by `authority` for both ends of a connection (server and client
 * authentication). `name` becomes the common name and the first DNS name, so that a dialler can ask
 * for it by the validator's name; `hosts` are further DNS names and IPv4 or IPv6 addresses, at most
 * CERTIFICATE_HOSTS_MAX - 1. Errors as above; ERR_MALFORMED when `authority` holds no such pair,
 * ERR_MISMATCH when its key is not its certificate's. */
MUST_USE enum err certificate_issue(struct certificate *out, const struct certificate *authority,
                                    const char *name, const char *const hosts[],
                                    unsigned host_count, unsigned days, struct fault *fault);

/* ERR_NONE if `pem` is a certificate signed by `authority_pem`'s and valid now; ERR_SIGNATURE if it
 * isn't, ERR_MALFORMED if either is none. */
MUST_USE enum err certificate_check(const char *pem, const char *authority_pem,
                                    struct fault *fault);

void certificate_clear(struct certificate *certificate);

#endif
