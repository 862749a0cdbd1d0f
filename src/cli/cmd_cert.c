/*
 * cli/cmd_cert.c - certificates: ours, those that are trusted, and those of peers that were refused
 *
 * A private key is copied into the state directory with mode 0600 and goes no other way; the daemon is told its path.
 */
#include <dirent.h>
#include <errno.h>
#include <openssl/bio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "cert/ca_files.h"
#include "cert/cert.h"
#include "cli/commands.h"
#include "conf/options.h"

#define FOLDER    "certs" /* main/credentials.h */
#define PAIRS_MAX 2       /* RSA and ECDSA */
#define PATH_SIZE 1200

/* --- columns ------------------------------------------------------------------------------------------- */

/* "CN=x,O=y" -> "x": what people know it by. */
static struct rf_span
common_name(const char *name)
{
    const char *cn = strstr(name, "CN=");
    struct rf_span s = rf_span_str(cn != NULL ? cn + 3 : name);

    return rf_span_sub(s, 0, rf_span_find(s, ','));
}

static void
put_name(struct rf_buf *b, const json_t *row, bool terminal)
{
    const char *name = rf_cli_text(row, "name");

    if (name[0] != '\0')
        rf_put_str(b, name);
    else
        rf_put(b, common_name(rf_cli_text(row, "subject")));
}

static void
put_issuer(struct rf_buf *b, const json_t *row, bool terminal)
{
    if (json_is_true(json_object_get(row, "self_signed")))
        rf_put_str(b, "self");
    else
        rf_put(b, common_name(rf_cli_text(row, "issuer")));
}

static void
put_words(struct rf_buf *b, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        rf_putf(b, "%s%s", i > 0 ? " " : "", json_string_value(json_array_get(list, i)));
}

static bool
is_list(const json_t *row)
{
    return strcmp(rf_cli_text(row, "kind"), "revocation-list") == 0;
}

static void
put_use(struct rf_buf *b, const json_t *row, bool terminal)
{
    if (is_list(row))
        rf_putf(b, "%lld revoked", (long long)json_integer_value(json_object_get(row, "revoked")));
    else if (strcmp(rf_cli_text(row, "kind"), "own") == 0)
        put_words(b, json_object_get(row, "used_by"));
    else
        rf_putf(b, "trusted for %s", strcmp(rf_cli_text(row, "for"), "*") == 0 ? "all" : rf_cli_text(row, "for"));
}

/* What needs a person, in words. */
static void
put_state(struct rf_buf *b, const json_t *row, bool terminal)
{
    json_int_t days = json_integer_value(json_object_get(row, "days"));
    const json_t *staple = json_object_get(row, "staple");

    rf_put_str(b, rf_cli_text(row, "source"));
    if (is_list(row)) {
        if (json_is_true(json_object_get(row, "stale")))
            rf_put_str(b, ", WARN a newer list is due");
        return;
    }
    if (json_is_true(json_object_get(row, "must_staple")) && !json_is_true(json_object_get(staple, "shown")))
        rf_put_str(b, ", WARN must-staple without an answer (RF-217)");
    else if (json_is_object(staple))
        rf_put_str(b, json_is_true(json_object_get(staple, "shown")) ? ", stapled" : ", WARN not stapled yet");
    if (days < 0)
        rf_put_str(b, ", FAIL has ended");
    else if (days < 14)
        rf_put_str(b, ", WARN ends soon");
    if (json_is_false(json_object_get(row, "complete")))
        rf_put_str(b, ", WARN chain not complete (RF-203)");
}

static void
put_levels(struct rf_buf *b, const json_t *row, bool terminal)
{
    if (json_array_size(json_object_get(row, "would_pass")) == 0)
        rf_put_str(b, "no level");
    put_words(b, json_object_get(row, "would_pass"));
}

/* --- list, show ---------------------------------------------------------------------------------------- */

/* Only what ends within so many seconds. */
static json_t *
keep_expiring(const json_t *rows, int64_t within_s)
{
    json_t *kept = json_array();

    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);

        /* Lists last some days each; only one that nobody renewed needs a person. */
        if (is_list(row) ? json_is_true(json_object_get(row, "stale"))
                         : json_integer_value(json_object_get(row, "days")) * 86400 < within_s)
            json_array_append(kept, row);
    }
    return kept;
}

int
rf_cmd_cert_list(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "DAYS", "days", true, NULL },         { "NAME", "name", false, put_name },
        { "USED FOR", "used_by", false, put_use }, { "ISSUER", "issuer", false, put_issuer },
        { "KEY", "key", false, NULL },          { "SOURCE", "source", false, put_state },
    };
    const char *expiring = rf_cli_flag(cli, "--expiring");
    int64_t within_s = 0;
    json_t *rows, *shown;
    int status;

    if (expiring != NULL && rf_duration_parse(rf_span_str(expiring), &within_s) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--expiring takes a time such as 14d");
    rows = rf_cli_ask(cli, json_pack("{s:s}", "command", "cert.list"), &status);
    if (rows == NULL)
        return status;
    shown = expiring != NULL ? keep_expiring(rows, within_s) : json_incref(rows);
    rf_cli_list(cli, shown, columns, sizeof columns / sizeof *columns);
    status = expiring != NULL && json_array_size(shown) > 0 ? RF_EXIT_FOUND : RF_EXIT_DONE;
    json_decref(shown);
    json_decref(rows);
    return status;
}

/* "5f70bf18..." as people compare it, and as openssl prints it: "5F:70:BF:18:...". */
static void
print_fingerprint(const char *hex)
{
    printf("fingerprint  SHA-256 ");
    for (size_t i = 0; hex[i] != '\0' && hex[i + 1] != '\0'; i += 2)
        printf("%s%c%c", i > 0 ? ":" : "", hex[i] & ~(hex[i] >= 'a' ? 0x20 : 0),
               hex[i + 1] & ~(hex[i + 1] >= 'a' ? 0x20 : 0));
    printf("\n");
}

/* When its authority was asked, how long the answer counts, and what went wrong since. */
static void
print_staple(const json_t *c)
{
    const json_t *staple = json_object_get(c, "staple");
    const char *fetched = rf_cli_text(staple, "fetched"), *failed = rf_cli_text(staple, "failed");

    if (json_is_true(json_object_get(c, "must_staple")))
        printf("must-staple  its authority's answer is promised in every handshake%s\n",
               json_is_object(staple) ? "" : ", and none is sent (RF-217)");
    if (!json_is_object(staple))
        return;
    if (fetched[0] != '\0')
        printf("staple       fetched %s, next update %s\n", fetched, rf_cli_text(staple, "next_update"));
    else
        printf("staple       none yet\n");
    if (failed[0] != '\0')
        printf("failed       %s: %s\n", failed, rf_cli_text(staple, "failure"));
}

static void
print_list(const json_t *c)
{
    const char *until = rf_cli_text(c, "next_update");

    printf("list         %s\nissuer       %s\nrevoked      %lld\nmade         %s\nnext update  %s%s\nread         %s\n",
           rf_cli_text(c, "source"), rf_cli_text(c, "issuer"),
           (long long)json_integer_value(json_object_get(c, "revoked")), rf_cli_text(c, "made"),
           until[0] != '\0' ? until : "none named", json_is_true(json_object_get(c, "stale")) ? "  WARN it is due" : "",
           rf_cli_text(c, "read"));
    print_fingerprint(rf_cli_text(c, "sha256"));
}

static void
print_cert(const json_t *c)
{
    const json_t *chain = json_object_get(c, "chain");
    char mem[8192];
    struct rf_buf b = rf_buf(mem, sizeof mem);

    put_words(&b, json_object_get(c, "names"));
    if (rf_cli_text(c, "name")[0] != '\0')
        printf("name         %s\n", rf_cli_text(c, "name"));
    printf("subject      %s\nissuer       %s\nserial       %s\nkey          %s\n", rf_cli_text(c, "subject"),
           rf_cli_text(c, "issuer"), rf_cli_text(c, "serial"), rf_cli_text(c, "key"));
    printf("names        %.*s\n", RF_SPAN_ARG(rf_buf_span(&b)));
    printf("from         %s\nuntil        %s (%lld days)\n", rf_cli_text(c, "not_before"), rf_cli_text(c, "not_after"),
           (long long)json_integer_value(json_object_get(c, "days")));
    print_fingerprint(rf_cli_text(c, "sha256"));
    b.n = 0;
    put_use(&b, c, false);
    printf("used         %.*s\n", RF_SPAN_ARG(rf_buf_span(&b)));
    b.n = 0;
    put_state(&b, c, false);
    printf("source       %.*s\n", RF_SPAN_ARG(rf_buf_span(&b)));
    if (rf_cli_text(c, "trust")[0] != '\0')
        printf("trusted by   %s\n", strcmp(rf_cli_text(c, "trust"), "public") == 0
                                        ? "the public lists of authorities"
                                        : "those who know its authority (private)");
    for (size_t i = 0; i < json_array_size(chain); i++)
        printf("chain %zu      %s, until %s\n", i + 1, rf_cli_text(json_array_get(chain, i), "subject"),
               rf_cli_text(json_array_get(chain, i), "not_after"));
    print_staple(c);
    if (rf_cli_text(c, "missing")[0] != '\0')
        printf("missing      %s: neither in the chain nor a root that this machine knows\n", rf_cli_text(c, "missing"));
}

int
rf_cmd_cert_show(struct rf_cli *cli)
{
    int status;
    json_t *rows = rf_cli_ask(cli, json_pack("{s:s, s:s}", "command", "cert.show", "name", cli->arg[0]), &status);

    if (rows == NULL)
        return status;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        if (cli->json) {
            rf_cli_json(json_array_get(rows, i));
            continue;
        }
        if (i > 0)
            printf("\n");
        if (is_list(json_array_get(rows, i)))
            print_list(json_array_get(rows, i));
        else
            print_cert(json_array_get(rows, i));
    }
    json_decref(rows);
    return RF_EXIT_DONE;
}

int
rf_cmd_cert_export(struct rf_cli *cli)
{
    const char *out = rf_cli_flag(cli, "--out");
    int status;
    json_t *result = rf_cli_ask(cli, json_pack("{s:s, s:s, s:b}", "command", "cert.export", "name",
                                               cli->arg_count > 0 ? cli->arg[0] : "", "root",
                                               rf_cli_flag(cli, "--root") != NULL),
                                &status);
    FILE *f = stdout;

    if (result == NULL)
        return status;
    if (out != NULL)
        f = fopen(out, "we");
    if (cli->json && out == NULL)
        rf_cli_json(result);
    else if (f == NULL || fputs(rf_cli_text(result, "pem"), f) < 0 || (f != stdout && fclose(f) != 0))
        status = rf_cli_refuse(cli, RF_EXIT_FAILED, RF_REFUSE_FILE_ACCESS, NULL, "%s: %s", out != NULL ? out : "stdout",
                               strerror(errno));
    json_decref(result);
    return status;
}

/* --- add ----------------------------------------------------------------------------------------------- */

static void
print_changed(const struct rf_cli *cli, const json_t *result, const char *what)
{
    if (cli->json)
        rf_cli_json(result);
    else if (!cli->quiet)
        fprintf(stderr, "%s\n", what);
}

struct pair {
    char chain[PATH_SIZE], key[PATH_SIZE]; /* below the state directory */
};

static int
refuse_pair(const struct rf_cli *cli, enum rf_err err, const struct rf_cert_problem *problem)
{
    const char *text = problem->text[0] != '\0' ? problem->text : rf_err_text(err);

    if (problem->key_file_is_open)
        return rf_cli_refuse(cli, RF_EXIT_USAGE, RF_REFUSE_KEY_FILE_MODE, "chmod 600 the key", "%s", text);
    return rf_cli_refuse(cli, RF_EXIT_USAGE, problem->is_mismatch ? RF_REFUSE_KEY_MISMATCH : RF_REFUSE_FILE_OF_CERTS, NULL,
                         "%s", text);
}

/* The folder of such files; its owner is that of the state directory: the daemon's user. */
static int
open_folder(const struct rf_cli *cli, struct rf_ca_folder *f, const char *path)
{
    struct rf_cert_problem problem = { 0 };
    struct stat owner;

    f->fd = f->lock_fd = -1;
    if (stat(cli->state_dir, &owner) != 0 || (mkdir(path, 0700) != 0 && errno != EEXIST) ||
        (geteuid() == 0 && lchown(path, owner.st_uid, owner.st_gid) != 0))
        return rf_cli_refuse(cli, RF_EXIT_FAILED, RF_REFUSE_FILE_ACCESS, NULL, "%s: %s", path, strerror(errno));
    if (rf_ca_folder_open(f, path, &problem) != RF_OK)
        return rf_cli_refuse(cli, RF_EXIT_FAILED, RF_REFUSE_FILE_ACCESS, NULL, "%s", problem.text);
    return RF_EXIT_DONE;
}

static enum rf_err
write_file(const struct rf_ca_folder *f, const char *path, struct rf_span octets, mode_t mode,
           struct rf_cert_problem *problem)
{
    BIO *content = BIO_new_mem_buf(octets.p, (int)octets.n);
    enum rf_err err = content != NULL ? rf_ca_write(f, strrchr(path, '/') + 1, mode, content, problem) : RF_ERR_NOMEM;

    BIO_free(content);
    return err;
}

/* Copied under a name of its own: what an earlier version of the settings names stays where it is. */
static int
copy_pair(const struct rf_cli *cli, const char *name, const char *chain_path, const char *key_path, struct pair *out)
{
    char path[1100], *chain = NULL, *key = NULL, hex[17];
    struct rf_cert_problem problem = { 0 };
    struct rf_buf b = rf_buf(hex, sizeof hex - 1);
    struct rf_ca_folder folder;
    size_t chain_n = 0, key_n = 0;
    struct rf_cert *cert = NULL;
    enum rf_err err = rf_cert_load(&cert, chain_path, key_path, &problem);
    int status;

    if (err)
        return refuse_pair(cli, err, &problem);
    rf_put_hex(&b, rf_cert_facts(cert)->sha256, 8);
    hex[b.n] = '\0';
    rf_cert_unref(cert);
    snprintf(path, sizeof path, "%.1000s/" FOLDER, cli->state_dir);
    snprintf(out->chain, sizeof out->chain, "%s/%s.%s.pem", path, name, hex);
    snprintf(out->key, sizeof out->key, "%s/%s.%s.key", path, name, hex);
    status = open_folder(cli, &folder, path);
    if (status != RF_EXIT_DONE)
        return status;
    err = rf_cert_file_read(chain_path, false, &chain, &chain_n, &problem);
    if (!err)
        err = rf_cert_file_read(key_path, true, &key, &key_n, &problem);
    if (err)
        status = refuse_pair(cli, err, &problem);
    if (!err)
        err = write_file(&folder, out->key, rf_span(key, key_n), 0600, &problem);
    if (!err)
        err = write_file(&folder, out->chain, rf_span(chain, chain_n), 0644, &problem);
    if (err && status == RF_EXIT_DONE)
        status = rf_cli_refuse(cli, RF_EXIT_FAILED, RF_REFUSE_FILE_ACCESS, NULL, "%s",
                               problem.text[0] != '\0' ? problem.text : rf_err_text(err));
    rf_ca_folder_close(&folder);
    if (key != NULL)
        rf_wipe(key, key_n);
    free(key);
    free(chain);
    return status;
}

static bool
is_name(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+~");

    return n > 0 && n < 64 && s[n] == '\0' && s[0] != '.' && strcmp(s, "local") != 0;
}

int
rf_cmd_cert_add(struct rf_cli *cli)
{
    const char *name = cli->arg[0], *use = rf_cli_flag(cli, "--for");
    struct pair pair[PAIRS_MAX];
    json_t *chains = json_array(), *keys = json_array(), *result = NULL;
    int pairs = (cli->arg_count - 1) / 2, status = RF_EXIT_DONE, made = 0;

    if (cli->arg_count % 2 == 0 || pairs > PAIRS_MAX)
        status = rf_cli_fail(cli, RF_EXIT_USAGE,
                             "a chain and its key are needed, or two of each: cert add NAME CHAIN KEY, not %d files",
                             cli->arg_count - 1);
    else if (!is_name(name))
        status = rf_cli_fail(cli, RF_EXIT_USAGE,
                             "\"%.80s\" cannot be the name of a certificate: 1 to 63 letters, digits and - _ . + ~, not local",
                             name);
    for (; status == RF_EXIT_DONE && made < pairs; made++) {
        status = copy_pair(cli, name, cli->arg[1 + 2 * made], cli->arg[2 + 2 * made], &pair[made]);
        if (status == RF_EXIT_DONE) {
            json_array_append_new(chains, json_sprintf("file:%s", pair[made].chain));
            json_array_append_new(keys, json_sprintf("file:%s", pair[made].key));
        }
    }
    if (status == RF_EXIT_DONE)
        result = rf_cli_ask(cli,
                            json_pack("{s:s, s:s, s:O, s:O, s:s}", "command", "cert.add", "name", name, "chain", chains,
                                      "key", keys, "for", use != NULL ? use : ""),
                            &status);
    if (result != NULL)
        print_changed(cli, result, "the certificate was added");
    /* Files that nothing names shall not lie about; one with the same content may be in use already. */
    for (int i = 0; result == NULL && status != RF_EXIT_NO_DAEMON && i < (int)json_array_size(chains); i++) {
        unlink(pair[i].chain);
        unlink(pair[i].key);
    }
    json_decref(result);
    json_decref(chains);
    json_decref(keys);
    return status;
}

int
rf_cmd_cert_renew(struct rf_cli *cli)
{
    int status;
    json_t *result = rf_cli_ask(cli, json_pack("{s:s, s:s}", "command", "cert.renew", "name",
                                               cli->arg_count > 0 ? cli->arg[0] : "local"),
                                &status);

    if (result == NULL)
        return status;
    /* Ours is made at once; an authority takes its time. */
    print_changed(cli, result, json_object_get(result, "certificate") != NULL
                                   ? "the authority is asked now; ringfence cert automatic shows what becomes of it"
                                   : "the certificate was renewed");
    json_decref(result);
    return RF_EXIT_DONE;
}

/* --- what is trusted ----------------------------------------------------------------------------------- */

int
rf_cmd_cert_refused(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "EVENT", "event", true, NULL },        { "AT", "at", false, NULL },
        { "PEER", "peer", false, NULL },         { "INTERFACE", "interface", false, NULL },
        { "CODE", "code", false, NULL },         { "NAME", "subject", false, put_name },
        { "ISSUER", "issuer", false, put_issuer }, { "WOULD PASS", "would_pass", false, put_levels },
        { "TIMES", "times", true, NULL },        { "SHA-256", "sha256", false, NULL },
    };

    return rf_cli_ask_list(cli, json_pack("{s:s}", "command", "cert.refused"), columns,
                           sizeof columns / sizeof *columns);
}

static const char *
who_am_i(void)
{
    const char *name = getenv("SUDO_USER");

    if (name == NULL)
        name = getenv("USER");
    return name != NULL && name[0] != '\0' ? name : "command line";
}

/*
 * The certificate of the event, or what signed it, as it will be trusted: shown before it is asked for. Its fingerprint
 * goes into the request, because another stranger may be "last" before somebody says yes.
 */
static int
show_event(struct rf_cli *cli, const char *event, bool authority, json_t *request)
{
    int status;
    json_t *rows = rf_cli_ask(cli, json_pack("{s:s, s:s}", "command", "cert.refused", "event", event), &status);
    const json_t *row = json_array_get(rows, 0), *by = json_object_get(row, "signed_by");

    if (row != NULL && !cli->json && !cli->quiet)
        fprintf(stderr, "%s from %s, refused %s %s\n  issuer   %s\n  SHA-256  %s\n", rf_cli_text(row, "subject"),
                rf_cli_text(row, "peer"), rf_cli_text(row, "code"), rf_cli_text(row, "reason"),
                rf_cli_text(row, "issuer"), rf_cli_text(row, "sha256"));
    if (authority && by != NULL && !cli->json && !cli->quiet)
        fprintf(stderr, "what signed it, and will be trusted with all that it signs: %s\n  SHA-256  %s\n",
                rf_cli_text(by, "subject"), rf_cli_text(by, "sha256"));
    json_object_set_new(request, "event", json_string(event));
    json_object_set_new(request, "sha256", json_string(rf_cli_text(authority ? by : row, "sha256")));
    json_decref(rows);
    return status;
}

int
rf_cmd_cert_trust(struct rf_cli *cli)
{
    const char *what = cli->arg[0], *scope = rf_cli_flag(cli, "--for");
    bool is_event = strcmp(what, "last") == 0 || what[strspn(what, "0123456789")] == '\0';
    json_t *request = json_pack("{s:s, s:s, s:s, s:b, s:b}", "command", "cert.trust", "for", scope != NULL ? scope : "",
                                "who", who_am_i(), "anchor", rf_cli_flag(cli, "--anchor") != NULL, "authority",
                                rf_cli_flag(cli, "--authority") != NULL);
    int status = RF_EXIT_DONE;

    if (is_event) {
        status = show_event(cli, what, rf_cli_flag(cli, "--authority") != NULL, request);
    } else {
        struct rf_cert_problem problem = { 0 };
        char *pem = NULL;
        size_t n = 0;

        if (rf_cert_file_read(what, false, &pem, &n, &problem) != RF_OK)
            status = rf_cli_refuse(cli, RF_EXIT_USAGE, RF_REFUSE_FILE_OF_CERTS,
                                   "name a file in PEM form, or the number of a refused peer: ringfence cert refused",
                                   "%s", problem.text);
        else if (json_object_set_new(request, "pem", json_stringn(pem, n)) != 0)
            status = rf_cli_refuse(cli, RF_EXIT_USAGE, RF_REFUSE_FILE_OF_CERTS,
                                   "openssl x509 -inform DER -in FILE makes PEM of it", "%s is not in PEM form", what);
        json_object_set_new(request, "file", json_string(what));
        free(pem);
    }
    if (status != RF_EXIT_DONE || !rf_cli_confirm(cli, "Trust it?")) {
        json_decref(request);
        return status != RF_EXIT_DONE ? status : RF_EXIT_USAGE;
    }
    return rf_cli_ask_change(cli, request, "it is trusted now; ringfence config rollback takes it back");
}

static int
ask_for(struct rf_cli *cli, const char *command, const char *fingerprint, const char *scope, const char *done)
{
    return rf_cli_ask_change(cli, json_pack("{s:s, s:s, s:s, s:s}", "command", command, "fingerprint", fingerprint,
                                            "for", scope, "who", who_am_i()), "%s", done);
}

int
rf_cmd_cert_untrust(struct rf_cli *cli)
{
    const char *scope = rf_cli_flag(cli, "--for");

    return ask_for(cli, "cert.untrust", cli->arg[0], scope == NULL ? "" : strcmp(scope, "all") == 0 ? "*" : scope,
                   "it is not trusted any more");
}

int
rf_cmd_cert_pin(struct rf_cli *cli)
{
    return ask_for(cli, "cert.pin", cli->arg[1], cli->arg[0], "its copy is in the store now");
}

/* --- what devices use ---------------------------------------------------------------------------------- */

static void
put_last(struct rf_buf *b, const json_t *row, bool terminal)
{
    time_t at = (time_t)json_integer_value(json_object_get(row, "last"));
    struct tm tm;
    char text[40];

    if (localtime_r(&at, &tm) != NULL && strftime(text, sizeof text, "%Y-%m-%d", &tm) > 0)
        rf_put_str(b, text);
}

static void
put_fits(struct rf_buf *b, const json_t *row, bool terminal)
{
    put_words(b, json_object_get(row, "levels"));
}

int
rf_cmd_tls_devices(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        { "DEVICE", "device", false, NULL },
        { "INTERFACE", "interface", false, NULL },
        { "TLS", "version", false, NULL },
        { "SUITE", "suite", false, NULL },
        { "GROUP", "group", false, NULL },
        { "LAST", "last", false, put_last },
        { "WOULD CONNECT AT", "levels", false, put_fits },
    };
    const char *level = rf_cli_flag(cli, "--level");
    int status;
    json_t *rows = rf_cli_ask(cli,
                              json_pack("{s:s, s:s, s:s}", "command", "tls.devices", "interface",
                                        cli->arg_count > 0 ? cli->arg[0] : "", "level", level != NULL ? level : ""),
                              &status);

    if (rows == NULL)
        return status;
    rf_cli_list(cli, rows, columns, sizeof columns / sizeof *columns);
    status = level != NULL && json_array_size(rows) > 0 ? RF_EXIT_FOUND : RF_EXIT_DONE;
    json_decref(rows);
    return status;
}

bool
rf_cmd_cert_level_is_fine(struct rf_cli *cli, const char *setting, const char *value)
{
    const char *dot = strstr(setting, ".cipher-suite-level");
    char block[64], names[400] = "", version[16] = "";
    struct rf_buf b = rf_buf(names, sizeof names - 1);
    size_t n;
    int status;
    json_t *rows;
    bool is_fine = true;

    if (dot == NULL || (size_t)(dot - setting) >= sizeof block)
        return true;
    snprintf(block, sizeof block, "%.*s", (int)(dot - setting), setting);
    rows = rf_cli_ask_quietly(cli->state_dir, json_pack("{s:s, s:s, s:s}", "command", "tls.devices", "interface", block,
                                                        "level", value),
                              &status);
    n = json_array_size(rows);
    for (size_t i = 0; i < n && b.n + 100 < sizeof names; i++)
        rf_putf(&b, " %.60s", rf_cli_text(json_array_get(rows, i), "device"));
    names[b.n] = '\0';
    if (n > 0) {
        snprintf(version, sizeof version, "%.12s", rf_cli_text(json_array_get(rows, 0), "version"));
        fprintf(stderr, "%zu device%s of the last 30 days cannot connect at level %s (TLS %s):%s%s\n", n,
                n > 1 ? "s" : "", value, version, names, b.n + 100 >= sizeof names ? " ..." : "");
        is_fine = !cli->is_terminal || rf_cli_confirm(cli, "Set it?");
    }
    json_decref(rows);
    return is_fine;
}
