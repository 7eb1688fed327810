#include "contracts/verdict.h"

#include <stddef.h>

static const struct {
    uint16_t number;
    const char *name;
    const char *text;
} verdicts[] = {
#define VERDICT_ROW(symbol, number, name, sentence) {number, name, sentence},
    VERDICT_LIST(VERDICT_ROW)
#undef VERDICT_ROW
};

#define COUNT (sizeof(verdicts) / sizeof(verdicts[0]))

const char *verdict_name(uint16_t verdict)
{
    for (size_t i = 0; i < COUNT; i++)
        if (verdicts[i].number == verdict)
            return verdicts[i].name;
    return "unknown";
}

const char *verdict_text(uint16_t verdict)
{
    for (size_t i = 0; i < COUNT; i++)
        if (verdicts[i].number == verdict)
            return verdicts[i].text;
    return "This version does not know the verdict.";
}
