#include "tools/demo/cast.h"

#include <stddef.h>

const struct cast_provider cast_providers[CAST_PROVIDERS] = {
    {"alba", "lab-a", "scalar", "x86-scalar", "110", "1000", NULL},
    {"bruno", "lab-b", "avx2", "x86-avx2", "100", "8000", "fake-end@1"},
    {"cheng", "lab-c", NULL, "x86-best", "90", "16000", NULL},
};
