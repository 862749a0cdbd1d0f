/*
 * cli/cmd_cert_check.c - `ringfence cert check`: what would be said of a certificate chain, without a daemon
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "cert/check.h"
#include "cli/commands.h"

#define CHAIN_FILE_MAX                                                                                       \
    100 /* certificates read from the file; rf_check_peer looks at its first RF_CHECK_CHAIN_MAX */

struct check {
    struct rf_check_question q;
    struct rf_check_report report;
    bool is_phone; /* a SIP phone, which nobody asks for a certificate (AVA-22) */
    struct rf_trust *trust;
    X509 *chain[CHAIN_FILE_MAX];
    struct rf_check_own own[CHAIN_FILE_MAX];
    char *answer; /* of an OCSP responder */
};

/* --- files --- */

/* Certificates of a PEM file, or one in DER. An empty file is a peer that shows none. 0 or an exit status. */
static int
read_certificates(const struct rf_cli *cli, const char *path, X509 **out, size_t max, size_t *count)
{
    FILE *in = fopen(path, "re");
    size_t n = 0, size = RF_CERT_FILE_MAX;
    char *mem = malloc(size);
    const unsigned char *der = (const unsigned char *)mem;
    enum rf_err err = RF_OK;
    BIO *b = NULL;
    X509 *x;
    int status = 0;

    *count = 0;
    if (in == NULL || mem == NULL)
        status = rf_cli_fail(cli, RF_EXIT_USAGE, "%s: %s", path, strerror(errno));
    else
        n = fread(mem, 1, size, in);
    if (status == 0 && (ferror(in) || n == size))
        status = rf_cli_fail(cli, RF_EXIT_USAGE, "%s cannot be read, or is longer than 1 MB", path);
    if (status == 0 && rf_span_find_str(rf_span(mem, n), RF_SPAN_LIT("-----BEGIN ")) == n) {
        x = n > 0 ? d2i_X509(NULL, &der, (long)n) : NULL;
        if (x != NULL)
            out[(*count)++] = x;
        else if (rf_span_trim(rf_span(mem, n)).n > 0)
            status = rf_cli_fail(cli, RF_EXIT_USAGE, "%s holds no certificate", path);
    } else if (status == 0) {
        b = BIO_new_mem_buf(mem, (int)n);
        while (b != NULL && *count < max && (err = rf_cert_pem_next(b, &x)) == RF_OK)
            out[(*count)++] = x;
        if (*count == 0 || err == RF_ERR_SYNTAX)
            status = rf_cli_fail(cli, RF_EXIT_USAGE, "%s: certificate %zu is damaged", path, *count + 1);
    }
    ERR_clear_error();
    BIO_free(b);
    free(mem);
    if (in != NULL)
        fclose(in);
    return status;
}

/* Our identities: what is no authority in the file. */
static int
read_own(const struct rf_cli *cli, const char *path, struct check *c)
{
    X509 *own[CHAIN_FILE_MAX];
    size_t n;
    int status = read_certificates(cli, path, own, CHAIN_FILE_MAX, &n);

    for (size_t i = 0; i < n; i++) {
        if (i == 0 || (X509_get_extension_flags(own[i]) & EXFLAG_CA) == 0)
            rf_check_own(own[i], &c->own[c->q.own_count++]);
        X509_free(own[i]);
    }
    c->q.own = c->own;
    return status;
}

static int
read_store(const struct rf_cli *cli, struct check *c)
{
    const char *path[] = { rf_cli_flag(cli, "--store"), rf_cli_flag(cli, "--crl") };
    struct rf_cert_problem problem;

    if (rf_trust_new(&c->trust) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_FAILED, "out of memory");
    for (size_t i = 0; i < 2; i++)
        if (path[i] != NULL && rf_trust_add_path(c->trust, path[i], &problem) != RF_OK)
            return rf_cli_fail(cli, RF_EXIT_USAGE, "%s", problem.text);
    if (path[1] != NULL && rf_trust_crl_count(c->trust) == 0)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%s holds no revocation list", path[1]);
    c->q.trust = c->trust;
    return 0;
}

/* As a server would have stapled it. */
static int
read_answer(const struct rf_cli *cli, struct check *c)
{
    const char *path = rf_cli_flag(cli, "--ocsp-response");
    struct rf_cert_problem problem;
    size_t n;

    if (path == NULL)
        return 0;
    if (rf_cert_file_read(path, false, &c->answer, &n, &problem) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%s", problem.text);
    if (n == 0)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%s is empty", path);
    c->q.stapled = rf_span(c->answer, n);
    if (rf_cli_flag(cli, "--ocsp") == NULL)
        c->q.ocsp = RF_CHECK_OCSP_SOFT;
    return 0;
}

/* --- flags --- */

/* date-time of RFC 3339: 2026-11-21T09:58:01Z, with an offset instead of Z, with or without a fraction. */
static bool
parse_time(const char *text, int64_t *out)
{
    struct tm tm = { 0 };
    const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int hours, minutes;
    char sign;

    if (p == NULL)
        return false;
    if (*p == '.' && p[1] >= '0' && p[1] <= '9')
        p += 1 + strspn(p + 1, "0123456789");
    *out = (int64_t)timegm(&tm);
    if (strcmp(p, "Z") == 0 || strcmp(p, "z") == 0)
        return true;
    if (strlen(p) != 6 || sscanf(p, "%c%2d:%2d", &sign, &hours, &minutes) != 3 ||
        (sign != '+' && sign != '-'))
        return false;
    *out -= (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
    return true;
}

static int
take_flags(const struct rf_cli *cli, struct check *c)
{
    const char *level = rf_cli_flag(cli, "--level"), *interface = rf_cli_flag(cli, "--interface");
    const char *peer = rf_cli_flag(cli, "--peer"), *at = rf_cli_flag(cli, "--at"), *ocsp = rf_cli_flag(cli, "--ocsp");
    struct rf_check_question *q = &c->q;

    q->medium_is_legacy = rf_cli_flag(cli, "--legacy-medium") != NULL;
    if (level == NULL || rf_check_level_find(rf_span_str(level), &q->level) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE,
                           "--level takes none, low, medium, high, medium-remote or high-remote");
    c->is_phone =
        interface != NULL && (strcmp(interface, "phone") == 0 || strcmp(interface, "sip-phones") == 0);
    if (interface == NULL || c->is_phone || strcmp(interface, "sip") == 0)
        q->use = RF_CHECK_SIP;
    else if (strcmp(interface, "https") == 0)
        q->use = RF_CHECK_HTTPS;
    else if (strcmp(interface, "provisioning") == 0)
        q->use = RF_CHECK_PROVISIONING;
    else
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--interface takes sip, https, provisioning or phone");
    if (peer != NULL && strcmp(peer, "client") != 0 && strcmp(peer, "server") != 0)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--peer takes client or server");
    q->peer_is_server = peer != NULL && strcmp(peer, "server") == 0;
    if (ocsp != NULL && rf_check_ocsp_find(rf_span_str(ocsp), &q->ocsp) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--ocsp takes off, soft or hard");
    q->target = rf_span_str(rf_cli_flag(cli, "--target"));
    q->now_s = (int64_t)time(NULL);
    if (at != NULL && !parse_time(at, &q->now_s))
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--at takes a time like 2026-11-21T09:58:01Z");
    return 0;
}

/* --- what is printed --- */

static const char *
word_of(enum rf_check_result r)
{
    return r == RF_CHECK_PASS ? "pass" : r == RF_CHECK_FAIL ? "fail" : "not made";
}

/* "yes", "no"; NULL: a remote level, and no name was given to compare. */
static const char *
would_pass(const struct rf_check_report *r, unsigned level)
{
    bool is_remote = level == RF_CHECK_MEDIUM_REMOTE || level == RF_CHECK_HIGH_REMOTE;

    if ((r->passes_level & (1u << level)) == 0)
        return "no";
    return is_remote && !r->is_name_known ? NULL : "yes";
}

static const char *
column_name(unsigned level)
{
    return level == RF_CHECK_LEVEL_COUNT ? "medium-legacy" : rf_check_level_name((enum rf_check_level)level);
}

struct words {
    char sentence[1024], fix[1024];
};

static void
fill_words(const struct rf_check_report *r, const char *peer, struct words *w)
{
    const struct rf_refusal_row *row = rf_refusal_row(r->refusal);
    struct rf_log_field field[RF_CHECK_FIELDS_MAX];
    struct rf_buf sentence = rf_buf(w->sentence, sizeof w->sentence - 1),
                  fix = rf_buf(w->fix, sizeof w->fix - 1);

    rf_check_fields(r, peer, field);
    rf_refusal_sentence(&sentence, row->sentence, field);
    rf_refusal_sentence(&fix, row->fix, field);
    sentence.p[sentence.n] = '\0';
    fix.p[fix.n] = '\0';
}

/* "2026-11-21T09:58:01Z"; "" none. */
static void
put_time(int64_t s, char *out, size_t size)
{
    time_t t = (time_t)s;
    struct tm tm;

    if (s == 0 || gmtime_r(&t, &tm) == NULL || strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        out[0] = '\0';
}

static void
print_json(const struct check *c, const struct words *w)
{
    const struct rf_check_report *r = &c->report;
    const struct rf_refusal_row *row = rf_refusal_row(r->refusal);
    json_t *checks = json_array(), *levels = json_object(), *path = json_array(), *names = json_array();
    json_t *out = json_pack("{s:b, s:s}", "accepted", r->is_accepted, "level", rf_check_level_name(r->level));

    for (int rule = 0; rule < RF_CHECK_RULE_COUNT; rule++)
        json_array_append_new(
            checks, json_pack("{s:s, s:s, s:b, s:s}", "check", rf_check_rule_name((enum rf_check_rule)rule),
                              "result", word_of(r->line[rule].otherwise), "required",
                              r->line[rule].result != RF_CHECK_NOT_MADE, "detail", r->line[rule].detail));
    for (unsigned level = 0; level <= RF_CHECK_LEVEL_COUNT; level++) {
        const char *would = would_pass(r, level);

        json_object_set_new(levels, column_name(level),
                            would == NULL ? json_null() : json_boolean(would[0] == 'y'));
    }
    for (size_t i = 0; i < r->path_count; i++)
        json_array_append_new(path, json_string(r->path[i]));
    for (size_t i = 0; i < r->leaf.san_count; i++)
        json_array_append_new(names, json_string(r->leaf.san[i].text));
    json_object_set_new(out, "checks", checks);
    json_object_set_new(out, "would_pass", levels);
    json_object_set_new(out, "path", path);
    if (r->leaf.subject[0] != '\0' || r->leaf.serial[0] != '\0')
        json_object_set_new(out, "certificate",
                            json_pack("{s:s, s:s, s:s, s:s, s:s, s:O}", "subject", r->leaf.subject, "issuer",
                                      r->leaf.issuer, "serial", r->leaf.serial, "key", r->leaf.key, "sha256",
                                      r->words.fingerprint, "names", names));
    json_decref(names);
    if (c->q.ocsp != RF_CHECK_OCSP_OFF) {
        char until[32] = "";

        put_time(r->ocsp.next_update, until, sizeof until);
        json_object_set_new(out, "ocsp",
                            json_pack("{s:s, s:s, s:s}", "status", rf_ocsp_status_name(r->ocsp.status), "why",
                                      r->ocsp.why, "until", until));
    }
    if (!r->is_accepted) {
        json_object_set_new(out, "failed", json_string(rf_check_rule_name(r->first_failed)));
        json_object_set_new(out, "code", json_string(row->code));
        json_object_set_new(out, "name", json_string(row->slug));
        json_object_set_new(out, "sentence", json_string(w->sentence));
        json_object_set_new(out, "fix", json_string(w->fix));
        if (r->missing_issuer[0] != '\0')
            json_object_set_new(out, "missing_issuer", json_string(r->missing_issuer));
        if (r->missing_issuer_url[0] != '\0')
            json_object_set_new(out, "missing_issuer_url", json_string(r->missing_issuer_url));
    }
    rf_cli_json(out);
    json_decref(out);
}

static void
print_text(const struct check *c, const struct words *w)
{
    const struct rf_check_report *r = &c->report;
    const struct rf_refusal_row *row = rf_refusal_row(r->refusal);

    if (r->is_accepted)
        printf("accepted     level %s\n", rf_check_level_name(r->level));
    else
        printf("refused      level %s: %s %s\nwhy          %s\nfix          %s\n",
               rf_check_level_name(r->level), row->code, row->slug, w->sentence, w->fix);
    if (r->leaf.serial[0] != '\0')
        printf("subject      %s\nissuer       %s\nserial       %s\nsha256       %s\n", r->leaf.subject,
               r->leaf.issuer, r->leaf.serial, r->words.fingerprint);
    for (size_t i = 0; i < r->path_count; i++)
        printf("%-12s %s\n", i == 0 ? "path" : "", r->path[i]);
    if (c->q.ocsp != RF_CHECK_OCSP_OFF)
        printf("%-12s %s%s%s\n", "ocsp", rf_ocsp_status_name(r->ocsp.status), r->ocsp.why[0] != '\0' ? ": " : "",
               r->ocsp.why);
    printf("\n%-20s %-10s %-9s %s\n", "CHECK", "RESULT", "COUNTS", "DETAIL");
    for (int rule = 0; rule < RF_CHECK_RULE_COUNT; rule++)
        printf("%-20s %-10s %-9s %s\n", rf_check_rule_name((enum rf_check_rule)rule),
               word_of(r->line[rule].otherwise), r->line[rule].result != RF_CHECK_NOT_MADE ? "yes" : "no",
               r->line[rule].detail);
    printf("\n%-20s %s\n", "LEVEL", "WOULD PASS");
    for (unsigned level = 0; level <= RF_CHECK_LEVEL_COUNT; level++) {
        const char *would = would_pass(r, level);

        printf("%-20s %s\n", column_name(level), would != NULL ? would : "not known without --target");
    }
}

static int
judge(const struct rf_cli *cli, struct check *c)
{
    const char *target = rf_cli_flag(cli, "--target");
    bool is_remote = c->q.level == RF_CHECK_MEDIUM_REMOTE || c->q.level == RF_CHECK_HIGH_REMOTE;
    struct words words;

    if (c->is_phone && c->q.chain_count == 0) {
        if (cli->json)
            printf("{\"accepted\":true,\"detail\":\"a SIP phone is not asked for a certificate\"}\n");
        else
            printf("accepted     a SIP phone is not asked for a certificate\n");
        return RF_EXIT_DONE;
    }
    if ((is_remote || c->q.use == RF_CHECK_PROVISIONING) && c->q.target.n == 0)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--target is needed here: the %s",
                           is_remote ? "name or address that the connection is for"
                                     : "hardware address that was asked for");
    if (rf_check_peer(&c->q, &c->report) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%s cannot be judged", cli->arg[0]);
    fill_words(&c->report, target != NULL && c->q.use != RF_CHECK_PROVISIONING ? target : "the peer", &words);
    if (cli->json)
        print_json(c, &words);
    else
        print_text(c, &words);
    return c->report.is_accepted ? RF_EXIT_DONE : RF_EXIT_FOUND;
}

int
rf_cmd_cert_check(struct rf_cli *cli)
{
    struct check *c = calloc(1, sizeof *c);
    const char *own = rf_cli_flag(cli, "--own");
    int status;

    if (c == NULL)
        return rf_cli_fail(cli, RF_EXIT_FAILED, "out of memory");
    status = take_flags(cli, c);
    if (status == 0)
        status = read_store(cli, c);
    if (status == 0)
        status = read_certificates(cli, cli->arg[0], c->chain, CHAIN_FILE_MAX, &c->q.chain_count);
    if (status == 0)
        status = read_answer(cli, c);
    if (status == 0 && own != NULL)
        status = read_own(cli, own, c);
    c->q.chain = c->chain;
    if (status == 0)
        status = judge(cli, c);
    for (size_t i = 0; i < c->q.chain_count; i++)
        X509_free(c->chain[i]);
    rf_trust_unref(c->trust);
    free(c->answer);
    free(c);
    return status;
}
