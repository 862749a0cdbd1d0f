/*
 * tests/vectors.h - unit tests that run over known answers: JSON files below tests/data
 */
#ifndef RF_TESTS_VECTORS_H
#define RF_TESTS_VECTORS_H

#include <jansson.h>
#include <stdint.h>

#include "base/codec.h"
#include "tap.h"

/** The file, which is a case of its own: a test over an empty list would prove nothing. Ends the test without it. */
__attribute__((unused)) static json_t *
vectors_load(const char *name)
{
    json_t *root = json_load_file(tap_data(name), 0, NULL);

    if (!ok(json_array_size(root) > 0 || json_object_size(root) > 0, "%s can be read", name))
        exit(tap_done());
    return root;
}

/** "" when it is not there or no string. */
__attribute__((unused)) static const char *
text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s != NULL ? s : "";
}

__attribute__((unused)) static uint64_t
number(const json_t *o, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(o, name));
}

/** Octets written; "" is none. What is not hexadecimal, or longer than cap, ends the test. */
__attribute__((unused)) static size_t
hex(const json_t *o, const char *name, uint8_t *out, size_t cap)
{
    size_t n = 0;

    if (rf_hex_decode(rf_span_str(text(o, name)), out, cap, &n) != RF_OK)
        exit(ok(false, "%s is hexadecimal", name));
    return n;
}

#endif
