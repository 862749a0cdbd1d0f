#include "route/number.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_mark(char c)
{
    return c != '\0' && strchr("-.() ", c) != NULL; /* RFC 3966 5.1.1 visual-separator, and a blank */
}

enum rf_number_format
rf_number_format_of(const char *name)
{
    if (strcmp(name, "e164") == 0)
        return RF_NUMBER_E164;
    if (strcmp(name, "e164-without-plus") == 0)
        return RF_NUMBER_E164_PLAIN;
    return strcmp(name, "national") == 0 ? RF_NUMBER_NATIONAL : RF_NUMBER_AS_IS;
}

bool
rf_number_is(struct rf_span text)
{
    size_t digits = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (is_digit(c) || c == '*' || c == '#')
            digits++;
        else if (!is_mark(c) && (c != '+' || digits > 0))
            return false;
    }
    return digits > 0;
}

enum rf_err
rf_number_clean(struct rf_span text, char out[static RF_NUMBER_MAX])
{
    size_t n = 0;

    if (!rf_number_is(text))
        return rf_span_copy(text, out, RF_NUMBER_MAX);
    out[0] = '\0';
    for (size_t i = 0; i < text.n; i++) {
        if (is_mark(text.p[i]))
            continue;
        if (n + 1 >= RF_NUMBER_MAX)
            return RF_ERR_RANGE;
        out[n++] = text.p[i];
        out[n] = '\0';
    }
    return RF_OK;
}

/* The shortest whole international number is 7 digits (some islands), so fewer are an extension. */
#define WHOLE_DIGITS 7

static enum rf_err
put(char out[static RF_NUMBER_MAX], const char *head, const char *middle, struct rf_span tail)
{
    struct rf_buf b = rf_buf(out, RF_NUMBER_MAX - 1);

    rf_put_str(&b, head);
    rf_put_str(&b, middle);
    rf_put(&b, tail);
    out[b.overflow ? 0 : b.n] = '\0';
    return b.overflow ? RF_ERR_RANGE : RF_OK;
}

enum rf_err
rf_number_read(struct rf_span number, const char *country, char out[static RF_NUMBER_MAX])
{
    if (country[0] == '\0' || !rf_number_is(number) || rf_span_starts(number, "+"))
        return rf_span_copy(number, out, RF_NUMBER_MAX);
    if (rf_span_starts(number, "00") && number.n > 2 + WHOLE_DIGITS)
        return put(out, "+", "", rf_span_sub(number, 2, number.n));
    if (rf_span_starts(number, "0") && number.n > WHOLE_DIGITS)
        return put(out, "+", country, rf_span_sub(number, 1, number.n));
    if (rf_span_starts(number, country) && number.n > WHOLE_DIGITS + strlen(country))
        return put(out, "+", "", number);
    return rf_span_copy(number, out, RF_NUMBER_MAX);
}

enum rf_err
rf_number_write(struct rf_span number, enum rf_number_format format, const char *country,
                char out[static RF_NUMBER_MAX])
{
    char whole[RF_NUMBER_MAX];
    struct rf_span rest;

    if (format == RF_NUMBER_AS_IS)
        return rf_span_copy(number, out, RF_NUMBER_MAX);
    if (rf_number_read(number, country, whole) != RF_OK)
        return RF_ERR_RANGE;
    if (whole[0] != '+' || format == RF_NUMBER_E164)
        return rf_span_copy(rf_span_str(whole), out, RF_NUMBER_MAX);
    rest = rf_span_str(whole + 1);
    if (format == RF_NUMBER_E164_PLAIN || country[0] == '\0')
        return rf_span_copy(rest, out, RF_NUMBER_MAX);
    if (rf_span_starts(rest, country))
        return put(out, "0", "", rf_span_sub(rest, strlen(country), rest.n));
    return put(out, "00", "", rest);
}

int
rf_number_match(const char *pattern, size_t pattern_n, struct rf_span number)
{
    int same = 0, any = 0;
    size_t i;

    for (i = 0; i < pattern_n; i++) {
        if (pattern[i] == '*' && i + 1 == pattern_n)
            return same * 256 + any * 2;
        if (i == number.n)
            return -1;
        if (pattern[i] == 'X' ? !is_digit(number.p[i]) : pattern[i] != number.p[i])
            return -1;
        same += pattern[i] != 'X';
        any += pattern[i] == 'X';
    }
    return i == number.n ? same * 256 + any * 2 + 1 : -1;
}
