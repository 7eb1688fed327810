#include "tools/tenured/court.h"

#include "test/unit/town.h"
#include "tools/tenured/signer.h"

static struct town town;
static struct signer signer;
static struct validator_member member;
static struct validator_set set;
static struct ballot ballot;

static void start(void)
{
    town_init(&town);
    signer = (struct signer){town.secrets[0], town.publics[0], town.chain_digest};
    member = (struct validator_member){0, town.publics[0]};
    set = (struct validator_set){1, 1, &member, 1};
    ballot = (struct ballot){.set = validator_set_digest(&town.arena, &set), .height = {5}};
}

/* A PREPARE for the block of this name. */
static struct bytes prepare(const char *block)
{
    uint8_t body[BOUNDS_BALLOT_BYTES];
    ballot.digest = digest_of(block, strlen(block));
    size_t size = ballot_pack(body, &ballot);
    return signer_seal(&town.arena, &signer, (struct seat){0}, MESSAGE_PREPARE,
                       bytes_of(body, size));
}

static bool proves(struct bytes first, struct bytes second)
{
    struct evidence evidence = {first, second};
    struct contracts_finding finding;
    struct digest named;
    struct bytes packed = record_bytes(&town.arena, &evidence_record, &evidence);
    ck_assert(court_judge.read(&named, packed));
    ck_assert(digest_equal(&named, &ballot.set));
    return court_judge.find(&finding, &town.chain_digest, &set, packed) && finding.place == 0 &&
           finding.kind == EVIDENCE_TWO_STATEMENTS && finding.height == 5;
}

START_TEST(two_statements_of_one_key_are_proof_and_one_is_none)
{
    start();
    ck_assert(proves(prepare("a"), prepare("b")));
    ck_assert(!proves(prepare("a"), prepare("a")));
    struct bytes honest = prepare("a");
    signer.secret = town.secrets[1]; /* somebody else's hand */
    ck_assert(!proves(honest, prepare("b")));
    town_release(&town);
}
END_TEST

START_TEST(nonsense_is_no_evidence)
{
    start();
    struct digest named;
    ck_assert(!court_judge.read(&named, bytes_text("nonsense")));
    town_release(&town);
}
END_TEST

HARNESS_MAIN("court", two_statements_of_one_key_are_proof_and_one_is_none, nonsense_is_no_evidence)
