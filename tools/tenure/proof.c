#include "tools/tenure/proof.h"

#include "base/check.h"
#include "consensus/ballot.h"
#include "consensus/committee.h"
#include "consensus/verify.h"
#include "contracts/catalog.h"
#include "contracts/genesis.h"
#include "contracts/path.h"
#include "contracts/validator.h"
#include "ledger/block.h"
#include "ledger/sparse.h"
#include "tools/sys/electorate.h"
#include "tools/tenure/cli.h"

#include <string.h>

/* --- keys --- */

/* Appends the next part of a key, which ends at a slash or the text's end, in the form that `kind` names. */
static bool add_part(struct path *path, const char *kind, size_t kind_size, const char *text,
                     size_t size)
{
    char part[64];
    struct address address;
    uint64_t number, max;

    if (size == 0 || size >= sizeof(part))
        return false;
    memcpy(part, text, size);
    part[size] = 0;
    if (kind_size == 7 && !memcmp(kind, "address", 7)) {
        if (!address_parse(&address, part))
            return false;
        path_address(path, &address);
        return true;
    }
    max = kind_size == 2            ? UINT8_MAX
          : !memcmp(kind, "u16", 3) ? UINT16_MAX
          : !memcmp(kind, "u32", 3) ? UINT32_MAX
                                    : UINT64_MAX;
    if (kind[0] != 'u' || !cli_parse_number(&number, part, 0, max))
        return false;
    if (max == UINT8_MAX)
        path_u8(path, (uint8_t)number);
    else if (max == UINT16_MAX)
        path_u16(path, (uint16_t)number);
    else if (max == UINT32_MAX)
        path_u32(path, (uint32_t)number);
    else
        path_u64(path, number);
    return true;
}

static bool add_parts(struct path *path, const char *kinds, const char *text)
{
    while (*kinds) {
        size_t kind_size = strcspn(kinds, " "), size = strcspn(text, "/");
        if (!add_part(path, kinds, kind_size, text, size))
            return false;
        kinds += kind_size + (kinds[kind_size] == ' ');
        text += size;
        if (*kinds && *text++ != '/')
            return false;
    }
    return *text == 0;
}

enum err proof_parse_key(struct arena *arena, struct bytes *key, const char *text,
                         struct fault *fault)
{
    for (uint32_t i = 0; i < catalog_state_count; i++) {
        const struct catalog_state *state = &catalog_states[i];
        size_t size = strlen(state->word);
        struct path path = path_of(state->word);
        void *copy;
        if (strncmp(text, state->word, size))
            continue;
        if (!add_parts(&path, state->key, text + size)) {
            if (state->key[0] == 0)
                continue;
            return fault_set(fault, ERR_USAGE,
                             "\"%s\" is no key: after %s comes %s, separated by slashes", text,
                             state->word, state->key);
        }
        copy = arena_copy(arena, path.bytes, path.size);
        CHECK(copy != NULL);
        *key = bytes_of(copy, path.size);
        return ERR_NONE;
    }
    return fault_set(
        fault, ERR_USAGE,
        "\"%s\" is no key of the state, such as job/1, result/1/0/2/0 or account/tnr1...", text);
}

/* --- proofs --- */

/* What the file holds, unpacked. */
struct parts {
    struct genesis genesis;
    struct block_header header;
    struct certificate certificate;
    struct sparse_proof proof;
    struct digest header_digest;
};

static enum err member(struct arena *arena, struct bytes *out, const struct answer *file,
                       const char *name, struct fault *fault)
{
    const char *text = answer_text(file, name);
    size_t size = strlen(text);
    uint8_t *raw = arena_alloc(arena, size / 2);

    if (!raw || size == 0 || size % 2 || !bytes_from_hex(raw, size / 2, text))
        return fault_set(fault, ERR_MALFORMED, "the proof has no hexadecimal \"%s\"", name);
    *out = bytes_of(raw, size / 2);
    return ERR_NONE;
}

static enum err read_parts(struct arena *arena, struct parts *parts, struct proof_fact *fact,
                           const struct answer *file, struct bytes genesis, struct fault *fault)
{
    struct bytes header, certificate, proof;
    enum err err = record_unpack(arena, &genesis_record, &parts->genesis, genesis, fault);

    if (!err)
        err = genesis_check(&parts->genesis, fault);
    if (!err)
        err = member(arena, &fact->key, file, "key", fault);
    if (!err && answer_has(file, "value"))
        err = member(arena, &fact->value, file, "value", fault);
    if (!err)
        err = member(arena, &header, file, "header_packed", fault);
    if (!err && !(err = block_header_unpack(&parts->header, header, fault)))
        parts->header_digest = digest_of(header.data, header.size);
    if (!err && parts->header.height == 0)
        return fault_set(fault, ERR_MISMATCH,
                         "block 0 has no certificate: it follows from the genesis record itself");
    if (!err)
        err = member(arena, &certificate, file, "certificate_packed", fault);
    if (!err)
        err = record_unpack(arena, &ballot_certificate_record, &parts->certificate, certificate,
                            fault);
    if (!err)
        err = member(arena, &proof, file, "proof_packed", fault);
    return err ? err : record_unpack(arena, &sparse_proof_record, &parts->proof, proof, fault);
}

/* The validators of the genesis record, as the set that headers name. */
static enum err make_committee(struct arena *arena, struct committee *committee,
                               const struct genesis *genesis, struct fault *fault)
{
    struct validator_member members[LIMIT_VALIDATORS];
    struct validator_set set = genesis_set(members, genesis);

    electorate_committee(committee, arena, &set);
    return digest_is_zero(&committee->digest)
               ? fault_set(fault, ERR_LIMIT, "the validator set is too large")
               : ERR_NONE;
}

/* Follows one change of the validators: the set before certified the boundary, whose header names the set after. */
static enum err follow_change(struct arena *arena, struct committee *committee,
                              const struct digest *chain, const struct answer *file,
                              struct fault *fault)
{
    struct verify_context context = {
        .chain = *chain, .committee = committee, .signature = verify_ecdsa};
    struct bytes header_raw, certificate_raw, set_raw;
    struct block_header header;
    struct certificate certificate;
    struct validator_set set;
    enum err err = member(arena, &header_raw, file, "header_packed", fault);

    if (!err)
        err = member(arena, &certificate_raw, file, "certificate_packed", fault);
    if (!err)
        err = member(arena, &set_raw, file, "set_packed", fault);
    if (!err)
        err = block_header_unpack(&header, header_raw, fault);
    if (!err)
        err = record_unpack(arena, &ballot_certificate_record, &certificate, certificate_raw, fault);
    if (!err)
        err = record_unpack(arena, &validator_set_record, &set, set_raw, fault);
    if (err)
        return err;
    struct digest digest = digest_of(header_raw.data, header_raw.size),
                  after = digest_of(set_raw.data, set_raw.size);
    if (!digest_equal(&header.chain, chain) ||
        !digest_equal(&header.set_digest, &committee->digest) ||
        !digest_equal(&header.next_set_digest, &after) ||
        !digest_equal(&certificate.ballot.digest, &digest) ||
        certificate.ballot.height.n != header.height || set.since != header.height + 1 ||
        set.member_count == 0)
        return fault_set(fault, ERR_MISMATCH,
                         "block %llu does not lead from one validator set to the next",
                         (unsigned long long)header.height);
    err = verify_certificate(&context, MESSAGE_COMMIT, &certificate, fault);
    if (!err)
        electorate_committee(committee, arena, &set);
    return err;
}

static enum err check_parts(const struct parts *parts, const struct committee *committee,
                            const struct digest *chain, const struct proof_fact *fact,
                            struct fault *fault)
{
    struct verify_context context = {
        .chain = *chain, .committee = committee, .signature = verify_ecdsa};
    const struct ballot *ballot = &parts->certificate.ballot;
    bool holds = fact->value.size
                     ? sparse_has(&parts->header.state_root, fact->key, fact->value, &parts->proof)
                     : sparse_lacks(&parts->header.state_root, fact->key, &parts->proof);

    if (!digest_equal(&parts->header.chain, chain))
        return fault_set(fault, ERR_MISMATCH,
                         "the header is of another chain than the genesis record's");
    if (!digest_equal(&parts->header.set_digest, &committee->digest))
        return fault_set(
            fault, ERR_MISMATCH,
            "block %llu is certified by another validator set than the one that genesis leads to",
            (unsigned long long)parts->header.height);
    if (!digest_equal(&ballot->digest, &parts->header_digest) ||
        ballot->height.n != parts->header.height)
        return fault_set(fault, ERR_MISMATCH, "the certificate is for another header");
    if (!holds)
        return fault_set(fault, ERR_MISMATCH,
                         "the path does not lead from the value to the header's state root");
    return verify_certificate(&context, MESSAGE_COMMIT, &parts->certificate, fault);
}

enum err proof_check(struct arena *arena, struct proof_fact *fact, const struct answer *file,
                     struct bytes genesis, struct fault *fault)
{
    struct proof_fact made = {.chain = digest_of(genesis.data, genesis.size)};
    struct committee committee;
    struct parts parts;
    enum err err = read_parts(arena, &parts, &made, file, genesis, fault);

    if (!err)
        err = make_committee(arena, &committee, &parts.genesis, fault);
    for (uint32_t i = 0; i < answer_count(file, "sets") && !err; i++)
        err = follow_change(arena, &committee, &made.chain, answer_item(file, "sets", i), fault);
    if (!err)
        err = check_parts(&parts, &committee, &made.chain, &made, fault);
    if (err)
        return err;
    made.height = parts.header.height;
    made.time_ms = parts.header.time_ms;
    made.signatures = committee_size(parts.certificate.voters);
    made.validators = committee.count;
    *fact = made;
    return ERR_NONE;
}
