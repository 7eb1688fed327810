#include "tools/tenure/founding.h"

#include "contracts/beacon.h"
#include "contracts/genesis.h"
#include "contracts/members.h"
#include "test/harness.h"
#include "tools/sys/certificate.h"
#include "tools/sys/file.h"
#include "tools/sys/keyfile.h"
#include "tools/sys/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/tenure-founding-XXXXXX";
static struct arena arena;
static struct fault fault;
static struct founding founding;

static void setup_founding(void)
{
    harness_folder(folder);
    arena_init(&arena, 64u << 20);
    founding = (struct founding){.folder = folder,
                                 .name = "test",
                                 .validators = 1,
                                 .port = 7100,
                                 .log_level = "info",
                                 .parameters = parameters_default()};
    founding.accounts[0] =
        (struct founding_account){"alice", MEMBERS_ROLE_PROVIDER, "lab", units_amount(1000), NULL};
    founding.account_count = 1;
}

static const char *path(const char *name)
{
    static char whole[FILE_PATH_SIZE];

    ck_assert_int_eq(file_join(whole, folder, name, &fault), ERR_NONE);
    return whole;
}

/* In the arena, and zero-terminated. */
static struct bytes content(const char *name)
{
    uint8_t *data;
    size_t size;

    ck_assert_int_eq(file_read(&data, &size, path(name), 1u << 20, &fault), ERR_NONE);
    uint8_t *copy = arena_alloc(&arena, size + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, size);
    free(data);
    return bytes_of(copy, size);
}

static enum err make(void)
{
    return founding_make(&arena, &founding, NULL, &fault);
}

START_TEST(genesis_holds_what_was_asked_for)
{
    struct genesis genesis;

    setup_founding();
    ck_assert_int_eq(make(), ERR_NONE);
    ck_assert_int_eq(
        record_unpack(&arena, &genesis_record, &genesis, content("genesis.bin"), &fault), ERR_NONE);
    ck_assert_int_eq(genesis_check(&genesis, &fault), ERR_NONE);
    ck_assert_uint_eq(genesis.validator_count, 1);
    ck_assert_uint_eq(genesis.account_count, 4);
    ck_assert(bytes_equal(genesis.accounts[1].name, bytes_text("alice")));
    ck_assert_uint_eq(genesis.accounts[0].roles, MEMBERS_ROLE_OPERATOR);
    ck_assert_uint_eq(genesis.accounts[2].roles, MEMBERS_ROLE_REPLAYER);
    ck_assert_int_eq(memcmp(&genesis.accounts[3].public_key, &genesis.validators[0].public_key,
                            sizeof(struct sign_public)),
                     0); /* so that the node can submit evidence */
}
END_TEST

START_TEST(keys_open_and_beacon_ends_in_genesis)
{
    struct keyfile_passphrase passphrase;
    struct sign_secret secret;
    struct sign_public public;
    struct genesis genesis;
    struct digest beacon, first, end;
    char source[FILE_PATH_SIZE + 8];
    uint32_t length;

    setup_founding();
    ck_assert_int_eq(make(), ERR_NONE);
    ck_assert_int_eq(
        record_unpack(&arena, &genesis_record, &genesis, content("genesis.bin"), &fault), ERR_NONE);
    snprintf(source, sizeof(source), "file:%s", path("passphrase"));
    ck_assert_int_eq(keyfile_passphrase_read(&passphrase, source, "", false, &fault), ERR_NONE);
    ck_assert_int_eq(keyfile_open(&secret, &public, path("keys/alice.key"), &passphrase, &fault),
                     ERR_NONE);
    ck_assert_int_eq(memcmp(&public, &genesis.accounts[1].public_key, sizeof(public)), 0);
    ck_assert_int_eq(
        keyfile_open(&secret, &public, path("node-0/validator.key"), &passphrase, &fault),
        ERR_NONE);
    ck_assert_int_eq(memcmp(&public, &genesis.validators[0].public_key, sizeof(public)), 0);
    ck_assert_int_eq(founding_beacon_read(&beacon, &length, path("keys/replayer-0.beacon"), &fault),
                     ERR_NONE);
    first = beacon_chain(&beacon, length, 0);
    end = digest_of(first.bytes, sizeof(first.bytes));
    ck_assert(digest_equal(&end, &genesis.validators[0].chain_end));
}
END_TEST

START_TEST(configuration_and_certificate_are_good)
{
    struct settings settings;
    struct bytes node, authority;

    setup_founding();
    ck_assert_int_eq(make(), ERR_NONE);
    ck_assert_int_eq(settings_read(&settings, path("node-0/tenured.ini"), &fault), ERR_NONE);
    ck_assert_str_eq(settings.api_listen, "127.0.0.1:7100");
    ck_assert_str_eq(settings.peers_listen, "127.0.0.1:7101");
    node = content("node-0/node.pem");
    authority = content("authority.pem");
    ck_assert_int_eq(
        certificate_check((const char *)node.data, (const char *)authority.data, &fault), ERR_NONE);
}
END_TEST

START_TEST(chain_is_not_founded_over_another)
{
    setup_founding();
    ck_assert_int_eq(make(), ERR_NONE);
    ck_assert_int_eq(make(), ERR_NOT_NOW);
    ck_assert(strstr(fault.text, "not empty"));
}
END_TEST

START_TEST(names_and_numbers_that_cannot_be_are_refused)
{
    setup_founding();
    founding.accounts[1] = founding.accounts[0];
    founding.account_count = 2;
    ck_assert_int_eq(make(), ERR_USAGE);
    ck_assert_str_eq(fault.text, "two accounts are named \"alice\"");
    founding.accounts[1].name = "operator";
    ck_assert_int_eq(make(), ERR_USAGE);
    founding.accounts[1].name = "../evil";
    ck_assert_int_eq(make(), ERR_USAGE);
    founding.account_count = 1;
    founding.validators = 0;
    ck_assert_int_eq(make(), ERR_USAGE);
    founding.validators = 65;
    ck_assert_int_eq(make(), ERR_USAGE);
    founding.validators = 4;
    founding.port = 65530;
    ck_assert_int_eq(make(), ERR_USAGE);
    founding.port = 0;
    founding.parameters.slash_fraud = 0;
    ck_assert_int_eq(make(), ERR_USAGE);
    ck_assert(!file_exists(path("genesis.bin")));
}
END_TEST

HARNESS_MAIN("founding", genesis_holds_what_was_asked_for, keys_open_and_beacon_ends_in_genesis,
             configuration_and_certificate_are_good, chain_is_not_founded_over_another,
             names_and_numbers_that_cannot_be_are_refused)
