/*
 * sdp/keys.c - which lines of a description hold the keys of its media, whoever made it and whether we can use them
 *
 * For descriptions that pass as they came (TEL-33): there it does not matter which keying we know, but what can be read
 * on the way. Looser than the grammar on purpose: a peer that takes "A=Crypto:" for a key finds its key here too.
 */
#include "sdp/sdp.h"

/* RFC 4568; RFC 4567: MIKEY, whose message holds the key itself unless both sides share one or have certificates. */
static bool
attribute_has_keys(struct rf_span a)
{
    struct rf_span name = rf_span_trim(rf_span_sub(a, 0, rf_span_find(a, ':')));

    return rf_span_iis(name, "crypto") || rf_span_iis(name, "key-mgmt");
}

/*
 * attribute-capability-attribute = "acap:" att-cap-num 1*WSP att-par        RFC 5939 3.4.1
 * An attribute that becomes one of the description when it is chosen: a plain offer may bear its keys so.
 */
static struct rf_span
capability(struct rf_span a)
{
    size_t colon = rf_span_find(a, ':');
    struct rf_span value;
    size_t digits = 0;

    if (!rf_span_iis(rf_span_trim(rf_span_sub(a, 0, colon)), "acap"))
        return (struct rf_span){ 0 };
    value = rf_span_trim(rf_span_sub(a, colon + 1, a.n));
    while (digits < value.n && value.p[digits] >= '0' && value.p[digits] <= '9')
        digits++;
    return rf_span_trim(rf_span_sub(value, digits, value.n));
}

bool
rf_sdp_line_has_keys(struct rf_span line)
{
    struct rf_span value;

    line = rf_span_trim(line);
    if (line.n < 2 || line.p[1] != '=')
        return false;
    value = rf_span_trim(rf_span_sub(line, 2, line.n));
    if (line.p[0] == 'k' || line.p[0] == 'K') /* RFC 4566 5.12: prompt alone holds none; a URI is as good as its key */
        return !rf_span_iis(value, "prompt");
    if (line.p[0] != 'a' && line.p[0] != 'A')
        return false;
    return attribute_has_keys(value) || attribute_has_keys(capability(value));
}

bool
rf_sdp_has_keys(struct rf_span text)
{
    for (size_t at = 0; at < text.n;) {
        size_t n = 0;

        while (at + n < text.n && text.p[at + n] != '\n' && text.p[at + n] != '\r')
            n++;
        if (rf_sdp_line_has_keys(rf_span_sub(text, at, n)))
            return true;
        at += n + 1;
    }
    return false;
}
