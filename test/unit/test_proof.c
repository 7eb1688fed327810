#include "tools/tenure/proof.h"

#include "base/sign.h"
#include "consensus/ballot.h"
#include "contracts/genesis.h"
#include "contracts/members.h"
#include "contracts/validator.h"
#include "ledger/block.h"
#include "ledger/sparse.h"
#include "test/harness.h"

#include <string.h>

static struct arena arena;
static struct fault fault;

/* --- keys --- */

START_TEST(key_is_read_as_it_is_shown)
{
    static const uint8_t job[] = {'j', 'o', 'b', '/', 0, 0, 0, 0, 0, 0, 0, 3};
    static const uint8_t slot[] = {'s', 'l', 'o', 't', '/', 0, 0, 0, 0, 0, 0, 0, 3, 1, 2};
    struct bytes key;

    arena_init(&arena, 1u << 20);
    ck_assert_int_eq(proof_parse_key(&arena, &key, "job/3", &fault), ERR_NONE);
    ck_assert(bytes_equal(key, bytes_of(job, sizeof(job))));
    ck_assert_int_eq(proof_parse_key(&arena, &key, "slot/3/258", &fault), ERR_NONE);
    ck_assert(bytes_equal(key, bytes_of(slot, sizeof(slot))));
    ck_assert_int_eq(proof_parse_key(&arena, &key, "supply", &fault), ERR_NONE);
    ck_assert(bytes_equal(key, bytes_text("supply")));
}
END_TEST

START_TEST(wrong_key_is_refused)
{
    static const char *const wrong[] = {"job/",         "job/x",         "job/1/2",   "slot/3",
                                        "slot/3/65536", "slot/3/1/",     "nothing/1", "supply/1",
                                        "account/3",    "validator/256", ""};
    struct bytes key;

    arena_init(&arena, 1u << 20);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(proof_parse_key(&arena, &key, wrong[i], &fault) == ERR_USAGE, "%s", wrong[i]);
}
END_TEST

/* --- proofs: a chain of one validator whose state has one key --- */

#define KEY   "supply"
#define VALUE "what it says"

static struct sign_secret secret = {{1}};
static struct genesis_validator validator;
static struct genesis_account account;
static struct genesis genesis;
static struct bytes genesis_raw;
static struct block_header header;
static struct certificate certificate;
static struct sparse_proof path;
static struct bytes key, value;

/* A signature of the certificate's ballot, as COMMIT or PREPARE. */
static void sign_ballot(const char *domain)
{
    static struct sign_signature signature;
    uint8_t body[BOUNDS_BALLOT_BYTES];
    size_t size = ballot_pack(body, &certificate.ballot);
    struct digest digest = sign_digest(domain, &header.chain, bytes_of(body, size));

    signature = sign_make(&secret, &digest);
    certificate.voters = 1;
    certificate.signatures = bytes_of(signature.bytes, sizeof(signature.bytes));
}

static void found(void)
{
    struct sign_secret other = {{2}};

    arena_init(&arena, 1u << 20);
    ck_assert(sign_public_of(&validator.public_key, &secret));
    ck_assert(sign_public_of(&account.public_key, &other));
    account.roles = MEMBERS_ROLE_OPERATOR | MEMBERS_ROLE_REPLAYER;
    validator.name = bytes_text("node-0");
    validator.replayer = address_of(&account.public_key);
    validator.chain_end.bytes[0] = 1;
    genesis = (struct genesis){.version = GENESIS_VERSION,
                               .name = bytes_text("test"),
                               .time_ms = 1,
                               .parameters = parameters_default(),
                               .validators = &validator,
                               .validator_count = 1,
                               .accounts = &account,
                               .account_count = 1};
    ck_assert_msg(genesis_check(&genesis, &fault) == ERR_NONE, "%s", fault.text);
    genesis_raw = record_bytes(&arena, &genesis_record, &genesis);
}

static void make(void)
{
    struct validator_member members[LIMIT_VALIDATORS];
    struct validator_set set;
    struct digest key_digest, value_digest;
    uint8_t packed[BLOCK_HEADER_BYTES];

    found();
    set = genesis_set(members, &genesis);
    key = bytes_text(KEY);
    value = bytes_text(VALUE);
    key_digest = digest_of(key.data, key.size);
    value_digest = digest_of(value.data, value.size);
    header = (struct block_header){.version = BLOCK_VERSION,
                                   .chain = digest_of(genesis_raw.data, genesis_raw.size),
                                   .height = 7,
                                   .time_ms = 99,
                                   .state_root = sparse_page_leaf(&key_digest, &value_digest)};
    header.set_digest = header.next_set_digest = validator_set_digest(&arena, &set);
    path = (struct sparse_proof){.end = SPARSE_END_SELF};
    certificate.ballot = (struct ballot){.set = header.set_digest, .height = {7}};
    block_header_pack(packed, &certificate.ballot.digest, &header);
    sign_ballot(SIGN_DOMAIN_COMMIT);
}

static void add_hex(struct text *text, const char *name, struct bytes raw)
{
    char *hex = arena_alloc(&arena, 2 * raw.size + 1);

    bytes_to_hex(hex, raw);
    text_add(text, ",\"%s\":\"%s\"", name, hex);
}

/* Puts the parts into a file and checks it. */
static enum err check(struct proof_fact *fact)
{
    uint8_t packed[BLOCK_HEADER_BYTES];
    struct answer *root = NULL;
    struct digest digest;
    struct text text;
    size_t size = block_header_pack(packed, &digest, &header);
    enum err err;

    text_init(&text, 1u << 20);
    text_add(&text, "{\"height\":7");
    add_hex(&text, "key", key);
    if (value.size)
        add_hex(&text, "value", value);
    add_hex(&text, "header_packed", bytes_of(packed, size));
    add_hex(&text, "certificate_packed",
            record_bytes(&arena, &ballot_certificate_record, &certificate));
    add_hex(&text, "proof_packed", record_bytes(&arena, &sparse_proof_record, &path));
    text_add(&text, "}");
    ck_assert_int_eq(answer_parse(&root, bytes_text(text_string(&text)), &fault), ERR_NONE);
    err = proof_check(&arena, fact, root, genesis_raw, &fault);
    answer_free(root);
    text_release(&text);
    return err;
}

START_TEST(true_proof_is_accepted)
{
    struct proof_fact fact;

    make();
    ck_assert_msg(check(&fact) == ERR_NONE, "%s", fault.text);
    ck_assert_uint_eq(fact.height, 7);
    ck_assert_uint_eq(fact.signatures, 1);
    ck_assert(bytes_equal(fact.value, bytes_text(VALUE)));
}
END_TEST

START_TEST(absence_is_proven_by_the_neighbour)
{
    struct proof_fact fact;

    make();
    path.end = SPARSE_END_OTHER;
    path.other_key = digest_of(key.data, key.size);
    path.other_value = digest_of(value.data, value.size);
    key = bytes_text("treasury");
    value = bytes_of(NULL, 0);
    ck_assert_msg(check(&fact) == ERR_NONE, "%s", fault.text);
    ck_assert_uint_eq(fact.value.size, 0);
    key = bytes_text(KEY);
    ck_assert_int_eq(check(&fact), ERR_MISMATCH);
}
END_TEST

START_TEST(other_value_is_refused)
{
    struct proof_fact fact;

    make();
    value = bytes_text("what it doesn't say");
    ck_assert_int_eq(check(&fact), ERR_MISMATCH);
    ck_assert(strstr(fault.text, "path"));
}
END_TEST

START_TEST(changed_header_is_refused)
{
    struct proof_fact fact;

    make();
    header.time_ms++;
    ck_assert_int_eq(check(&fact), ERR_MISMATCH);
    ck_assert(strstr(fault.text, "another header"));
}
END_TEST

START_TEST(vote_of_another_kind_or_key_is_refused)
{
    struct proof_fact fact;

    make();
    sign_ballot(SIGN_DOMAIN_PREPARE);
    ck_assert_int_eq(check(&fact), ERR_SIGNATURE);
    secret.bytes[0] = 3;
    sign_ballot(SIGN_DOMAIN_COMMIT);
    ck_assert_int_eq(check(&fact), ERR_SIGNATURE);
}
END_TEST

START_TEST(other_chain_is_refused)
{
    struct proof_fact fact;

    make();
    genesis.time_ms++;
    genesis_raw = record_bytes(&arena, &genesis_record, &genesis);
    ck_assert_int_eq(check(&fact), ERR_MISMATCH);
    ck_assert(strstr(fault.text, "another chain"));
}
END_TEST

HARNESS_MAIN("proof", key_is_read_as_it_is_shown, wrong_key_is_refused, true_proof_is_accepted,
             absence_is_proven_by_the_neighbour, other_value_is_refused, changed_header_is_refused,
             vote_of_another_kind_or_key_is_refused, other_chain_is_refused)
