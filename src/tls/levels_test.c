/* IPC-5 to IPC-12, IPC-26, TEL-13, TEL-14: levels are the published ones, and handshakes follow them. */
#include <jansson.h>

#include "tls/harness.h"
#include "tls/levelout.h"

static struct id ec_id, rsa_id;
static struct rf_cert *certs[2];

/* --- the table and Mozilla's files --- */

/* A JSON list joined by ':', or "" of null; without DES-CBC3-SHA. */
static void
joined(json_t *list, char *out, size_t size)
{
    struct rf_buf b = rf_buf(out, size - 1);
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
    {
        if (strcmp(json_string_value(v), "DES-CBC3-SHA") != 0)
            rf_putf(&b, "%s%s", b.n > 0 ? ":" : "", json_string_value(v));
    }
    out[b.n] = '\0';
}

static void
list_is(json_t *level, const char *field, const char *ours, const char *name)
{
    char text[1024];

    joined(json_object_get(level, field), text, sizeof text);
    ok(strcmp(text, ours) == 0, "IPC-12: %s %s as published", name, field);
}

static void
row_is(enum rf_tls_level id, json_t *file)
{
    static const char *const versions[][2] = { { "TLSv1:TLSv1.1:TLSv1.2:TLSv1.3", "old" },
                                               { "TLSv1.2:TLSv1.3", "intermediate" },
                                               { "TLSv1.3", "modern" } };
    const struct rf_tls_level_row *row = rf_tls_level_row(id);
    json_t *level = json_object_get(json_object_get(file, "configurations"), row->kind), *suites;
    int min = row->min_version == TLS1_VERSION ? 0 : row->min_version == TLS1_2_VERSION ? 1 : 2;
    char text[1024];
    json_int_t dh;

    if (!ok(level != NULL, "%s is in the file of its guideline", row->name))
        return;
    suites = json_object_get(level, "openssl_ciphers");
    if (suites == NULL)
        suites = json_object_get(json_object_get(level, "ciphers"), "openssl");
    joined(suites, text, sizeof text);
    ok(strcmp(text, row->suites_12) == 0, "IPC-12: %s TLS 1.2 suites as published", row->name);
    list_is(level,
            json_object_get(level, "openssl_ciphersuites") != NULL ? "openssl_ciphersuites" : "ciphersuites",
            row->suites_13, row->name);
    list_is(level, "tls_curves", row->groups, row->name);
    list_is(level, "certificate_types", row->cert_types, row->name);
    list_is(level, "certificate_curves", row->cert_curves, row->name);
    list_is(level, "certificate_signatures", row->cert_signatures, row->name);
    list_is(level, "oldest_clients", row->oldest_clients, row->name);
    list_is(level, "tls_versions", versions[min][0], row->name);
    ok(strcmp(versions[min][1], row->kind) == 0 && row->max_version == TLS1_3_VERSION,
       "%s ends with TLS 1.3, and begins where its kind does", row->name);
    dh = json_integer_value(json_object_get(level, "dh_param_size"));
    ok(dh == row->dh_bits_min || (dh == 1024 && row->dh_bits_min == 2048),
       "TEL-13: %s DH of %d bits; the file says %d", row->name, row->dh_bits_min, (int)dh);
    ok(json_integer_value(json_object_get(level, "rsa_key_size")) == row->rsa_bits_min &&
           json_integer_value(json_object_get(level, "ecdh_param_size")) == row->ecdh_bits &&
           json_integer_value(json_object_get(level, "hsts_min_age")) == row->hsts_min_age_s &&
           json_integer_value(json_object_get(level, "maximum_certificate_lifespan")) == row->cert_days_max &&
           json_integer_value(json_object_get(level, "recommended_certificate_lifespan")) ==
               row->cert_days_recommended &&
           json_is_true(json_object_get(level, "ocsp_staple")) == row->ocsp_staple &&
           json_is_true(json_object_get(level, "server_preferred_order")) == row->server_order,
       "IPC-12: %s numbers and switches as published", row->name);
}

static void
as_published(void)
{
    static const char *const guidelines[] = { "5.0", "5.7", "5.8", "6.0" };
    size_t in_files = 0;

    for (size_t i = 0; i < 4; i++) {
        char name[64];
        json_t *file;

        snprintf(name, sizeof name, "mozilla-tls/%s.json", guidelines[i]);
        file = json_load_file(tap_data(name), 0, NULL);
        if (!ok(file != NULL, "Mozilla's %s file is there", guidelines[i]))
            continue;
        in_files += json_object_size(json_object_get(file, "configurations"));
        for (int level = 0; level < RF_TLS_LEVEL_COUNT; level++)
            if (strcmp(rf_tls_level_row((enum rf_tls_level)level)->guideline, guidelines[i]) == 0)
                row_is((enum rf_tls_level)level, file);
        json_decref(file);
    }
    ok(in_files == RF_TLS_LEVEL_COUNT, "every level of the four files is in the table, and no other");
}

/* What `ringfence tls levels --json` prints, field by field. Both deviations are said in it. */
static void
as_printed(void)
{
    static char text[RF_TLS_LEVELS_JSON_MAX];
    struct rf_buf b = rf_buf(text, sizeof text);
    json_t *printed, *file = json_load_file(tap_data("mozilla-tls/5.0.json"), 0, NULL), *level, *value;
    const char *kind, *field;
    unsigned same = 0, other = 0;

    rf_tls_levels_json(&b);
    printed = json_loadb(text, b.n, 0, NULL);
    if (!ok(!b.overflow && printed != NULL && file != NULL, "IPC-12: tls levels --json is JSON"))
        return;
    json_object_foreach(json_object_get(file, "configurations"), kind, level)
    {
        json_t *ours = json_object_get(json_object_get(printed, "configurations"), kind);

        json_object_foreach(level, field, value)
        {
            if (json_equal(value, json_object_get(ours, field))) {
                same++;
                continue;
            }
            other++;
            ok(strcmp(kind, "old") == 0 &&
                   (strcmp(field, "openssl_ciphers") == 0 || strcmp(field, "dh_param_size") == 0),
               "IPC-12: only 3DES and the DH size of old differ from the file: %s.%s", kind, field);
        }
        ok(json_object_size(ours) == json_object_size(level), "IPC-12: %s has no field of its own", kind);
    }
    ok(same == 43 && other == 2, "IPC-12: 43 fields as published, 2 documented deviations (%u, %u)", same,
       other);
    ok(json_array_size(json_object_get(printed, "deviations")) == 2, "both are said in the output");
    ok(json_object_size(json_object_get(printed, "guidelines")) == 3,
       "with the three later guidelines beside");
    json_decref(printed);
    json_decref(file);
}

static void
by_name(void)
{
    static const struct {
        const char *name;
        int want; /* -1: not found */
    } cases[] = {
        { "old", RF_TLS_OLD },
        { "old@5.0", RF_TLS_OLD },
        { "intermediate", RF_TLS_INTERMEDIATE },
        { "modern@5.0", RF_TLS_MODERN },
        { "intermediate@5.7", RF_TLS_INTERMEDIATE_57 },
        { "old@5.8", RF_TLS_OLD_58 },
        { "modern@6.0", RF_TLS_MODERN_60 },
        { "old@6.0", -1 },
        { "Intermediate", -1 },
        { "intermediate ", -1 },
        { "intermediate@", -1 },
        { "intermediate@5", -1 },
        { "@5.0", -1 },
        { "old@5.0@5.0", -1 },
        { "", -1 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum rf_tls_level found = RF_TLS_LEVEL_COUNT;
        enum rf_err err = rf_tls_level_find(rf_span_str(cases[i].name), &found);

        ok(cases[i].want < 0 ? err == RF_ERR_NOT_FOUND : err == RF_OK && (int)found == cases[i].want,
           "IPC-8: level \"%s\"%s", cases[i].name, cases[i].want < 0 ? " is none" : "");
    }
    ok(rf_tls_level_default("https", false) == RF_TLS_OLD &&
           rf_tls_level_default("sip-phones", false) == RF_TLS_OLD &&
           rf_tls_level_default("sip-trunks", false) == RF_TLS_INTERMEDIATE &&
           rf_tls_level_default("sip-phones", true) == RF_TLS_INTERMEDIATE,
       "IPC-5, IPC-26, TEL-14: old by default, but not on trunks nor under profile secure");
}

/* --- handshakes --- */

static struct rf_tls_server *
server(enum rf_tls_level level, const char *interface)
{
    struct rf_tls_server_conf conf = { interface, level, certs, 2, NULL };
    struct rf_tls_server *s = NULL;
    const char *why;

    rf_assert(rf_tls_server_new(&s, &conf, &why) == RF_OK);
    return s;
}

/* With one version, suite and group, everything else open; NULL: all. */
static void
shake(struct duel *d, enum rf_tls_level level, const char *interface, int version, const char *suite,
      const char *group)
{
    struct rf_tls_server *s = server(level, interface);
    SSL_CTX *ctx = other_side(false, NULL, NULL);
    char list[128];

    if (version != 0)
        rf_assert(SSL_CTX_set_min_proto_version(ctx, version) == 1 &&
                  SSL_CTX_set_max_proto_version(ctx, version) == 1);
    if (suite != NULL) {
        snprintf(list, sizeof list, "%s:@SECLEVEL=0", suite);
        rf_assert(SSL_CTX_set_cipher_list(ctx, list) == 1);
    }
    if (group != NULL)
        rf_assert(SSL_CTX_set1_groups_list(ctx, group) == 1);
    duel_open(d, s, NULL, "pbx.example", ctx);
    rf_tls_server_unref(s);
    SSL_CTX_free(ctx);
    duel_run(d);
}

static bool
lists(const char *list, const char *name)
{
    struct rf_span rest = rf_span_str(list);

    while (rest.n > 0) {
        size_t n = rf_span_find(rest, ':');

        if (rf_span_is(rf_span_sub(rest, 0, n), name))
            return true;
        rest = rf_span_sub(rest, n + 1, rest.n);
    }
    return false;
}

static void
suites(void)
{
    static const enum rf_tls_level levels[] = {
        RF_TLS_OLD,    RF_TLS_INTERMEDIATE,    RF_TLS_MODERN,
        RF_TLS_OLD_58, RF_TLS_INTERMEDIATE_57, RF_TLS_INTERMEDIATE_60
    };
    static const unsigned want_up[] = { 25, 8, 0, 20, 9, 6 };
    static const char *const others[] = { "ECDHE-ECDSA-AES128-CCM",
                                          "DHE-RSA-AES128-SHA",
                                          "DHE-RSA-CAMELLIA128-SHA256",
                                          "ADH-AES128-GCM-SHA256",
                                          "AES128-CCM",
                                          "ECDHE-ECDSA-NULL-SHA",
                                          "NULL-SHA256",
                                          "DHE-RSA-AES256-SHA",
                                          "ECDHE-ARIA128-GCM-SHA256" };

    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        const struct rf_tls_level_row *row = rf_tls_level_row(levels[i]);
        struct rf_span rest = rf_span_str(rf_tls_level_row(RF_TLS_OLD)->suites_12);
        unsigned up = 0, wrong = 0, small = 0;

        while (rest.n > 0) {
            size_t n = rf_span_find(rest, ':');
            char suite[48];
            struct duel d;
            bool is_listed;

            rf_assert(rf_span_copy(rf_span_sub(rest, 0, n), suite, sizeof suite) == RF_OK);
            rest = rf_span_sub(rest, n + 1, rest.n);
            shake(&d, levels[i], "https", TLS1_2_VERSION, suite, NULL);
            is_listed = lists(row->suites_12, suite);
            up += d.is_up;
            if (d.is_up != is_listed || (d.is_up && strcmp(d.facts.cipher, suite) != 0)) {
                diag("%s at %s: %s", suite, row->name, d.failure.reason);
                wrong++;
            }
            if (d.is_up && strncmp(suite, "DHE", 3) == 0) {
                EVP_PKEY *dh = NULL;

                SSL_get_peer_tmp_key(d.theirs, &dh);
                small += dh == NULL || EVP_PKEY_get_bits(dh) < 2048;
                EVP_PKEY_free(dh);
            }
            duel_close(&d);
        }
        ok(up == want_up[i] && wrong == 0,
           "IPC-9, IPC-10: %s takes the %u of the 25 suites that it lists, one by one", row->name,
           want_up[i]);
        ok(small == 0, "TEL-13: %s: every DHE has 2048 bits or more", row->name);
        for (size_t j = 0; j < sizeof others / sizeof *others; j++) {
            struct duel d;

            shake(&d, levels[i], "https", TLS1_2_VERSION, others[j], NULL);
            if (!ok(!d.is_up && (d.failure.refusal == RF_REFUSE_TLS_NO_CIPHER ||
                                 d.failure.refusal == RF_REFUSE_TLS_VERSION),
                    "IPC-9: %s does not take %s", row->name, others[j]))
                diag("%s", d.failure.reason);
            duel_close(&d);
        }
    }
}

static void
versions(void)
{
    static const int all[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION };
    static const struct {
        enum rf_tls_level level;
        const char *interface;
        bool up[4];
    } cases[] = {
        { RF_TLS_OLD, "https", { true, true, true, true } },
        { RF_TLS_OLD, "sip-phones", { true, true, true, true } },
        { RF_TLS_OLD, "sip-trunks", { false, false, true, true } },
        { RF_TLS_OLD_57, "provisioning", { true, true, true, true } },
        { RF_TLS_OLD_58, "https", { true, true, true, true } },
        { RF_TLS_INTERMEDIATE, "https", { false, false, true, true } },
        { RF_TLS_INTERMEDIATE, "provisioning", { false, false, true, true } },
        { RF_TLS_INTERMEDIATE_60, "https", { false, false, true, true } },
        { RF_TLS_MODERN, "https", { false, false, false, true } },
        { RF_TLS_MODERN_60, "sip-trunks", { false, false, false, true } },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = rf_tls_level_row(cases[i].level)->name;

        for (size_t j = 0; j < 4; j++) {
            struct duel d;

            shake(&d, cases[i].level, cases[i].interface, all[j], NULL, NULL);
            if (cases[i].up[j])
                ok(d.is_up && strcmp(d.facts.version, rf_tls_version_name(all[j])) == 0,
                   "IPC-5, IPC-14: %s at %s speaks TLS %s (%s)", name, cases[i].interface,
                   rf_tls_version_name(all[j]), d.failure.reason);
            else
                ok(!d.is_up && d.failure.refusal == RF_REFUSE_TLS_VERSION &&
                       d.failure.alert_sent == SSL_AD_PROTOCOL_VERSION,
                   "IPC-6, TEL-14: %s at %s refuses TLS %s with protocol_version", name, cases[i].interface,
                   rf_tls_version_name(all[j]));
            duel_close(&d);
        }
    }
}

static void
groups_and_order(void)
{
    static const struct {
        const char *group;
        bool up;
    } cases[] = { { "X25519", true }, { "P-256", true }, { "P-384", true },
                  { "P-521", false }, { "X448", false }, { "ffdhe2048", false } };
    struct duel d;

    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            if (v == TLS1_2_VERSION && strncmp(cases[i].group, "ff", 2) == 0)
                continue; /* TLS 1.2 has no such groups here */
            for (int level = RF_TLS_OLD; level <= RF_TLS_INTERMEDIATE; level++) {
                shake(&d, (enum rf_tls_level)level, "https", v,
                      v == TLS1_2_VERSION ? "ECDHE-RSA-AES128-GCM-SHA256" : NULL, cases[i].group);
                ok(d.is_up == cases[i].up && (d.is_up ? strcmp(d.facts.group, cases[i].group) == 0
                                                      : d.failure.refusal == RF_REFUSE_TLS_NO_GROUP),
                   "TLS %s with group %s alone at %s", rf_tls_version_name(v), cases[i].group,
                   rf_tls_level_row((enum rf_tls_level)level)->name);
                duel_close(&d);
            }
        }
    }
    shake(&d, RF_TLS_OLD, "https", TLS1_2_VERSION,
          "AES256-SHA:ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-GCM-SHA256", NULL);
    ok(d.is_up && strcmp(d.facts.cipher, "ECDHE-RSA-AES128-GCM-SHA256") == 0,
       "IPC-10: old goes by the server's order");
    duel_close(&d);
    shake(&d, RF_TLS_INTERMEDIATE, "https", TLS1_2_VERSION,
          "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256", NULL);
    ok(d.is_up && strcmp(d.facts.cipher, "ECDHE-RSA-CHACHA20-POLY1305") == 0,
       "IPC-9: intermediate goes by the client's order");
    duel_close(&d);
    shake(&d, RF_TLS_OLD, "https", TLS1_VERSION, "ECDHE-RSA-AES128-SHA:AES128-SHA", NULL);
    ok(d.is_up && EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_get0_peer_certificate(d.theirs))) == EVP_PKEY_RSA,
       "a client that takes RSA alone gets the RSA certificate beside the ECDSA one");
    duel_close(&d);
}

/* --- older than TLS 1.0: octets as they were sent in 1996 --- */

static void
raw(const void *octets, size_t n, int alert, const char *what)
{
    for (int level = 0; level < RF_TLS_LEVEL_COUNT; level++) {
        struct rf_tls_server *s = server((enum rf_tls_level)level, "https");
        struct rf_tls_failure f;
        struct rf_tls_conn *c;
        unsigned char answer[64];
        enum rf_err err;
        ssize_t got;
        int fd[2];

        rf_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
        rf_assert(rf_tls_conn_accept(&c, s, fd[0]) == RF_OK);
        rf_assert(write(fd[1], octets, n) == (ssize_t)n);
        err = rf_tls_conn_handshake(c);
        rf_tls_conn_failure(c, &f);
        got = read(fd[1], answer, sizeof answer);
        ok(err == RF_ERR_CRYPTO && f.refusal == RF_REFUSE_TLS_VERSION && got == 7 && answer[0] == 21 &&
               answer[6] == alert,
           "IPC-7: %s is refused at %s with an alert: %s, %s", what,
           rf_tls_level_row((enum rf_tls_level)level)->name, f.version, f.reason);
        rf_tls_conn_free(c);
        rf_tls_server_unref(s);
        close(fd[0]);
        close(fd[1]);
    }
}

static void
older_than_tls(void)
{
    /* Record 22, version 3.0, ClientHello 3.0: random, no session, two suites, no compression. */
    static unsigned char ssl3[5 + 4 + 2 + 32 + 1 + 2 + 4 + 2] = { 22, 3, 0, 0, 47, 1, 0, 0, 43, 3, 0 };
    static unsigned char tls_in_ssl2[2 + 9 + 6 + 16] = { 0x80, 31, 1, 3, 3,    0, 6, 0,   0,
                                                         0,    16, 0, 0, 0x2f, 0, 0, 0x35 };
    static unsigned char ssl2[2 + 9 + 3 + 16] = { 0x80, 28, 1, 0, 2, 0, 3, 0, 0, 0, 16, 1, 0, 0x80 };
    unsigned char *p = ssl3 + 11 + 32;

    *p++ = 0;
    *p++ = 0;
    *p++ = 4;
    *p++ = 0;
    *p++ = 0x2f;
    *p++ = 0;
    *p++ = 0x0a;
    *p++ = 1;
    *p++ = 0;
    /* SSL 3 has no alert protocol_version: handshake_failure stands for it. */
    raw(ssl3, sizeof ssl3, SSL_AD_HANDSHAKE_FAILURE, "an SSL 3 hello");
    raw(tls_in_ssl2, sizeof tls_in_ssl2, SSL_AD_PROTOCOL_VERSION, "TLS 1.2 in an SSL 2 hello");
    raw(ssl2, sizeof ssl2, SSL_AD_PROTOCOL_VERSION, "an SSL 2 hello");
}

int
main(void)
{
    signal(SIGPIPE, SIG_IGN);
    ec_id = make_id(NULL, &(struct make){ .cn = "pbx.example", .san = "DNS:pbx.example" });
    rsa_id = make_id(NULL, &(struct make){ .cn = "pbx.example", .san = "DNS:pbx.example", .rsa_bits = 2048 });
    certs[0] = as_cert(&ec_id, NULL, NULL);
    certs[1] = as_cert(&rsa_id, NULL, NULL);
    as_published();
    as_printed();
    by_name();
    suites();
    versions();
    groups_and_order();
    older_than_tls();
    rf_cert_unref(certs[0]);
    rf_cert_unref(certs[1]);
    free_id(&ec_id);
    free_id(&rsa_id);
    return tap_done();
}
