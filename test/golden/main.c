/* Prints the golden vectors: lines of "name value" that pin what is hashed, signed, stored and sent. `make golden` writes them to
 * test/golden/vectors.txt, and `make check` compares: a change of a format is a difference to review.
 *
 *     golden                    the vectors
 *     golden --samples FOLDER   a file a record for the fuzz target fuzz_record to start from */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/merkle.h"
#include "base/sign.h"
#include "test/fuzz/records.h"
#include "test/fuzz/specimen.h"

#define LEAVES     7
#define SAMPLES    2
#define PACKED_MAX (1 << 20)
#define SHOWN_MAX  160 /* bytes; a longer sample is shown by its size and digest */

static void print_hex(const char *name, const void *data, size_t size)
{
    char hex[2 * SHOWN_MAX + 1];
    bytes_to_hex(hex, bytes_of(data, size));
    printf("%s %s\n", name, hex);
}

static void print_base(void)
{
    struct sign_secret secret = {{[31] = 7}};
    struct sign_public public;
    if (!sign_public_of(&public, &secret))
        abort();
    struct digest chain = digest_of("genesis", 7);
    struct digest signed_digest = sign_digest(SIGN_DOMAIN_TX, &chain, bytes_text("body"));
    struct sign_signature signature = sign_make(&secret, &signed_digest);
    struct address address = address_of(&public);
    char text[ADDRESS_TEXT_SIZE];
    address_text(text, &address);
    print_hex("public", public.bytes, sizeof(public.bytes));
    printf("address %s\n", text);
    print_hex("signed", signed_digest.bytes, sizeof(signed_digest.bytes));
    print_hex("signature", signature.bytes, sizeof(signature.bytes));

    struct merkle merkle;
    merkle_init(&merkle);
    for (uint8_t i = 0; i < LEAVES; i++) {
        struct digest leaf = merkle_leaf(&i, 1);
        merkle_add(&merkle, &leaf);
        struct digest root = merkle_end(&merkle);
        char name[32];
        snprintf(name, sizeof(name), "merkle/%d", i + 1);
        print_hex(name, root.bytes, sizeof(root.bytes));
    }
}

static struct bytes sample(const struct record *record, uint64_t seed)
{
    static uint8_t packed[PACKED_MAX];
    struct pack_writer writer;
    pack_init(&writer, packed, sizeof(packed));
    specimen_pack(&writer, record, &seed);
    if (writer.failed)
        abort();
    return bytes_of(packed, writer.used);
}

static void print_record(const struct records_entry *entry, uint64_t seed)
{
    char name[128];
    snprintf(name, sizeof(name), "%s/%" PRIu64, entry->name, seed);
    struct bytes packed = sample(entry->record, seed);
    if (packed.size <= SHOWN_MAX) {
        print_hex(name, packed.data, packed.size);
        return;
    }
    char digest_hex[DIGEST_TEXT_SIZE];
    struct digest digest = digest_of(packed.data, packed.size);
    digest_text(digest_hex, &digest);
    printf("%s %zu bytes, SHA-256 %s\n", name, packed.size, digest_hex);
}

static bool write_sample(const char *folder, const struct records_entry *entry)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, entry->name);
    struct bytes packed = sample(entry->record, 0);
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    fprintf(file, "%s\n", entry->name);
    fwrite(packed.data, 1, packed.size, file);
    return fclose(file) == 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--samples") == 0) {
        for (size_t i = 0; i < records_count; i++) {
            if (!write_sample(argv[2], &records_all[i])) {
                perror(argv[2]);
                return EXIT_FAILURE;
            }
        }
        return EXIT_SUCCESS;
    }
    print_base();
    for (size_t i = 0; i < records_count; i++) {
        for (uint64_t seed = 0; seed < SAMPLES; seed++)
            print_record(&records_all[i], seed);
    }
    return EXIT_SUCCESS;
}
