/* Any bytes as a token file: what is accepted can be read to its last token. */
#include "base/check.h"
#include "test/fuzz/fuzz.h"
#include "trainer/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dataset dataset;
    struct fault fault = {.code = ERR_NONE};
    enum err err = tokens_init(&dataset, bytes_of(data, size), &fault);
    if (err == ERR_NONE) {
        uint16_t token, label;
        CHECK(dataset.count >= 2);
        tokens_read(&dataset, dataset.count - 2, 1, &token, &label);
        CHECK(token < dataset.classes);
        CHECK(label < dataset.classes);
    } else {
        CHECK(fault.code == err && fault.text[0]);
    }
    return 0;
}
