#include "tools/sys/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/check.h"
#include "base/record.h"
#include "tools/sys/file.h"
#include "tools/sys/random.h"

#define KEYFILE_FORMAT     "tenure-key/1"
#define KEYFILE_BYTES_MAX  1024
#define KEYFILE_SALT_SIZE  16
#define KEYFILE_NONCE_SIZE 12
#define KEYFILE_TAG_SIZE   16
/* What is written: 32 MiB and about a tenth of a second a guess. */
#define KEYFILE_LOG2_N 15
#define KEYFILE_R      8
#define KEYFILE_P      1
/* What is read: at most 1 GiB, so that a foreign file can't take all memory. */
#define KEYFILE_LOG2_N_MAX 20
#define KEYFILE_R_MAX      8
#define KEYFILE_P_MAX      16
#define KEYFILE_MEMORY_MAX ((1ull << 30) + (1u << 20))

struct keyfile {
    struct bytes format;
    uint8_t log2_n, r, p;
    uint8_t salt[KEYFILE_SALT_SIZE];
    uint8_t nonce[KEYFILE_NONCE_SIZE];
    struct sign_public public;
    uint8_t sealed[SIGN_SECRET_SIZE + KEYFILE_TAG_SIZE];
};

static const struct record_field keyfile_fields[] = {
    RECORD_TEXT(struct keyfile, format, 32),
    RECORD_UINT_MAX(struct keyfile, log2_n, KEYFILE_LOG2_N_MAX),
    RECORD_UINT_MAX(struct keyfile, r, KEYFILE_R_MAX),
    RECORD_UINT_MAX(struct keyfile, p, KEYFILE_P_MAX),
    RECORD_FIXED(struct keyfile, salt, RECORD_AS_HEX),
    RECORD_FIXED(struct keyfile, nonce, RECORD_AS_HEX),
    RECORD_FIXED(struct keyfile, public, RECORD_AS_HEX),
    RECORD_FIXED(struct keyfile, sealed, RECORD_AS_HEX),
};
static const struct record keyfile_record = RECORD(struct keyfile, "key file", keyfile_fields);

void keyfile_passphrase_clear(struct keyfile_passphrase *passphrase)
{
    OPENSSL_cleanse(passphrase, sizeof(*passphrase));
}

/* One line from a descriptor, byte by byte, so that what follows stays for others. */
static enum err keyfile_line(struct keyfile_passphrase *out, int descriptor, const char *source,
                             struct fault *fault)
{
    out->size = 0;
    for (;;) {
        char next;
        ssize_t got = read(descriptor, &next, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fault_set(fault, ERR_IO, "passphrase from %s: %s", source, strerror(errno));
        if (got == 0 || next == '\n')
            break;
        if (out->size == sizeof(out->text) - 1)
            return fault_set(fault, ERR_USAGE, "passphrase from %s: longer than %zu characters",
                             source, sizeof(out->text) - 1);
        out->text[out->size++] = next;
    }
    if (out->size > 0 && out->text[out->size - 1] == '\r')
        out->size--;
    out->text[out->size] = 0;
    if (out->size == 0)
        return fault_set(fault, ERR_USAGE, "passphrase from %s: is empty", source);
    return ERR_NONE;
}

static enum err keyfile_ask(struct keyfile_passphrase *out, const char *prompt, struct fault *fault)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    struct termios before, silent;
    if (terminal < 0 || tcgetattr(terminal, &before) != 0) {
        if (terminal >= 0)
            close(terminal);
        return fault_set(fault, ERR_IO,
                         "no terminal to ask for the passphrase of %s; give file:PATH or fd:NUMBER",
                         prompt);
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(terminal, TCSAFLUSH, &silent);
    dprintf(terminal, "Passphrase of %s: ", prompt);
    enum err err = keyfile_line(out, terminal, "terminal", fault);
    tcsetattr(terminal, TCSAFLUSH, &before);
    dprintf(terminal, "\n");
    close(terminal);
    return err;
}

static enum err keyfile_ask_twice(struct keyfile_passphrase *out, const char *prompt,
                                  struct fault *fault)
{
    struct keyfile_passphrase again;
    enum err err = keyfile_ask(out, prompt, fault);
    if (!err)
        err = keyfile_ask(&again, prompt, fault);
    if (!err && (again.size != out->size || memcmp(again.text, out->text, out->size) != 0))
        err = fault_set(fault, ERR_USAGE, "the two passphrases differ");
    keyfile_passphrase_clear(&again);
    return err;
}

enum err keyfile_passphrase_read(struct keyfile_passphrase *passphrase, const char *source,
                                 const char *prompt, bool confirm, struct fault *fault)
{
    if (strcmp(source, "terminal") == 0)
        return confirm ? keyfile_ask_twice(passphrase, prompt, fault)
                       : keyfile_ask(passphrase, prompt, fault);
    if (strncmp(source, "file:", 5) == 0) {
        int descriptor = open(source + 5, O_RDONLY | O_CLOEXEC);
        if (descriptor < 0)
            return fault_set(fault, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
                             "passphrase file %s: %s", source + 5, strerror(errno));
        enum err err = keyfile_line(passphrase, descriptor, source, fault);
        close(descriptor);
        return err;
    }
    char *end;
    long number = strncmp(source, "fd:", 3) == 0 ? strtol(source + 3, &end, 10) : -1;
    if (number < 0 || number > 65535 || end == source + 3 || *end != 0)
        return fault_set(fault, ERR_USAGE,
                         "passphrase source \"%s\": give terminal, file:PATH or fd:NUMBER", source);
    return keyfile_line(passphrase, (int)number, source, fault);
}

/* The key that seals. False when there is no memory for scrypt. */
static bool keyfile_key(uint8_t key[32], const struct keyfile *file,
                        const struct keyfile_passphrase *passphrase)
{
    return EVP_PBE_scrypt(passphrase->text, passphrase->size, file->salt, sizeof(file->salt),
                          1ull << file->log2_n, file->r, file->p, KEYFILE_MEMORY_MAX, key, 32) == 1;
}

/* Seals or opens; the parameters and the public key are bound as associated data. False when the
 * tag is wrong. */
static bool keyfile_cipher(uint8_t *out, const struct keyfile *file, const uint8_t key[32],
                           const uint8_t *in, uint8_t *tag, bool seal)
{
    int size;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    CHECK(context != NULL);
    bool ok = EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, file->nonce, seal) == 1 &&
              EVP_CipherUpdate(context, NULL, &size, file->public.bytes, SIGN_PUBLIC_SIZE) == 1 &&
              EVP_CipherUpdate(context, out, &size, in, SIGN_SECRET_SIZE) == 1;
    if (ok && !seal)
        ok = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, KEYFILE_TAG_SIZE, tag) == 1;
    uint8_t rest[16];
    ok = ok && EVP_CipherFinal_ex(context, rest, &size) == 1;
    if (ok && seal)
        ok = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, KEYFILE_TAG_SIZE, tag) == 1;
    EVP_CIPHER_CTX_free(context);
    return ok;
}

enum err keyfile_create(const char *path, const struct sign_secret *secret,
                        const struct keyfile_passphrase *passphrase, struct fault *fault)
{
    struct keyfile file = {.format = bytes_text(KEYFILE_FORMAT),
                           .log2_n = KEYFILE_LOG2_N,
                           .r = KEYFILE_R,
                           .p = KEYFILE_P};
    CHECK(sign_public_of(&file.public, secret));
    random_fill(file.salt, sizeof(file.salt));
    random_fill(file.nonce, sizeof(file.nonce));

    uint8_t key[32];
    if (!keyfile_key(key, &file, passphrase))
        return fault_set(fault, ERR_LIMIT, "%s: no memory for scrypt", path);
    bool sealed = keyfile_cipher(file.sealed, &file, key, secret->bytes,
                                 file.sealed + SIGN_SECRET_SIZE, true);
    OPENSSL_cleanse(key, sizeof(key));
    CHECK(sealed);

    uint8_t packed[KEYFILE_BYTES_MAX];
    struct pack_writer writer;
    pack_init(&writer, packed, sizeof(packed));
    record_pack(&writer, &keyfile_record, &file);
    CHECK(!writer.failed);
    return file_create(path, bytes_of(packed, writer.used), 0600, fault);
}

/* Reads and unpacks; `file` borrows nothing that is used later. */
static enum err keyfile_load(struct keyfile *file, const char *path, struct fault *fault)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
        return fault_set(fault, ERR_USAGE, "key file %s: others may read it; run: chmod 600 %s",
                         path, path);
    uint8_t *data;
    size_t size;
    struct fault inner;
    enum err err = file_read(&data, &size, path, KEYFILE_BYTES_MAX, &inner);
    if (err == ERR_LIMIT)
        return fault_set(fault, ERR_MALFORMED, "key file %s: is not a key file of Tenure", path);
    if (err)
        return fault_set(fault, err, "key file %s", inner.text);
    err = record_unpack(NULL, &keyfile_record, file, bytes_of(data, size), NULL);
    if (!err && !bytes_equal(file->format, bytes_text(KEYFILE_FORMAT)))
        err = ERR_MALFORMED;
    free(data);
    if (err || file->log2_n == 0 || file->r == 0 || file->p == 0)
        return fault_set(fault, ERR_MALFORMED, "key file %s: is not a key file of Tenure", path);
    return ERR_NONE;
}

enum err keyfile_open(struct sign_secret *secret, struct sign_public *public, const char *path,
                      const struct keyfile_passphrase *passphrase, struct fault *fault)
{
    struct keyfile file;
    enum err err = keyfile_load(&file, path, fault);
    if (err)
        return err;
    uint8_t key[32];
    if (!keyfile_key(key, &file, passphrase))
        return fault_set(fault, ERR_LIMIT, "key file %s: no memory for scrypt", path);

    struct sign_secret opened;
    struct sign_public of_opened;
    bool ok = keyfile_cipher(opened.bytes, &file, key, file.sealed, file.sealed + SIGN_SECRET_SIZE,
                             false) &&
              sign_public_of(&of_opened, &opened) &&
              memcmp(&of_opened, &file.public, sizeof(of_opened)) == 0;
    OPENSSL_cleanse(key, sizeof(key));
    if (ok) {
        *secret = opened;
        *public = of_opened;
    }
    sign_secret_clear(&opened);
    if (!ok)
        return fault_set(fault, ERR_SIGNATURE,
                         "key file %s: wrong passphrase, or the file was changed", path);
    return ERR_NONE;
}

enum err keyfile_public(struct sign_public *public, const char *path, struct fault *fault)
{
    struct keyfile file;
    enum err err = keyfile_load(&file, path, fault);
    if (!err)
        *public = file.public;
    return err;
}
