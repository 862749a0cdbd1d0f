/* Answers of an authority, and headers: each reader takes any octets. The first octet chooses the reader. */
#include <stdlib.h>

#include "acme/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct rf_acme_directory directory;
    static struct rf_acme_order order;
    static struct rf_acme_authz authz;
    static struct rf_acme_problem problem;
    struct rf_acme_window window;
    struct acme_state state;
    struct rf_cert *cert = NULL;
    char url[RF_ACME_URL_MAX], id[512];
    struct rf_buf b = rf_buf(id, sizeof id);
    struct rf_span s = rf_span(data + 1, n - 1);
    int64_t at;

    if (n < 1)
        return 0;
    switch (data[0]) {
    case 'd':
        if (rf_acme_directory_read(s, &directory) == RF_OK)
            rf_assert(rf_acme_url_is_valid(rf_span_str(directory.new_order)));
        break;
    case 'o':
        if (rf_acme_order_read(s, &order) == RF_OK)
            rf_assert(order.authz_count <= RF_ACME_NAMES_MAX && order.finalize[0] != '\0');
        break;
    case 'a':
        if (rf_acme_authz_read(s, &authz) == RF_OK)
            rf_assert(rf_acme_name_is_valid(rf_span_str(authz.name)));
        break;
    case 'p':
        rf_acme_problem_read(s, 400, &problem);
        rf_assert(problem.detail[0] != '\0' && strlen(problem.detail) < sizeof problem.detail);
        break;
    case 'w':
        if (rf_acme_window_read(s, &window) == RF_OK)
            rf_assert(window.end_s > window.start_s);
        break;
    case 'l':
        if (rf_acme_link_read(s, "alternate", url) == RF_OK)
            rf_assert(rf_acme_url_is_valid(rf_span_str(url)));
        break;
    case 'r':
        rf_assert(rf_acme_retry_after(s, 1800000000) >= 0);
        break;
    case 't':
        if (rf_acme_time_read(s, &at) == RF_OK)
            rf_assert(at > -3000000000);
        break;
    case 'c':
        (void)rf_acme_chain_is_from(s, "root");
        (void)!rf_acme_certificate_id(s, &b);
        break;
    case 's': /* our own rows, damaged on disk */
        if (rf_acme_state_decode(s, &state) == RF_OK)
            rf_acme_state_fini(&state);
        if (rf_acme_item_certificate(s, &cert) == RF_OK)
            rf_cert_unref(cert);
        break;
    default:
        break;
    }
    return 0;
}
