#include "net/tls.h"

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <stdlib.h>
#include <string.h>

void tls_release(struct tls *tls)
{
    if (tls->key != NULL)
        explicit_bzero(tls->key, strlen(tls->key));
    free(tls->authority);
    free(tls->certificate);
    free(tls->key);
    memset(tls, 0, sizeof(*tls));
}

enum err tls_init(struct tls *tls, const char *authority, const char *certificate, const char *key,
                  struct fault *fault)
{
    nng_tls_config *config;
    int rv = nng_tls_config_alloc(&config, NNG_TLS_MODE_SERVER);
    if (rv != 0)
        return fault_set(fault, ERR_LIMIT, "TLS can't be used: %s", nng_strerror(rv));
    int rv_authority = nng_tls_config_ca_chain(config, authority, NULL);
    int rv_own = nng_tls_config_own_cert(config, certificate, key, NULL);
    nng_tls_config_free(config);
    if (rv_authority != 0)
        return fault_set(fault, ERR_USAGE, "the CA's certificate can't be read (PEM, X.509)");
    if (rv_own != 0)
        return fault_set(fault, ERR_USAGE,
                         "the node's certificate and key can't be read or don't belong together");

    struct tls copy = {strdup(authority), strdup(certificate), strdup(key)};
    if (copy.authority == NULL || copy.certificate == NULL || copy.key == NULL) {
        tls_release(&copy);
        return fault_set(fault, ERR_LIMIT, "out of memory");
    }
    *tls = copy;
    return ERR_NONE;
}

struct nng_tls_config *tls_config(const struct tls *tls, const char *name)
{
    nng_tls_config *config;
    nng_tls_mode mode = name == NULL ? NNG_TLS_MODE_SERVER : NNG_TLS_MODE_CLIENT;
    if (nng_tls_config_alloc(&config, mode) != 0)
        return NULL;
    if (nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED) != 0 ||
        nng_tls_config_ca_chain(config, tls->authority, NULL) != 0 ||
        nng_tls_config_own_cert(config, tls->certificate, tls->key, NULL) != 0 ||
        (name != NULL && nng_tls_config_server_name(config, name) != 0)) {
        nng_tls_config_free(config);
        return NULL;
    }
    return config;
}
