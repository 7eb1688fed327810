#include "tools/sys/certificate.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The upper bound of a common name (RFC 5280, ub-common-name). */
#define NAME_SIZE_MAX 64

#define DAY_S 86400

/* The subject alternative names as X509V3_EXT_conf_nid takes them: "DNS:x,IP:y". */
#define NAMES_TEXT_SIZE (CERTIFICATE_HOSTS_MAX * (NAME_SIZE_MAX + 6))

static bool is_host(const char *text)
{
    size_t size = strlen(text);

    if (size == 0 || size > NAME_SIZE_MAX)
        return false;
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:") ==
           size;
}

static bool is_ip(const char *text)
{
    unsigned char raw[16];

    return inet_pton(AF_INET, text, raw) == 1 || inet_pton(AF_INET6, text, raw) == 1;
}

static bool add_extension(X509 *x509, X509V3_CTX *context, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
    bool ok = extension && X509_add_ext(x509, extension, -1);

    X509_EXTENSION_free(extension);
    return ok;
}

/* 127 random bits: unique without a counter, and never negative (RFC 5280 4.1.2.2). */
static bool set_serial(X509 *x509)
{
    unsigned char raw[16];
    BIGNUM *number = NULL;
    bool ok = RAND_bytes(raw, sizeof(raw)) == 1;

    raw[0] = (unsigned char)((raw[0] & 0x7f) | 0x40);
    ok = ok && (number = BN_bin2bn(raw, sizeof(raw), NULL)) &&
         BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
    BN_free(number);
    return ok;
}

static bool set_common(X509 *x509, EVP_PKEY *key, const char *name, unsigned days)
{
    X509_NAME *subject = X509_get_subject_name(x509);

    return X509_set_version(x509, 2) && set_serial(x509) &&
           X509_gmtime_adj(X509_getm_notBefore(x509), -DAY_S) &&
           X509_gmtime_adj(X509_getm_notAfter(x509), (long)days * DAY_S) &&
           X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const unsigned char *)"Tenure",
                                      -1, -1, 0) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                      -1, 0) &&
           X509_set_pubkey(x509, key);
}

/* Everything that tells a CA from a node. `issuer` is `x509` itself for a CA; `names` is NULL then.
 */
static bool set_purpose(X509 *x509, X509 *issuer, const char *names)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    if (!names)
        return add_extension(x509, &context, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
               add_extension(x509, &context, NID_key_usage, "critical,keyCertSign,cRLSign") &&
               add_extension(x509, &context, NID_subject_key_identifier, "hash");
    return add_extension(x509, &context, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x509, &context, NID_key_usage, "critical,digitalSignature") &&
           add_extension(x509, &context, NID_ext_key_usage, "serverAuth,clientAuth") &&
           add_extension(x509, &context, NID_subject_key_identifier, "hash") &&
           add_extension(x509, &context, NID_authority_key_identifier, "keyid") &&
           add_extension(x509, &context, NID_subject_alt_name, names);
}

static bool read_bio(char out[CERTIFICATE_PEM_SIZE], BIO *bio)
{
    int size = BIO_read(bio, out, CERTIFICATE_PEM_SIZE);

    if (size <= 0 || size >= CERTIFICATE_PEM_SIZE)
        return false;
    out[size] = 0;
    return true;
}

static bool write_pem(struct certificate *out, X509 *x509, EVP_PKEY *key)
{
    BIO *bio_pem = BIO_new(BIO_s_mem()), *bio_key = BIO_new(BIO_s_secmem());
    bool ok = bio_pem && bio_key && PEM_write_bio_X509(bio_pem, x509) &&
              PEM_write_bio_PKCS8PrivateKey(bio_key, key, NULL, NULL, 0, NULL, NULL) &&
              read_bio(out->pem, bio_pem) && read_bio(out->key, bio_key);

    BIO_free(bio_pem);
    BIO_free(bio_key);
    return ok;
}

static X509 *read_x509(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x509 = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return x509;
}

/* A key file with a passphrase is no key of ours: an empty one is offered, so that nothing asks at
 * the terminal. */
static EVP_PKEY *read_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;

    BIO_free(bio);
    return key;
}

/* Makes a key, fills and signs its certificate. Without `issuer` it signs itself. */
static enum err make(struct certificate *out, X509 *issuer, EVP_PKEY *issuer_key, const char *name,
                     const char *names, unsigned days, struct fault *fault)
{
    struct certificate made;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    X509 *by = issuer ? issuer : x509;
    bool ok =
        key && x509 && set_common(x509, key, name, days) &&
        X509_set_issuer_name(x509, X509_get_subject_name(by)) && set_purpose(x509, by, names) &&
        X509_sign(x509, issuer ? issuer_key : key, EVP_sha256()) && write_pem(&made, x509, key);

    X509_free(x509);
    EVP_PKEY_free(key);
    if (!ok)
        return fault_set(fault, ERR_IO, "libcrypto could not make the certificate of \"%s\"", name);
    *out = made;
    certificate_clear(&made);
    return ERR_NONE;
}

enum err certificate_authority(struct certificate *out, const char *name, unsigned days,
                               struct fault *fault)
{
    if (!name[0] || strlen(name) > NAME_SIZE_MAX)
        return fault_set(fault, ERR_USAGE, "the name of a certificate authority has 1 to %d bytes",
                         NAME_SIZE_MAX);
    return make(out, NULL, NULL, name, NULL, days, fault);
}

static enum err join_names(char names[NAMES_TEXT_SIZE], const char *name, const char *const hosts[],
                           unsigned host_count, struct fault *fault)
{
    size_t used;

    if (!is_host(name) || is_ip(name))
        return fault_set(fault, ERR_USAGE,
                         "\"%s\" is no name for a node: use letters, digits, '-' and '.'", name);
    if (host_count >= CERTIFICATE_HOSTS_MAX)
        return fault_set(fault, ERR_USAGE, "a certificate names at most %d hosts",
                         CERTIFICATE_HOSTS_MAX - 1);
    used = (size_t)snprintf(names, NAMES_TEXT_SIZE, "DNS:%s", name);
    for (unsigned i = 0; i < host_count; i++) {
        if (!is_host(hosts[i]))
            return fault_set(fault, ERR_USAGE, "\"%s\" is no host name or IP address", hosts[i]);
        used += (size_t)snprintf(names + used, NAMES_TEXT_SIZE - used, ",%s:%s",
                                 is_ip(hosts[i]) ? "IP" : "DNS", hosts[i]);
    }
    return ERR_NONE;
}

enum err certificate_issue(struct certificate *out, const struct certificate *authority,
                           const char *name, const char *const hosts[], unsigned host_count,
                           unsigned days, struct fault *fault)
{
    char names[NAMES_TEXT_SIZE];
    enum err err = join_names(names, name, hosts, host_count, fault);
    X509 *issuer = NULL;
    EVP_PKEY *key = NULL;

    if (err)
        return err;
    issuer = read_x509(authority->pem);
    key = read_key(authority->key);
    if (!issuer || !key)
        err = fault_set(fault, ERR_MALFORMED, "the authority's %s is no PEM text of one",
                        issuer ? "key" : "certificate");
    else if (!X509_check_private_key(issuer, key))
        err =
            fault_set(fault, ERR_MISMATCH, "the authority's key is not the key of its certificate");
    else
        err = make(out, issuer, key, name, names, days, fault);
    X509_free(issuer);
    EVP_PKEY_free(key);
    return err;
}

enum err certificate_check(const char *pem, const char *authority_pem, struct fault *fault)
{
    X509 *x509 = read_x509(pem), *authority = read_x509(authority_pem);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    enum err err = ERR_NONE;

    if (!x509 || !authority)
        err = fault_set(fault, ERR_MALFORMED, "the %s is no PEM text of a certificate",
                        x509 ? "authority" : "certificate");
    else if (!store || !context || !X509_STORE_add_cert(store, authority) ||
             !X509_STORE_CTX_init(context, store, x509, NULL))
        err = fault_set(fault, ERR_IO, "libcrypto could not check a certificate");
    else if (X509_verify_cert(context) != 1)
        err =
            fault_set(fault, ERR_SIGNATURE, "the certificate is not valid under this authority: %s",
                      X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(authority);
    X509_free(x509);
    return err;
}

void certificate_clear(struct certificate *certificate)
{
    OPENSSL_cleanse(certificate, sizeof(*certificate));
}
