/* What a fuzz target is: one function that takes any bytes and must come back. libFuzzer calls it under this name; test/fuzz/main.c
 * does where there is none. A target CHECKs what must hold. */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
