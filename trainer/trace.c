#include "trainer/trace.h"

#include "base/check.h"
#include "base/merkle.h"

#include <string.h>

static const struct record_field fields[] = {
    RECORD_FIXED(struct trace_leaf, state_root, RECORD_AS_HEX),
    RECORD_FIXED(struct trace_leaf, witness, RECORD_AS_HEX),
};

const struct record trace_leaf_record = RECORD(struct trace_leaf, "leaf", fields);

struct trace_leaf trace_diverged(const struct digest *witness)
{
    static const char tag[] = "tenure/diverged/1";
    return (struct trace_leaf){.state_root = digest_of(tag, sizeof(tag) - 1), .witness = *witness};
}

bool trace_is_diverged(const struct trace_leaf *leaf)
{
    struct trace_leaf diverged = trace_diverged(&digest_zero);
    return digest_equal(&leaf->state_root, &diverged.state_root);
}

bool trace_leaf_equal(const struct trace_leaf *a, const struct trace_leaf *b)
{
    return digest_equal(&a->state_root, &b->state_root) && digest_equal(&a->witness, &b->witness);
}

struct digest trace_leaf_digest(const struct trace_leaf *leaf)
{
    uint8_t bytes[2 * DIGEST_SIZE];
    memcpy(bytes, leaf->state_root.bytes, DIGEST_SIZE);
    memcpy(bytes + DIGEST_SIZE, leaf->witness.bytes, DIGEST_SIZE);
    return merkle_leaf(bytes, sizeof(bytes));
}

uint32_t trace_leaf_count(uint32_t steps, uint32_t interval)
{
    CHECK(steps >= 1);
    CHECK(interval >= 1);
    return 2 + (steps - 1) / interval;
}

uint32_t trace_step(uint32_t steps, uint32_t interval, uint32_t index)
{
    uint64_t step = (uint64_t)index * interval;
    return step < steps ? (uint32_t)step : steps;
}

struct digest trace_root(const struct trace_leaf *leaves, uint32_t count)
{
    CHECK(count >= 1);
    struct merkle merkle;
    merkle_init(&merkle);
    for (uint32_t i = 0; i < count; i++) {
        struct digest leaf = trace_leaf_digest(&leaves[i]);
        merkle_add(&merkle, &leaf);
    }
    return merkle_end(&merkle);
}

/* --- the witness --- */

void trace_witness_init(struct trace_witness *witness)
{
    digest_init(&witness->stream);
}

static void put_float(uint8_t *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(bits >> 8 * i);
}

void trace_witness_add(struct trace_witness *witness, float loss, float norm)
{
    uint8_t bytes[8];
    put_float(bytes, loss);
    put_float(bytes + 4, norm);
    digest_add(&witness->stream, bytes, sizeof(bytes));
}

struct digest trace_witness_end(struct trace_witness *witness)
{
    return digest_end(&witness->stream);
}
