/* From a configuration and files to contexts, in both roles: TEL-6, TEL-10, GEN-16, AVA-25; and what the block lets through. */
#include "main/ifaces.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cert/bundle.h"
#include "cert/cert_test.h"
#include "loop/loop.h"
#include "main/credentials.h"

static char dir[64];
static const struct made *public_root, *our_root, *their_root, *strange_root;

static const char *
path_of(const char *name)
{
    static char mem[4][160];
    static int at;

    at = (at + 1) % 4;
    snprintf(mem[at], sizeof mem[at], "%s/%s", dir, name);
    return mem[at];
}

static void
write_pem(const char *name, const struct made *m, bool with_key)
{
    FILE *f = fopen(path_of(name), "w");

    rf_assert(f != NULL && PEM_write_X509(f, m->x) == 1);
    if (with_key)
        rf_assert(PEM_write_PrivateKey(f, m->key, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(f);
}

static struct rf_span
pem_of(const struct made *m, bool is_key, char mem[8192])
{
    BIO *b = BIO_new(BIO_s_mem());
    char *p;
    long n;

    rf_assert(is_key ? PEM_write_bio_PrivateKey(b, m->key, NULL, NULL, 0, NULL, NULL) == 1
                     : PEM_write_bio_X509(b, m->x) == 1);
    n = BIO_get_mem_data(b, &p);
    rf_assert(n < 8192);
    memcpy(mem, p, (size_t)n);
    BIO_free(b);
    return rf_span(mem, (size_t)n);
}

static const struct made *
issue(const char *name, const struct made *issuer, const char *names)
{
    int64_t now_s = rf_wall_s();

    return make((struct recipe){ .subject = name, .issuer = issuer, .from = now_s - DAY, .to = now_s + 90 * DAY,
                                 .ext = { "basicConstraints=critical,CA:FALSE", LEAF_EXT, names } });
}

static const struct made *
a_root(const char *name)
{
    int64_t now_s = rf_wall_s();

    return make((struct recipe){ .subject = name, .from = now_s - DAY, .to = now_s + 900 * DAY,
                                 .ext = { CA_EXT, NULL } });
}

/* --- the block ----------------------------------------------------------------------------------------- */

static size_t
count_items(const struct rf_bundle *b, const char *group)
{
    struct rf_bundle_item item;
    size_t at = 0, n = 0;

    while (rf_bundle_next(rf_bundle_block(b), &at, &item))
        n += rf_span_is(item.name, group);
    return at == rf_bundle_block(b).n ? n : SIZE_MAX;
}

static void
bundle(void)
{
    struct rf_bundle *b;
    struct rf_cert_problem why = { 0 };
    char chain[8192], key[8192];
    struct rf_span block;
    struct timespec later[2] = { { 0, UTIME_OMIT }, { time(NULL) + 7, 0 } };
    FILE *f;

    rf_assert(rf_bundle_new(&b) == RF_OK && mkdir(path_of("folder"), 0755) == 0);
    write_pem("folder/a.pem", our_root, false);
    write_pem("folder/with-key.crt", their_root, true);
    write_pem("folder/notes.txt", strange_root, false);
    ok(rf_bundle_add_trusted(b, "g", path_of("folder"), &why) == RF_OK && count_items(b, "g") == 2,
       "of a folder what is named like a certificate; %s", why.text);
    block = rf_bundle_block(b);
    ok(memmem(block.p, block.n, "PRIVATE", 7) == NULL, "a private key beside a trusted certificate stays where it is");
    ok(rf_bundle_add_trusted(b, "h", path_of("nowhere"), &why) == RF_ERR_NOT_FOUND, "no such file: %s", why.text);
    f = fopen(path_of("shadow"), "w");
    fputs("root:$6$secret:19000:0:99999:7:::\n", f);
    fclose(f);
    ok(rf_bundle_add_trusted(b, "s", path_of("shadow"), &why) == RF_ERR_SYNTAX &&
           memmem(rf_bundle_block(b).p, rf_bundle_block(b).n, "secret", 6) == NULL,
       "a file that is something else does not come through: %s", why.text);
    write_pem("cut.pem", our_root, false);
    f = fopen(path_of("cut.pem"), "a");
    fputs("-----BEGIN X509 CRL-----\nMIIB\n", f);
    fclose(f);
    ok(rf_bundle_add_trusted(b, "c", path_of("cut.pem"), &why) == RF_ERR_SYNTAX && count_items(b, "c") == 0,
       "a file whose list is cut off is not taken without it: %s", why.text);
    ok(rf_bundle_add_own(b, "office", pem_of(our_root, false, chain), pem_of(their_root, true, key), &why) ==
           RF_ERR_SYNTAX,
       "a key of another certificate: %s", why.text);
    ok(!rf_bundle_is_stale(b), "nothing has changed on disk");
    rf_assert(utimensat(AT_FDCWD, path_of("folder/a.pem"), later, 0) == 0);
    ok(rf_bundle_is_stale(b), "a file was touched");
    rf_bundle_free(b);
}

/* Every beginning of a block, and every octet of it changed: items inside of it, or an end. */
static void
hostile_blocks(void)
{
    struct rf_bundle *b;
    struct rf_cert_problem why = { 0 };
    char chain[8192], key[8192], *copy;
    const struct made *m = issue("x", our_root, "subjectAltName=DNS:x");
    struct rf_bundle_item item;
    struct rf_span block;
    bool inside = true;

    rf_assert(rf_bundle_new(&b) == RF_OK &&
              rf_bundle_add_own(b, "x", pem_of(m, false, chain), pem_of(m, true, key), &why) == RF_OK &&
              rf_bundle_add_trusted(b, "g", path_of("folder"), &why) == RF_OK);
    block = rf_bundle_block(b);
    for (size_t n = 0; n <= block.n; n++) {
        copy = malloc(n + 1); /* of its size, so that AddressSanitizer sees a step too far */
        memcpy(copy, block.p, n);
        for (size_t at = 0; rf_bundle_next(rf_span(copy, n), &at, &item);)
            inside = inside && at <= n && item.second.p + item.second.n <= copy + n;
        for (size_t i = 0; i < 64 && i < n; i++) {
            copy[i] ^= 0x55;
            for (size_t at = 0; rf_bundle_next(rf_span(copy, n), &at, &item);)
                inside = inside && at <= n && item.second.p + item.second.n <= copy + n;
            copy[i] ^= 0x55;
        }
        free(copy);
        n += n / 7;
    }
    ok(inside, "damaged blocks end where they end");
    rf_bundle_free(b);
}

/* --- both roles ---------------------------------------------------------------------------------------- */

static struct rf_ifaces *
load(const char *text, const struct made *own, const char *store)
{
    struct rf_ifaces_sources from = { .now_s = rf_wall_s() };
    struct rf_conf_problem problem = { 0 };
    struct rf_cert_problem why = { 0 };
    char chain[8192], key[8192];
    struct rf_ifaces *out = NULL;
    struct rf_conf *conf;
    struct rf_bundle *b;

    rf_assert(rf_conf_load(&conf, rf_span_str(text), NULL, &problem) == RF_OK && rf_bundle_new(&b) == RF_OK &&
              rf_bundle_add_own(b, RF_CREDENTIALS_LOCAL, pem_of(own, false, chain), pem_of(own, true, key), &why) == RF_OK);
    if (store != NULL)
        rf_assert(rf_bundle_add_trusted(b, store, store, &why) == RF_OK);
    rf_assert(rf_bundle_add_system(b) == RF_OK);
    from.conf = conf;
    from.bundle = rf_bundle_block(b);
    if (rf_ifaces_new(&out, &from, &problem) != RF_OK)
        diag("%s", problem.sentence);
    rf_bundle_free(b);
    rf_conf_unref(conf);
    return out;
}

/* One handshake of a's client with b's server, for `host`. true: both are through; else why and the alert. */
static bool
shake(const struct rf_ifaces *a, const struct rf_ifaces *b, const char *host, struct rf_tls_failure *failure)
{
    struct rf_tls_client *client = NULL;
    struct rf_tls_server *server = NULL;
    struct rf_tls_conn *ca, *cb;
    enum rf_err ea = RF_ERR_AGAIN, eb = RF_ERR_AGAIN;
    const char *why = "";
    int fd[2];

    memset(failure, 0, sizeof *failure);
    rf_assert(rf_ifaces_client(a, RF_IFACE_SIP_TRUNKS, NULL, &client, &why) == RF_OK &&
              rf_ifaces_server(b, RF_IFACE_SIP_TRUNKS, NULL, NULL, &server, &why) == RF_OK);
    rf_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
    rf_assert(rf_tls_conn_connect(&ca, client, fd[0], rf_span_str(host), NULL) == RF_OK &&
              rf_tls_conn_accept(&cb, server, fd[1]) == RF_OK);
    for (int i = 0; i < 10; i++) {
        ea = ea == RF_ERR_AGAIN ? rf_tls_conn_handshake(ca) : ea;
        eb = eb == RF_ERR_AGAIN ? rf_tls_conn_handshake(cb) : eb;
    }
    if (ea != RF_OK)
        rf_tls_conn_failure(ca, failure);
    else if (eb != RF_OK)
        rf_tls_conn_failure(cb, failure);
    rf_tls_conn_free(ca);
    rf_tls_conn_free(cb);
    rf_tls_client_unref(client);
    rf_tls_server_unref(server);
    close(fd[0]);
    close(fd[1]);
    return ea == RF_OK && eb == RF_OK;
}

#define TRUNKS(more) "sip-trunks {\n listen tls:127.0.0.1:0\n " more "\n}\n"

static void
roles(void)
{
    const struct made *ours = issue("us.test", our_root, "subjectAltName=DNS:us.test,URI:sip:us.test");
    const struct made *known = issue("them.test", their_root, "subjectAltName=DNS:them.test,URI:sip:them.test");
    const struct made *listed = issue("them.test", public_root, "subjectAltName=DNS:them.test,URI:sip:them.test");
    const struct made *strange = issue("them.test", strange_root, "subjectAltName=DNS:them.test,URI:sip:them.test");
    const struct made *server_only =
        make((struct recipe){ .subject = "them.test", .issuer = their_root, .from = rf_wall_s() - DAY,
                              .to = rf_wall_s() + DAY * 90,
                              .ext = { "basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
                                       "extendedKeyUsage=serverAuth", "subjectAltName=DNS:them.test" } });
    char text[600];
    struct rf_tls_failure f;
    struct rf_ifaces *us, *mutual, *them[4];
    const struct made *shown[4] = { known, listed, strange, server_only };

    snprintf(text, sizeof text, TRUNKS("trusted-certificate-store %s"), path_of("their-root.pem"));
    us = load(text, ours, path_of("their-root.pem"));
    snprintf(text, sizeof text, TRUNKS("trusted-certificate-store %s\n client-certificate required"),
             path_of("their-root.pem"));
    mutual = load(text, ours, path_of("their-root.pem"));
    for (int i = 0; i < 4; i++)
        them[i] = load(TRUNKS("client-certificate off"), shown[i], NULL);
    rf_assert(us != NULL && mutual != NULL && them[0] != NULL && them[1] != NULL && them[2] != NULL && them[3] != NULL);

    ok(shake(us, them[0], "them.test", &f), "TEL-10 as client: an authority of our own store");
    ok(shake(us, them[1], "them.test", &f), "TEL-6 as client: a public authority, without a word of configuration");
    ok(!shake(us, them[2], "them.test", &f) && f.refusal == RF_REFUSE_CERT_UNKNOWN_CA && f.alert_sent == 48,
       "TEL-6 as client: nobody knows it, and it is told so (alert %d)", f.alert_sent);
    ok(shake(us, them[3], "them.test", &f), "AVA-25 as client: a certificate for servers is right for a server");
    ok(!shake(them[3], mutual, "us.test", &f), "AVA-25 as server: and wrong for a client");
    snprintf(text, sizeof text, TRUNKS("trusted-certificate-store %s"), path_of("our-root.pem"));
    for (int i = 0; i < 4; i++) {
        rf_ifaces_free(them[i]);
        them[i] = load(text, shown[i], path_of("our-root.pem"));
        rf_assert(them[i] != NULL);
    }
    ok(shake(them[0], mutual, "us.test", &f), "GEN-16 as server: the peer that it trusts as client");
    ok(!shake(them[1], mutual, "us.test", &f),
       "TEL-6 as server: public authorities do not count, for they sign for everybody");
    ok(!shake(them[2], mutual, "us.test", &f), "GEN-16 as server: the peer that it refuses as client");
    ok(shake(us, them[0], "else.test", &f), "AVA-6 medium does not look at names");
    rf_ifaces_free(us);
    snprintf(text, sizeof text,
             TRUNKS("trusted-certificate-store %s\n received-certificate-checks medium-remote"), path_of("their-root.pem"));
    us = load(text, ours, path_of("their-root.pem"));
    ok(shake(us, them[0], "them.test", &f), "AVA-16 AVA-25 as client: medium-remote and the right name");
    ok(!shake(us, them[0], "else.test", &f) && f.refusal == RF_REFUSE_CERT_NAME_MISMATCH,
       "AVA-16 AVA-25 as client: medium-remote and another name");
    rf_ifaces_free(us);
    rf_ifaces_free(mutual);
    for (int i = 0; i < 4; i++)
        rf_ifaces_free(them[i]);
}

static void
scopes(void)
{
    ok(rf_ifaces_trusts(RF_IFACE_SIP_TRUNKS, RF_SPAN_LIT("*")) && rf_ifaces_trusts(RF_IFACE_SIP_SHARED, RF_SPAN_LIT("sip-trunks")) &&
           !rf_ifaces_trusts(RF_IFACE_HTTPS, RF_SPAN_LIT("sip-trunks")),
       "a certificate is trusted where it was said");
    ok(!rf_ifaces_trusts(RF_IFACE_PROVISIONING, RF_SPAN_LIT("*")) &&
           rf_ifaces_trusts(RF_IFACE_PROVISIONING, RF_SPAN_LIT("provisioning")),
       "IPC-16 manufacturers are named for provisioning itself");
}

int
main(void)
{
    char command[96];

    snprintf(dir, sizeof dir, "/tmp/rf-ifaces-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return 1;
    public_root = a_root("Public Root");
    our_root = a_root("Our Root");
    their_root = a_root("Their Root");
    strange_root = a_root("Strange Root");
    write_pem("public.pem", public_root, false);
    write_pem("our-root.pem", our_root, false);
    write_pem("their-root.pem", their_root, false);
    setenv("SSL_CERT_FILE", path_of("public.pem"), 1); /* as OpenSSL has it: the system's authorities are these */
    bundle();
    hostile_blocks();
    scopes();
    roles();
    made_free();
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command) != 0 || tap_done();
}
