/*
 * tests/tap.h - a unit test's few words: Test Anything Protocol for Meson
 *
 * A test program calls ok() for each case and ends with `return tap_done();`.
 * Tests are single-threaded where they call these.
 */
#ifndef RF_TESTS_TAP_H
#define RF_TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static int tap_count, tap_failed;

/** One case: what it shows, in words that make sense without the code. Returns `passed`. */
__attribute__((format(printf, 2, 3), unused)) static bool
ok(bool passed, const char *what, ...)
{
    va_list ap;

    printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
    va_start(ap, what);
    vprintf(what, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
    if (!passed)
        tap_failed++;
    return passed;
}

/** A remark beside the results. */
__attribute__((format(printf, 1, 2), unused)) static void
diag(const char *what, ...)
{
    va_list ap;

    printf("# ");
    va_start(ap, what);
    vprintf(what, ap);
    va_end(ap);
    printf("\n");
}

/** Path of a file below tests/data (RF_DATA names the folder). In one static buffer. */
__attribute__((unused)) static const char *
tap_data(const char *name)
{
    static char path[1024];
    const char *dir = getenv("RF_DATA");

    snprintf(path, sizeof path, "%s/%s", dir != NULL ? dir : "tests/data", name);
    return path;
}

/** Print the plan; the exit status for main. */
static inline int
tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed == 0 ? 0 : 1;
}

#endif
