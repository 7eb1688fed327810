#include "test/fuzz/specimen.h"

#include <string.h>

#include "base/check.h"
#include "base/digest.h"
#include "base/units.h"
#include "test/seed.h"

#define FIXED_MAX  96 /* bytes of the largest fixed member, and of a string */
#define COUNT_MAX  4  /* elements of a list */
#define STRING_MAX 40 /* bytes; crosses the shortest form's 31 */

/* At most `max`: often 0, 1, the largest, or around a form's edge. */
static uint64_t draw(uint64_t *seed, uint64_t max)
{
    static const uint64_t edges[] = {0,   1,     127,   128,        255,
                                     256, 65535, 65536, UINT32_MAX, UINT64_MAX};
    uint64_t value = seed_next(seed);
    if (seed_next(seed) % 2)
        value = edges[value % (sizeof(edges) / sizeof(edges[0]))];
    return value <= max ? value : max == 0 ? 0 : value % max + 1;
}

static size_t draw_size(uint64_t *seed, uint64_t max, uint64_t short_max)
{
    return (size_t)draw(seed, max < short_max ? max : short_max);
}

static void pack_random(struct pack_writer *writer, uint64_t *seed, size_t size)
{
    uint8_t data[FIXED_MAX];
    CHECK(size <= sizeof(data));
    seed_fill(seed, data, size);
    pack_bytes(writer, bytes_of(data, size));
}

/* Letters, with a two-byte character now and then. */
static void pack_letters(struct pack_writer *writer, uint64_t *seed, size_t size)
{
    uint8_t data[STRING_MAX];
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)('a' + seed_next(seed) % 26);
    if (size >= 2 && seed_next(seed) % 4 == 0)
        memcpy(data, "\xc3\xa9", 2);
    pack_text(writer, bytes_of(data, size));
}

static void pack_significant(struct pack_writer *writer, uint64_t *seed)
{
    struct amount amount;
    size_t size = draw_size(seed, sizeof(amount.be), sizeof(amount.be));
    seed_fill(seed, amount.be, size);
    if (size > 0 && amount.be[0] == 0)
        amount.be[0] = 1;
    pack_bytes(writer, bytes_of(amount.be, size));
}

static void pack_field(struct pack_writer *writer, const struct record_field *field, uint64_t *seed)
{
    uint64_t fits = field->size < 8 ? (UINT64_C(1) << 8 * field->size) - 1 : UINT64_MAX;
    switch (field->kind) {
    case RECORD_KIND_UINT:
        pack_u64(writer, draw(seed, field->max < fits ? field->max : fits));
        break;
    case RECORD_KIND_BOOL:
        pack_bool(writer, seed_next(seed) % 2);
        break;
    case RECORD_KIND_FIXED:
        pack_random(writer, seed, field->size);
        break;
    case RECORD_KIND_AMOUNT:
        pack_significant(writer, seed);
        break;
    case RECORD_KIND_BYTES:
        pack_random(writer, seed, draw_size(seed, field->max, STRING_MAX));
        break;
    case RECORD_KIND_TEXT:
        pack_letters(writer, seed, draw_size(seed, field->max, STRING_MAX));
        break;
    case RECORD_KIND_ONE:
        specimen_pack(writer, field->sub, seed);
        break;
    case RECORD_KIND_LIST:
    case RECORD_KIND_DIGESTS: {
        size_t count = draw_size(seed, field->max, COUNT_MAX);
        pack_array(writer, (uint32_t)count);
        for (size_t i = 0; i < count; i++) {
            if (field->kind == RECORD_KIND_LIST)
                specimen_pack(writer, field->sub, seed);
            else
                pack_random(writer, seed, DIGEST_SIZE);
        }
        break;
    }
    }
}

void specimen_pack(struct pack_writer *writer, const struct record *record, uint64_t *seed)
{
    pack_array(writer, record->field_count);
    for (uint32_t i = 0; i < record->field_count; i++)
        pack_field(writer, &record->fields[i], seed);
}
