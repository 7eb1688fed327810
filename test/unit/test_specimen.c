#include "test/fuzz/specimen.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "test/seed.h"
#include "test/fuzz/oracle.h"
#include "test/fuzz/records.h"
#include "test/harness.h"

#define PACKED_MAX (1 << 20)

static uint8_t packed[PACKED_MAX];

static struct bytes sample(const struct record *record, uint64_t seed)
{
    struct pack_writer writer;
    pack_init(&writer, packed, sizeof(packed));
    specimen_pack(&writer, record, &seed);
    ck_assert(!writer.failed);
    return bytes_of(packed, writer.used);
}

START_TEST(every_record_takes_its_samples)
{
    ck_assert_uint_gt(records_count, 0);
    for (size_t i = 0; i < records_count; i++) {
        for (uint64_t seed = 0; seed < 50; seed++)
            ck_assert_msg(oracle_record(records_all[i].record, sample(records_all[i].record, seed)),
                          "%s, seed %d", records_all[i].name, (int)seed);
    }
}
END_TEST

START_TEST(every_record_refuses_a_sample_that_is_cut_or_longer)
{
    for (size_t i = 0; i < records_count; i++) {
        struct bytes in = sample(records_all[i].record, 1);
        for (size_t size = 0; size < in.size; size++)
            ck_assert_msg(!oracle_record(records_all[i].record, bytes_of(in.data, size)),
                          "%s cut to %zu", records_all[i].name, size);
        packed[in.size] = 0;
        ck_assert(!oracle_record(records_all[i].record, bytes_of(in.data, in.size + 1)));
    }
}
END_TEST

/* The oracle CHECKs that what is accepted packs again to itself. */
START_TEST(every_record_survives_changed_bytes)
{
    uint64_t seed = 6;
    for (size_t i = 0; i < records_count; i++) {
        for (int round = 0; round < 200; round++) {
            struct bytes in = sample(records_all[i].record, seed_next(&seed));
            for (uint64_t changes = seed_next(&seed) % 3; in.size > 0 && changes < 3; changes++)
                packed[seed_next(&seed) % in.size] = (uint8_t)seed_next(&seed);
            oracle_record(records_all[i].record, in);
        }
    }
}
END_TEST

START_TEST(no_two_fields_of_a_record_have_one_name)
{
    for (size_t i = 0; i < records_count; i++) {
        const struct record *record = records_all[i].record;
        for (uint32_t a = 0; a < record->field_count; a++) {
            for (uint32_t b = 0; b < a; b++)
                ck_assert_str_ne(record->fields[a].name, record->fields[b].name);
        }
    }
}
END_TEST

HARNESS_MAIN("specimen", every_record_takes_its_samples,
             every_record_refuses_a_sample_that_is_cut_or_longer,
             every_record_survives_changed_bytes, no_two_fields_of_a_record_have_one_name)
