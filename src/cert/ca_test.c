/* The local CA in a directory of its own, with times as arguments. */
#include "cert/ca.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"

#define DAY 86400ll
#define T0  1795000000ll /* November 2026 */

static char dir[] = "/tmp/rf-ca-test-XXXXXX";
static struct rf_ca_result result;
static struct rf_cert_problem problem;

static const char *
in_dir(const char *name)
{
    static char path[4][256];
    static int i;

    i = (i + 1) % 4;
    snprintf(path[i], sizeof path[i], "%s/%s", dir, name);
    return path[i];
}

static unsigned
mode_of(const char *name)
{
    struct stat st;

    return stat(in_dir(name), &st) == 0 ? st.st_mode & 07777 : 0;
}

static enum rf_err
ensure(const char *const *names, size_t n, int64_t wall_s)
{
    struct rf_ca_conf conf = { dir, "ringfence local CA (test)", names, n };

    return rf_ca_ensure(&conf, wall_s, &result, &problem);
}

static struct rf_cert_facts
leaf_facts(void)
{
    struct rf_cert_facts f = { 0 };
    struct rf_cert *c;

    if (rf_cert_load(&c, in_dir("server.pem"), in_dir("server.key"), &problem) == RF_OK) {
        f = *rf_cert_facts(c);
        rf_cert_unref(c);
    }
    return f;
}

static const char *const names[] = { "pbx.example", "192.0.2.7", "2001:db8::7", "localhost" };

static void
first_time(void)
{
    struct rf_cert *c, *ca;
    const struct rf_cert_facts *f;
    static const struct {
        char host[20];
        bool want;
    } cases[] = {
        { "pbx.example", true },     { "PBX.example", true }, { "192.0.2.7", true },
        { "2001:db8:0:0::7", true }, { "192.0.2.8", false },  { "example", false },
        { "x.pbx.example", false },  { "", false },
    };

    ok(ensure(names, 4, T0) == RF_OK && result.made_ca && result.made_leaf, "a root and a leaf are made: %s",
       problem.text);
    ok(mode_of("ca.key") == 0600 && mode_of("server.key") == 0600, "the keys have mode 0600");
    if (!ok(rf_cert_load(&c, in_dir("server.pem"), in_dir("server.key"), &problem) == RF_OK,
            "the leaf loads") ||
        !ok(rf_cert_load(&ca, in_dir("ca.pem"), in_dir("ca.key"), &problem) == RF_OK, "the root loads"))
        return;
    f = rf_cert_facts(c);
    ok(strcmp(f->subject, "CN=pbx.example") == 0 && strcmp(f->issuer, "CN=ringfence local CA (test)") == 0,
       "subject %s, issuer %s", f->subject, f->issuer);
    ok(f->not_before <= T0 && f->not_after == f->not_before + RF_LEAF_DAYS * DAY, "397 days");
    ok(rf_cert_facts(ca)->not_after == rf_cert_facts(ca)->not_before + RF_CA_DAYS * DAY,
       "10 years for the root");
    ok(strcmp(f->key, "EC P-256") == 0, "key %s", f->key);
    ok(f->san_count == 4 && strcmp(f->san[2].text, "2001:db8::7") == 0 && f->san[2].kind == RF_SAN_IP,
       "four names, addresses as addresses");
    ok(!f->is_ca && !f->is_self_signed && rf_cert_facts(ca)->is_ca && rf_cert_facts(ca)->is_self_signed,
       "the root is a CA, the leaf is not");
    ok(X509_verify(rf_cert_leaf(c), X509_get0_pubkey(rf_cert_leaf(ca))) == 1, "the root signed the leaf");
    ok(rf_cert_extra_count(c) == 0, "the root is not sent along");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ok(rf_cert_is_for(c, rf_span_str(cases[i].host)) == cases[i].want, "is it for \"%s\"? %s",
           cases[i].host, cases[i].want ? "yes" : "no");
    rf_cert_unref(rf_cert_ref(c));
    rf_cert_unref(c);
    rf_cert_unref(ca);
    rf_cert_unref(NULL);
}

static void
later(void)
{
    struct rf_cert_facts a = leaf_facts(), b;
    static const char *const more[] = { "pbx.example", "192.0.2.7", "2001:db8::7", "sip.example" };

    ok(ensure(names, 4, T0 + 100 * DAY) == RF_OK && !result.made_ca && !result.made_leaf,
       "100 days later: kept");
    ok(rf_cert_renew_at(&a) > T0 + 260 * DAY && rf_cert_renew_at(&a) < T0 + 266 * DAY,
       "renewal is after two thirds");
    ok(ensure(names, 4, rf_cert_renew_at(&a) - 1) == RF_OK && !result.made_leaf,
       "a second before that: kept");
    ok(ensure(names, 4, rf_cert_renew_at(&a)) == RF_OK && result.made_leaf && !result.made_ca,
       "then a new leaf by the same root: %s", result.why);
    b = leaf_facts();
    ok(memcmp(a.sha256, b.sha256, 32) != 0 && strcmp(a.serial, b.serial) != 0, "with another serial number");
    ok(ensure(more, 4, T0 + 270 * DAY) == RF_OK && result.made_leaf, "other names: a new leaf: %s",
       result.why);
    ok(ensure(more, 3, T0 + 270 * DAY) == RF_OK && result.made_leaf, "a name less: a new leaf");
    ok(ensure(more, 3, T0 + 270 * DAY) == RF_OK && !result.made_leaf, "the same again: kept");
}

/* In a process without a terminal, where OpenSSL would read the passphrase from standard input. */
static bool
asks_nobody(void)
{
    static const char pem[] = "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
                              "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n"
                              "-----END CERTIFICATE-----\n";
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        int ends[2], left = 0;
        BIO *in = BIO_new_mem_buf(pem, -1);
        X509 *x;

        rf_assert(setsid() > 0 && pipe(ends) == 0 && write(ends[1], "secret\n", 7) == 7 && dup2(ends[0], 0) == 0);
        _exit(rf_cert_pem_next(in, &x) == RF_ERR_SYNTAX && ioctl(0, FIONREAD, &left) == 0 && left == 7 ? 0 : 1);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void
bad_input(void)
{
    static const char *const evil[] = { "pbx.example,IP:10.0.0.1", "a b", "", "*.", "x\ny" };
    struct rf_cert *c = NULL;
    FILE *f;

    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++)
        ok(ensure(&evil[i], 1, T0) == RF_ERR_RANGE, "name %zu that would smuggle something is refused", i);

    chmod(in_dir("server.key"), 0640);
    ok(rf_cert_load(&c, in_dir("server.pem"), in_dir("server.key"), &problem) == RF_ERR_REFUSED &&
           problem.key_file_is_open && problem.mode == 0640,
       "RF-809: %s", problem.text);
    ok(ensure(names, 4, T0) == RF_ERR_REFUSED, "RF-809 holds for the CA's files too");
    chmod(in_dir("server.key"), 0600);

    ok(rf_cert_load(&c, in_dir("server.pem"), in_dir("ca.key"), &problem) == RF_ERR_SYNTAX,
       "a foreign key: %s", problem.text);
    ok(rf_cert_load(&c, in_dir("absent.pem"), in_dir("ca.key"), &problem) == RF_ERR_NOT_FOUND,
       "no such file: %s", problem.text);
    ok(rf_cert_from_pem(&c, RF_SPAN_LIT("hello"), RF_SPAN_LIT("world"), &problem) == RF_ERR_SYNTAX,
       "not PEM: %s", problem.text);
    ok(asks_nobody(), "a certificate that is marked as encrypted: nobody is asked for a passphrase");

    f = fopen(in_dir("server.pem"), "w");
    fputs("-----BEGIN CERTIFICATE-----\ngarbage\n-----END CERTIFICATE-----\n", f);
    fclose(f);
    ok(ensure(names, 4, T0) == RF_OK && result.made_leaf && !result.made_ca, "a damaged leaf is made anew");
    rename(in_dir("ca.pem"), in_dir("away"));
    ok(ensure(names, 4, T0) == RF_ERR_SYNTAX && strstr(problem.text, "ca.pem is not") != NULL && !result.made_ca,
       "a root's key is not overwritten when the root itself is gone: %s", problem.text);
    rename(in_dir("away"), in_dir("ca.pem"));
    unlink(in_dir("ca.key"));
    ok(ensure(names, 4, T0) == RF_ERR_SYNTAX, "a root without its key is not replaced: %s", problem.text);
}

int
main(void)
{
    static const char *const files[] = { "ca.pem", "ca.key", "ca.crl", "server.pem", "server.key", "issued", "lock" };

    if (!ok(mkdtemp(dir) != NULL, "a directory"))
        return tap_done();
    first_time();
    later();
    bad_input();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(in_dir(files[i]));
    ok(rmdir(dir) == 0, "no other file was left behind");
    return tap_done();
}
