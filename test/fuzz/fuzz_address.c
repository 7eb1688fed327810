/* Any string as an address: what is accepted is written back the same, but for its case. */
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/check.h"
#include "test/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[128];
    char again[ADDRESS_TEXT_SIZE];
    struct address address;
    if (size >= sizeof(text))
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = 0;
    if (!address_parse(&address, text))
        return 0;
    address_text(again, &address);
    CHECK(strcasecmp(text, again) == 0);
    CHECK(address_is_bech32m(text));
    return 0;
}
