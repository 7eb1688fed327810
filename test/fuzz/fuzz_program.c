/* Any bytes as a training program: what is accepted has a size that can be trained. */
#include "base/check.h"
#include "test/fuzz/fuzz.h"
#include "trainer/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct program program;
    struct fault fault = {.code = ERR_NONE};
    arena_init(&arena, 1 << 16);
    struct bytes in = bytes_of(data, size);
    enum err err = program_unpack(&arena, &program, in, &fault);
    if (err == ERR_NONE) {
        uint32_t parameters = program_parameter_count(&program);
        CHECK(parameters > 0 && parameters <= PROGRAM_PARAMETERS_MAX);
        struct digest digest = program_digest(&program), expected = digest_of(data, size);
        CHECK(digest_equal(&digest, &expected));
    } else {
        CHECK(fault.code == err && fault.text[0]);
    }
    arena_release(&arena);
    return 0;
}
