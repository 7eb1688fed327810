#include "tools/demo/cast.h"

#include <stddef.h>

const struct cast_provider cast_providers[CAST_PROVIDERS] = {
    {"alba", "lab-a", "scalar", "cpu-scalar", "110", "1000", NULL},
    {"bruno", "lab-b", "avx2", "cpu-avx2", "100", "8000", "fake-end@1"},
    {"cheng", "lab-c", NULL, "cpu-best", "90", "16000", NULL},
};
