/* Requests of strangers: the head, the body, the path. What is read must lie inside of what came. */
#include <stdlib.h>

#include "http/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char mem[4096], path[1024];
    struct rf_http_request r;
    struct rf_http_problem problem;
    struct rf_span octets = rf_span(data, n), body;
    size_t used;

    if (rf_http_request_read(octets, &r, &problem) != RF_OK) {
        rf_assert(problem.sentence != NULL);
        return 0;
    }
    rf_assert(r.head_octets <= n && r.header_count <= RF_HTTP_HEADERS_MAX && r.path.n > 0);
    if (rf_http_path_decode(r.path, path, sizeof path) == RF_OK)
        rf_assert(strlen(path) < sizeof path);
    if (rf_http_body_read(&r, rf_span_sub(octets, r.head_octets, n), mem, sizeof mem, &body, &used) == RF_OK)
        rf_assert(body.n <= sizeof mem && used <= n - r.head_octets);
    return 0;
}
