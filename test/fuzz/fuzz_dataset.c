/* Any bytes as the two files of a data set (the first two say where the second begins): what is read can be read to its end. */
#include <stdlib.h>

#include "base/check.h"
#include "test/fuzz/fuzz.h"
#include "trainer/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dataset dataset;
    struct fault fault = {.code = ERR_NONE};
    if (size < 2)
        return 0;
    size_t cut = bytes_get_u16(data);
    if (cut > size - 2)
        return 0;
    enum err err = dataset_init(&dataset, bytes_of(data + 2, cut),
                                bytes_of(data + 2 + cut, size - 2 - cut), &fault);
    if (err != ERR_NONE) {
        CHECK(fault.code == err && fault.text[0]);
        return 0;
    }
    float *sample = calloc(dataset.features, sizeof(*sample));
    CHECK(sample);
    for (uint32_t i = 0; i < dataset.count; i++) {
        CHECK(dataset_read(&dataset, i, sample) < dataset.classes);
        for (uint32_t j = 0; j < dataset.features; j++)
            CHECK(sample[j] >= 0 && sample[j] <= 1);
    }
    free(sample);
    return 0;
}
