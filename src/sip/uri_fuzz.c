/* sip-uri: any octets as a URI, an address, a Via and a list. */
#include "sip/uri.h"

static char mem[4 * 65536];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_within(struct rf_span part, struct rf_span text)
{
    return part.n == 0 || (part.p >= text.p && part.p + part.n <= text.p + text.n);
}

static void
check_uri(struct rf_span text)
{
    struct rf_sip_uri u, again;
    struct rf_span list, name, value;
    struct rf_buf b = rf_buf(mem, sizeof mem);

    if (rf_sip_uri_parse(text, &u) != RF_OK)
        return;
    rf_assert(rf_sip_uri_eq(&u, &u));
    rf_assert(is_within(u.user, text) && is_within(u.host, text) && is_within(u.params, text) &&
              is_within(u.headers, text));
    list = u.params;
    while (rf_sip_param_next(&list, &name, &value))
        rf_assert(name.n > 0 && is_within(name, text) && is_within(value, text));
    list = u.headers;
    while (rf_sip_uri_header_next(&list, &name, &value))
        rf_assert(name.n > 0 && is_within(name, text) && is_within(value, text));

    /* A user that is unescaped and escaped again is an acceptable user with the same octets. */
    if ((u.scheme == RF_URI_SIP || u.scheme == RF_URI_SIPS) && u.has_user && text.n < 16384) {
        struct rf_span plain;
        size_t start;

        rf_put_unescaped(&b, u.user);
        plain = rf_buf_span(&b);
        start = b.n;
        rf_put_str(&b, "sip:");
        rf_put_escaped_user(&b, plain);
        rf_put_str(&b, "@h");
        rf_assert(rf_sip_uri_parse(rf_span(b.p + start, b.n - start), &again) == RF_OK);
        start = b.n;
        rf_put_unescaped(&b, again.user);
        rf_assert(rf_span_eq(rf_span(b.p + start, b.n - start), plain));
    }
}

static void
check_address(struct rf_span text)
{
    struct rf_sip_name_addr a, again;
    struct rf_buf b = rf_buf(mem, sizeof mem);

    if (rf_sip_name_addr_parse(text, &a) != RF_OK)
        return;
    rf_assert(is_within(a.display, text) && is_within(a.uri.raw, text) && is_within(a.params, text) &&
              is_within(a.raw, text));
    rf_assert(rf_sip_name_addr_parse(a.raw, &again) == RF_OK && rf_span_eq(again.uri.raw, a.uri.raw));
    rf_put_unquoted(&b, a.display);
    rf_assert(b.n <= a.display.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rf_span text = rf_span(data, size), list = text, element;
    struct rf_sip_via via;
    struct rf_sip_uri a, b;
    size_t half = rf_span_find(text, '\n');

    check_uri(text);
    check_address(text);
    if (rf_sip_via_parse(text, &via) == RF_OK)
        rf_assert(via.transport.n > 0 && via.host.n > 0 && is_within(via.params, text) && is_within(via.branch, text));
    while (rf_sip_list_next(&list, &element))
        rf_assert(element.n > 0 && is_within(element, text));
    /* Two URIs, one a line: equality is the same both ways. */
    if (half < size && rf_sip_uri_parse(rf_span_sub(text, 0, half), &a) == RF_OK &&
        rf_sip_uri_parse(rf_span_sub(text, half + 1, size), &b) == RF_OK)
        rf_assert(rf_sip_uri_eq(&a, &b) == rf_sip_uri_eq(&b, &a));
    return 0;
}
