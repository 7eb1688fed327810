/* Certificates for tests of TLS: a CA and what it issues, P-256, made on the spot with libcrypto. */
#ifndef TEST_PEMS_H
#define TEST_PEMS_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct pems {
    char certificate[4096], key[4096]; /* zero-terminated PEM */
};

static void pems_text(char out[4096], BIO *bio)
{
    int size = BIO_read(bio, out, 4095);
    if (size <= 0)
        abort();
    out[size] = 0;
    BIO_free(bio);
}

static void pems_extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (extension == NULL || X509_add_ext(certificate, extension, -1) != 1)
        abort();
    X509_EXTENSION_free(extension);
}

/* A certificate for the DNS name `name` and 127.0.0.1, signed by `authority`, or (NULL) a CA of its
 * own. */
static void pems_make(struct pems *out, const struct pems *authority, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *signer = key;
    X509 *certificate = X509_new(), *issuer = certificate;
    if (authority != NULL) {
        BIO *in = BIO_new_mem_buf(authority->certificate, -1);
        issuer = PEM_read_bio_X509(in, NULL, NULL, NULL);
        BIO_free(in);
        in = BIO_new_mem_buf(authority->key, -1);
        signer = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
        BIO_free(in);
    }
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), authority == NULL ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600L * 24 * 365);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    if (authority == NULL) {
        pems_extend(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
        pems_extend(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
        char names[256] = "IP:127.0.0.1,DNS:";
        strncat(names, name, 128);
        pems_extend(certificate, issuer, NID_subject_alt_name, names);
        pems_extend(certificate, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
    }
    X509_sign(certificate, signer, EVP_sha256());

    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    pems_text(out->certificate, bio);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    pems_text(out->key, bio);
    if (authority != NULL) {
        X509_free(issuer);
        EVP_PKEY_free(signer);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
}

#endif
