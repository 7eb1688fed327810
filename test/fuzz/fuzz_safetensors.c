/* Any bytes as a model file: what is read lies inside it, and written again is read as the same. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "test/fuzz/fuzz.h"
#include "trainer/safetensors.h"

#define TENSORS_MAX 16

static void check_again(const struct safetensors_tensor *tensors, uint32_t count)
{
    struct safetensors_tensor again[TENSORS_MAX];
    uint32_t again_count = 0;
    size_t size = safetensors_size(tensors, count, NULL, 0);
    uint8_t *file = malloc(size);
    CHECK(file);
    safetensors_write(file, tensors, count, NULL, 0);
    CHECK(safetensors_read(again, &again_count, TENSORS_MAX, bytes_of(file, size), NULL) ==
          ERR_NONE);
    CHECK(again_count == count);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(bytes_equal(again[i].name, tensors[i].name));
        CHECK(again[i].type == tensors[i].type && again[i].rank == tensors[i].rank);
        CHECK(bytes_equal(again[i].data, tensors[i].data));
    }
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct safetensors_tensor tensors[TENSORS_MAX];
    uint32_t count = 0;
    struct fault fault = {.code = ERR_NONE};
    enum err err = safetensors_read(tensors, &count, TENSORS_MAX, bytes_of(data, size), &fault);
    if (err != ERR_NONE) {
        CHECK(fault.code == err && fault.text[0]);
        return 0;
    }
    CHECK(count <= TENSORS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(tensors[i].data.size <= size);
        CHECK(tensors[i].data.size == 0 ||
              (tensors[i].data.data >= data &&
               tensors[i].data.data + tensors[i].data.size <= data + size));
    }
    check_again(tensors, count);
    return 0;
}
