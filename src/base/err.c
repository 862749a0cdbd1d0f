#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

const char *
rf_err_name(enum rf_err err)
{
    static const char *const name[] = {
#define X(name, text) #name,
        RF_ERRORS(X)
#undef X
    };

    return (unsigned)err < RF_ERR_COUNT ? name[err] : "ERR_UNKNOWN";
}

const char *
rf_err_text(enum rf_err err)
{
    static const char *const text[] = {
#define X(name, text) text,
        RF_ERRORS(X)
#undef X
    };

    return (unsigned)err < RF_ERR_COUNT ? text[err] : "an unknown error";
}

void
rf_assert_failed(const char *file, int line, const char *claim)
{
    fprintf(stderr, "ringfence: %s:%d: this must hold: %s\n", file, line, claim);
    abort();
}
