/* Fuzz: what a stranger sends to a TLS port: the capture of its hello, the failure and its text. */
#include <fcntl.h>
#include <openssl/err.h>
#include <signal.h>
#include <unistd.h>

#include "tls/harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct rf_tls_server *servers[RF_TLS_LEVEL_COUNT];
static struct rf_tls_ring *ring;

static void
make_servers(void)
{
    struct id id = make_id(NULL, &(struct make){ .cn = "pbx.example", .san = "DNS:pbx.example" });
    struct rf_cert *cert = as_cert(&id, NULL, NULL);
    struct rf_tls_check check = { .level = RF_CHECK_MEDIUM };
    const char *why;

    signal(SIGPIPE, SIG_IGN);
    rf_assert(rf_tls_ring_new(&ring, 1, 1) == RF_OK);
    for (int i = 0; i < RF_TLS_LEVEL_COUNT; i++) {
        struct rf_tls_server_conf conf = { .interface = "https",
                                           .level = (enum rf_tls_level)i,
                                           .cert = &cert,
                                           .cert_count = 1,
                                           .ask = (enum rf_tls_ask)(i % RF_TLS_ASK_COUNT),
                                           .check = &check,
                                           .ring = ring };

        rf_assert(rf_tls_server_new(&servers[i], &conf, &why) == RF_OK);
    }
    rf_cert_unref(cert);
    free_id(&id);
}

/* The parts of a hello cut anywhere, without a library that checks them first. */
static void
read_parts(const uint8_t *data, size_t n)
{
    static struct rf_tls_offer o;
    struct rf_tls_hello_parts parts = { .legacy_version = n > 1 ? data[0] << 8 | data[1] : 0,
                                        .has_versions = n % 2 == 0,
                                        .has_groups = n % 3 == 0,
                                        .has_sigalgs = true };
    struct rf_span *span[] = { &parts.suites,  &parts.versions,    &parts.groups,
                               &parts.sigalgs, &parts.server_name, &parts.alpn };

    for (size_t i = 0, at = 0; i < 6 && at < n; i++) {
        size_t len = data[at] % (n - at);

        *span[i] = rf_span(data + at, len);
        at += len + 1;
    }
    rf_tls_offer_read(&parts, &o);
    rf_assert(strlen(o.server_name) < sizeof o.server_name && strlen(o.alpn) < sizeof o.alpn);
    for (size_t i = 0; o.server_name[i] != '\0'; i++)
        rf_assert(o.server_name[i] > ' ');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct rf_tls_event event;
    static struct rf_tls_offer offer;
    static char text[16384];
    struct rf_buf b = rf_buf(text, sizeof text);
    struct rf_tls_failure f;
    struct rf_tls_conn *c;
    int fd[2];

    if (n < 2 || n > 32768)
        return 0;
    if (servers[0] == NULL)
        make_servers();
    read_parts(data + 1, n - 1);
    rf_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
    rf_assert(rf_tls_conn_accept(&c, servers[data[0] % RF_TLS_LEVEL_COUNT], fd[0]) == RF_OK);
    if (write(fd[1], data + 1, n - 1) == (ssize_t)(n - 1) && rf_tls_conn_handshake(c) == RF_ERR_AGAIN)
        rf_tls_conn_give_up(c, "no more came");
    rf_tls_conn_failure(c, &f);
    rf_assert(f.refusal != RF_REFUSE_NONE);
    rf_assert(rf_tls_ring_copy(ring, 0, true, &event, &offer, 1) == 1);
    rf_tls_event_json(&b, &event, &offer);
    rf_assert(!b.overflow);
    rf_tls_conn_free(c);
    close(fd[0]);
    close(fd[1]);
    return 0;
}
