#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

/* allow global: every folder says `fault` and `err`, so they are short */
enum err fault_set(struct fault *fault, enum err code, const char *format, ...)
{
    if (!fault)
        return code;
    fault->code = code;
    va_list arguments;
    va_start(arguments, format);
    /* allow purity: formats no floating point, and so depends on no locale */
    vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
    return code;
}

/* allow global: as fault_set */
const char *err_name(enum err code)
{
    switch (code) {
    case ERR_NONE:
        return "none";
    case ERR_MALFORMED:
        return "malformed";
    case ERR_LIMIT:
        return "limit";
    case ERR_SIGNATURE:
        return "signature";
    case ERR_IO:
        return "io";
    case ERR_NOT_FOUND:
        return "not found";
    case ERR_CORRUPT:
        return "corrupt";
    case ERR_MISMATCH:
        return "mismatch";
    case ERR_BUSY:
        return "busy";
    case ERR_NOT_NOW:
        return "not now";
    case ERR_USAGE:
        return "usage";
    }
    return "unknown";
}
