/* Any string as an amount, and as hexadecimal: what is accepted is written back the same, but for leading zeros and case. */
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/units.h"
#include "test/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[200], again[AMOUNT_TEXT_SIZE], hex[41];
    uint8_t raw[20];
    struct amount amount;
    if (size >= sizeof(text))
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = 0;
    if (units_amount_parse(&amount, text)) {
        size_t zeros = strspn(text, "0");
        units_amount_text(again, &amount);
        CHECK(strcmp(text[zeros] ? text + zeros : "0", again) == 0);
    }
    if (bytes_from_hex(raw, sizeof(raw), text)) {
        bytes_to_hex(hex, bytes_of(raw, sizeof(raw)));
        CHECK(strcasecmp(hex, text) == 0);
    }
    return 0;
}
