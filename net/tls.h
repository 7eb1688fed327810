/* How connections between validators use TLS 1.2 (mbedTLS under nng): both ends show a certificate
 * of the consortium's CA. For the files of net/ that hold nng's objects.
 *
 * nng 1.5.2 can't name the cipher: mbedTLS 2.28 takes ChaCha20-Poly1305, whose plain C is most of what the bulk lane costs. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/error.h"

struct nng_tls_config;

/* PEM texts, zero-terminated; owned. */
struct tls {
    char *authority, *certificate, *key;
};

/* Copies the texts and tries them. ERR_USAGE with a sentence if they can't be used together. On
 * failure nothing is to be released. */
MUST_USE enum err tls_init(struct tls *tls, const char *authority, const char *certificate,
                           const char *key, struct fault *fault);
void tls_release(struct tls *tls);

/* A new configuration for one connection; free it with nng_tls_config_free once it is set. Each
 * connection has its own, because mbedTLS 2.28 completes a key's tables on first use, without a
 * lock. `name` is what a dialler demands of the listener's certificate; NULL makes a listener's,
 * which demands a certificate. NULL when memory is short. */
struct nng_tls_config *tls_config(const struct tls *tls, const char *name);

#endif
