#include "consensus/ballot.h"

#include "base/check.h"

static const struct record_field ballot_fields[] = {
    RECORD_FIXED(struct ballot, set, RECORD_AS_HEX),
    RECORD_UINT_MAX(struct ballot, height, BOUNDS_HEIGHT_MAX),
    RECORD_UINT_MAX(struct ballot, view, BOUNDS_VIEW_MAX),
    RECORD_FIXED(struct ballot, digest, RECORD_AS_HEX),
    RECORD_FIXED(struct ballot, new_view, RECORD_AS_HEX),
};
const struct record ballot_record = RECORD(struct ballot, "ballot", ballot_fields);

static const struct record_field certificate_fields[] = {
    RECORD_ONE(struct certificate, ballot, &ballot_record),
    RECORD_UINT(struct certificate, voters),
    RECORD_BYTES(struct certificate, signatures, BOUNDS_QUORUM *SIGN_SIGNATURE_SIZE),
};
const struct record ballot_certificate_record =
    RECORD(struct certificate, "certificate", certificate_fields);

bool ballot_equal(const struct ballot *a, const struct ballot *b)
{
    return a->height.n == b->height.n && a->view.n == b->view.n && digest_equal(&a->set, &b->set) &&
           digest_equal(&a->digest, &b->digest) && digest_equal(&a->new_view, &b->new_view);
}

size_t ballot_pack(uint8_t body[BOUNDS_BALLOT_BYTES], const struct ballot *ballot)
{
    struct pack_writer writer;
    pack_init(&writer, body, BOUNDS_BALLOT_BYTES);
    record_pack(&writer, &ballot_record, ballot);
    CHECK(!writer.failed);
    return writer.used;
}
