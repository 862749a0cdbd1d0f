/*
 * cli/cmd_ca.c - the local authority: certificates for peers, without a daemon or beside a running one
 *
 * The files in DIR/ca are worked on directly, under the lock that the daemon takes as well.
 */
#include <errno.h>
#include <openssl/bio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cert/ca.h"
#include "cert/ca_files.h"
#include "cli/commands.h"

#define DIR_TEXT_MAX 500

/* --- where it is, and what went wrong --- */

static int
ca_dir(const struct rf_cli *cli, char out[static DIR_TEXT_MAX])
{
    if (snprintf(out, DIR_TEXT_MAX, "%s/ca", cli->state_dir) >= DIR_TEXT_MAX)
        return rf_cli_refuse(cli, RF_EXIT_USAGE, RF_REFUSE_COMMAND, "name a shorter one with --state",
                             "the path of the state directory %.60s... is too long", cli->state_dir);
    return 0;
}

/* Is it about a file of the authority, or about one of whoever asked? */
static bool
is_of_authority(const struct rf_cli *cli, const char *text)
{
    char dir[DIR_TEXT_MAX];
    int n = snprintf(dir, sizeof dir, "%.100s", cli->state_dir); /* as much of it as every sentence has */

    return strncmp(text, dir, (size_t)n) == 0 && (n >= 100 || strncmp(text + n, "/ca", 3) == 0);
}

static int
fail(const struct rf_cli *cli, enum rf_err err, const struct rf_cert_problem *problem)
{
    const char *text = problem->text[0] != '\0' ? problem->text : rf_err_text(err);

    if (problem->key_file_is_open)
        return rf_cli_error(cli, RF_EXIT_FAILED, rf_refusal_row(RF_REFUSE_KEY_FILE_MODE)->code, text,
                            "chmod 600 that file");
    switch (err) {
    case RF_ERR_RANGE:
        return rf_cli_fail(cli, RF_EXIT_USAGE, "%s", text);
    case RF_ERR_REFUSED:
        return rf_cli_refuse(cli, RF_EXIT_NOT_PERMITTED, RF_REFUSE_FILE_ACCESS,
                             "be root, or the user whose state directory it is", "%s", text);
    case RF_ERR_STATE:
        return rf_cli_refuse(cli, RF_EXIT_FAILED, RF_REFUSE_UNKNOWN_CERT,
                             "ringfence ca init, with the --state of the daemon", "%s", text);
    case RF_ERR_EXISTS:
        return rf_cli_refuse(cli, RF_EXIT_FAILED, RF_REFUSE_IN_THE_WAY,
                             "ringfence ca list shows what was issued and revoked, and when", "%s", text);
    case RF_ERR_TIMEOUT:
        return rf_cli_refuse(cli, RF_EXIT_FAILED, RF_REFUSE_FILE_ACCESS,
                             "wait until the other ringfence ca is done, or end it; then the same again", "%s", text);
    case RF_ERR_IO:
    case RF_ERR_NOT_FOUND:
        if (!is_of_authority(cli, text))
            return rf_cli_refuse(cli, RF_EXIT_FAILED, RF_REFUSE_FILE_ACCESS, NULL, "%s", text);
        break;
    default:
        break;
    }
    return rf_cli_refuse(cli, RF_EXIT_FAILED, RF_REFUSE_LOCAL_CA, NULL, "the local authority cannot be used: %s", text);
}

/* --- flags --- */

static int
take_key(const struct rf_cli *cli, enum rf_ca_key *out)
{
    const char *key = rf_cli_flag(cli, "--key");

    *out = key != NULL && strcmp(key, "rsa") == 0 ? RF_CA_RSA : RF_CA_ECDSA;
    if (key != NULL && strcmp(key, "rsa") != 0 && strcmp(key, "ecdsa") != 0)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--key takes ecdsa or rsa, not \"%.40s\"", key);
    return 0;
}

static int
take_days(const struct rf_cli *cli, int normally, int max, int *out)
{
    const char *days = rf_cli_flag(cli, "--days");
    uint64_t n = (uint64_t)normally;

    if (days != NULL && (rf_span_u64(rf_span_str(days), (uint64_t)max, &n) != RF_OK || n == 0))
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--days takes a number from 1 to %d, not \"%.40s\"", max, days);
    *out = (int)n;
    return 0;
}

static int
take_use(const struct rf_cli *cli, unsigned *out)
{
    bool client = rf_cli_flag(cli, "--client") != NULL, server = rf_cli_flag(cli, "--server") != NULL;
    bool both = rf_cli_flag(cli, "--both") != NULL;

    if (client + server + both > 1)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "a certificate is for one of --client, --server and --both, not for two of them");
    *out = client ? RF_CA_CLIENT : server ? RF_CA_SERVER : RF_CA_CLIENT | RF_CA_SERVER;
    return 0;
}

/* --- what is shown --- */

static void
put_time(int64_t s, char *out, size_t size)
{
    time_t t = (time_t)s;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL || strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        out[0] = '\0';
}

static const char *
use_name(unsigned use)
{
    return use == RF_CA_CLIENT ? "client" : use == RF_CA_SERVER ? "server" : "both";
}

static json_t *
names_of(const struct rf_ca_record *r)
{
    json_t *names = json_array();
    struct rf_span left = rf_span_str(r->names);

    while (left.n > 0) {
        size_t n = rf_span_find(left, ',');

        json_array_append_new(names, json_stringn(left.p, n));
        left = rf_span_sub(left, n + 1, left.n);
    }
    return names;
}

static json_t *
record_json(const struct rf_ca_record *r, int64_t now_s)
{
    const char *state = r->revoked != 0 ? "revoked" : r->until < now_s ? "ended" : "valid";
    char from[32], until[32], revoked[32];
    json_t *o;

    put_time(r->from, from, sizeof from);
    put_time(r->until, until, sizeof until);
    put_time(r->revoked, revoked, sizeof revoked);
    o = json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "serial", r->serial, "name", r->name, "names",
                  names_of(r), "use", use_name(r->use), "from", from, "until", until, "state", state);
    if (r->revoked != 0) {
        json_object_set_new(o, "revoked", json_string(revoked));
        json_object_set_new(o, "reason", json_string(rf_ca_reason_name(r->reason)));
    }
    return o;
}

/* "2027-12-22": people read days; the rest is in the JSON. */
static void
put_day(struct rf_buf *b, const json_t *row, bool terminal)
{
    rf_put(b, rf_span_sub(rf_span_str(rf_cli_text(row, "until")), 0, 10));
}

int
rf_cmd_ca_list(struct rf_cli *cli)
{
    static const struct rf_cli_column columns[] = {
        {"SERIAL", "serial", false, NULL},  {"NAME", "name", false, NULL},
        {"FOR", "names", false, NULL},      {"USE", "use", false, NULL},
        {"UNTIL", "until", false, put_day}, {"STATE", "state", false, NULL},
    };
    struct rf_cert_problem problem;
    struct rf_ca_record *record = NULL;
    int64_t now_s = (int64_t)time(NULL);
    char dir[DIR_TEXT_MAX];
    json_t *rows;
    enum rf_err err;
    size_t count;
    int status = ca_dir(cli, dir);

    if (status != 0)
        return status;
    err = rf_ca_issued(dir, &record, &count, &problem);
    if (err)
        return fail(cli, err, &problem);
    rows = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows, record_json(&record[i], now_s));
    rf_cli_list(cli, rows, columns, sizeof columns / sizeof *columns);
    json_decref(rows);
    free(record);
    return RF_EXIT_DONE;
}

/* --- the authority --- */

/* The state directory itself, when no daemon made it yet. */
static int
ensure_state_dir(const struct rf_cli *cli)
{
    if (mkdir(cli->state_dir, 0700) == 0 || errno == EEXIST)
        return 0;
    return rf_cli_refuse(cli, errno == EACCES || errno == EPERM ? RF_EXIT_NOT_PERMITTED : RF_EXIT_FAILED,
                         RF_REFUSE_FILE_ACCESS, NULL, "%s: %s", cli->state_dir, strerror(errno));
}

static enum rf_err
init(const char *dir, struct rf_ca_root *want, bool *made, struct rf_cert_facts *facts,
     struct rf_cert_problem *problem)
{
    char host[64] = "", name[128];

    if (gethostname(host, sizeof host - 1) != 0 || !rf_span_is(rf_span_trim(rf_span_str(host)), host) ||
        host[0] == '\0')
        snprintf(host, sizeof host, "localhost");
    snprintf(name, sizeof name, "ringfence local CA (%.40s)", host);
    want->default_name = name;
    return rf_ca_init(dir, want, (int64_t)time(NULL), made, facts, problem);
}

/* "none" takes it away. */
static const char *
take_url(const struct rf_cli *cli, const char *flag)
{
    const char *url = rf_cli_flag(cli, flag);

    return url != NULL && strcmp(url, "none") == 0 ? "" : url;
}

int
rf_cmd_ca_init(struct rf_cli *cli)
{
    struct rf_cert_facts *facts = calloc(1, sizeof *facts); /* 16 kB */
    struct rf_cert_problem problem = {0};
    struct rf_ca_root want = {.name = rf_cli_flag(cli, "--name"),
                              .crl_url = take_url(cli, "--crl-url"),
                              .ocsp_url = take_url(cli, "--ocsp-url")};
    char dir[DIR_TEXT_MAX], until[32];
    enum rf_ca_key key;
    enum rf_err err;
    bool made;
    int status = facts == NULL ? rf_cli_refuse(cli, RF_EXIT_FAILED, RF_REFUSE_OVERLOAD, "try again", "out of memory")
                               : ca_dir(cli, dir);

    if (status == 0)
        status = take_key(cli, &key);
    if (status == 0)
        status = take_days(cli, RF_CA_DAYS, 36500, &want.days);
    if (status == 0)
        status = ensure_state_dir(cli);
    if (status == 0) {
        want.key = rf_cli_flag(cli, "--key") != NULL ? &key : NULL;
        err = init(dir, &want, &made, facts, &problem);
        if (err == RF_ERR_EXISTS)
            status = rf_cli_refuse(cli, RF_EXIT_FAILED, RF_REFUSE_IN_THE_WAY,
                                   "it is not replaced, because phones and peers trust it; leave --name and --key out",
                                   "%s", problem.text);
        else if (err)
            status = fail(cli, err, &problem);
    }
    if (status == 0) {
        char place[DIR_TEXT_MAX + 16];

        snprintf(place, sizeof place, "%s/ca.pem", dir);
        put_time(facts->not_after, until, sizeof until);
        if (cli->json) {
            json_t *o = json_pack("{s:b, s:s, s:s, s:s, s:s}", "made", made, "subject", facts->subject, "key",
                                  facts->key, "until", until, "root", place);

            rf_cli_json(o);
            json_decref(o);
        } else {
            if (!cli->quiet)
                fprintf(stderr, made ? "an authority was made\n" : "the authority was there already\n");
            printf("subject      %s\nkey          %s\nuntil        %s\nroot         %s\n", facts->subject,
                   facts->key, until, place);
        }
    }
    free(facts);
    return status;
}

/* --- certificates --- */

static void
print_issued(const struct rf_cli *cli, const struct rf_ca_record *r, const char *out_dir)
{
    json_t *o = record_json(r, (int64_t)time(NULL));
    char path[DIR_TEXT_MAX + 96];
    static const char *const file[][2] = {{"certificate", ".pem"}, {"key", ".key"}};

    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s%s", out_dir, r->name, file[i][1]);
        json_object_set_new(o, file[i][0], json_string(path));
    }
    snprintf(path, sizeof path, "%s/ca.pem", out_dir);
    json_object_set_new(o, "root", json_string(path));
    if (cli->json)
        rf_cli_json(o);
    else
        printf("certificate  %s\nkey          %s\nroot         %s\nfor          %s\nuse          %s\nuntil   "
               "     %s\nserial       %s\n",
               rf_cli_text(o, "certificate"), rf_cli_text(o, "key"), path, r->names, use_name(r->use),
               rf_cli_text(o, "until"), r->serial);
    json_decref(o);
}

static int
take_order(const struct rf_cli *cli, struct rf_ca_order *o, const char *names[static RF_CERT_NAMES_MAX])
{
    const char *name;
    int status = take_use(cli, &o->use);

    if (status == 0)
        status = take_key(cli, &o->key);
    if (status == 0)
        status = take_days(cli, RF_LEAF_DAYS, 36500, &o->days);
    for (size_t i = 0; status == 0 && (name = rf_cli_flag_nth(cli, "--name", i)) != NULL; i++) {
        if (i == RF_CERT_NAMES_MAX)
            return rf_cli_fail(cli, RF_EXIT_USAGE, "a certificate takes %d names at most", RF_CERT_NAMES_MAX);
        names[o->name_count++] = name;
    }
    o->name = cli->arg[0];
    o->names = names;
    o->out_dir = rf_cli_flag(cli, "--out") != NULL ? rf_cli_flag(cli, "--out") : ".";
    return status;
}

int
rf_cmd_ca_issue(struct rf_cli *cli)
{
    const char *names[RF_CERT_NAMES_MAX];
    struct rf_ca_order order = {0};
    struct rf_ca_root root = {.days = RF_CA_DAYS};
    struct rf_cert_problem problem = {0};
    struct rf_ca_record record;
    char dir[DIR_TEXT_MAX];
    enum rf_err err;
    bool made = false;
    int status = ca_dir(cli, dir);

    if (status == 0)
        status = take_order(cli, &order, names);
    if (status == 0)
        status = ensure_state_dir(cli);
    if (status != 0)
        return status;
    err = rf_ca_issue(dir, &order, (int64_t)time(NULL), &record, &problem);
    if (err == RF_ERR_STATE) {
        err = init(dir, &root, &made, NULL, &problem);
        if (!err && made && !cli->quiet)
            fprintf(stderr, "an authority was made in %s\n", dir);
        if (!err)
            err = rf_ca_issue(dir, &order, (int64_t)time(NULL), &record, &problem);
    }
    if (err == RF_ERR_EXISTS) {
        /* Another root's file is not replaced, whatever is answered. */
        if (strstr(problem.text, "/ca.pem is there") != NULL)
            return rf_cli_refuse(cli, RF_EXIT_FAILED, RF_REFUSE_IN_THE_WAY, "name another folder with --out", "%s",
                                 problem.text);
        snprintf(problem.text + strlen(problem.text), sizeof problem.text - strlen(problem.text),
                 ". Replace them?");
        if (!rf_cli_confirm(cli, problem.text))
            return RF_EXIT_USAGE;
        order.may_replace = true;
        err = rf_ca_issue(dir, &order, (int64_t)time(NULL), &record, &problem);
    }
    if (err)
        return fail(cli, err, &problem);
    print_issued(cli, &record, order.out_dir);
    return RF_EXIT_DONE;
}

int
rf_cmd_ca_revoke(struct rf_cli *cli)
{
    const char *word = rf_cli_flag(cli, "--reason");
    enum rf_ca_reason reason = RF_CA_UNSPECIFIED;
    struct rf_cert_problem problem = {0};
    struct rf_ca_record record;
    int64_t now_s = (int64_t)time(NULL);
    char dir[DIR_TEXT_MAX], question[160];
    enum rf_err err;
    json_t *o;
    int status = ca_dir(cli, dir);

    if (status != 0)
        return status;
    if (word != NULL && rf_ca_reason_find(rf_span_str(word), &reason) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE,
                           "--reason takes key-compromise, superseded, affiliation-changed, no-longer-used or "
                           "unspecified, not \"%.40s\"",
                           word);
    snprintf(question, sizeof question, "Revoke %.100s for good?", cli->arg[0]);
    if (!rf_cli_confirm(cli, question))
        return RF_EXIT_USAGE;
    err = rf_ca_revoke(dir, cli->arg[0], reason, now_s, &record, &problem);
    if (err == RF_ERR_RANGE || err == RF_ERR_NOT_FOUND)
        return rf_cli_refuse(cli, err == RF_ERR_RANGE ? RF_EXIT_USAGE : RF_EXIT_FAILED, RF_REFUSE_UNKNOWN_CERT,
                             "ringfence ca list shows numbers and names; ringfence ca revoke SERIAL", "%s", problem.text);
    if (err)
        return fail(cli, err, &problem);
    o = record_json(&record, now_s);
    if (cli->json)
        rf_cli_json(o);
    else
        printf("revoked      %s\nserial       %s\nreason       %s\n", record.name, record.serial,
               rf_ca_reason_name(reason));
    if (!cli->quiet && !cli->json)
        fprintf(stderr, "peers learn of it from the list: ringfence ca export --crl\n");
    json_decref(o);
    return RF_EXIT_DONE;
}

/* --- export --- */

static int
write_out(const struct rf_cli *cli, const char *path, const char *text, size_t n)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    struct rf_ca_folder folder = {.fd = -1, .lock_fd = -1};
    struct rf_cert_problem problem = {0};
    char dir[DIR_TEXT_MAX];
    BIO *content;
    enum rf_err err;

    snprintf(dir, sizeof dir, "%.*s",
             slash == NULL   ? 1
             : slash == path ? 1
                             : (int)(slash - path),
             slash == NULL ? "." : path);
    if (name[0] == '\0' || strlen(name) > RF_CA_NAME_MAX)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--out takes a file, whose name has 1 to %d octets, not \"%.100s\"",
                           RF_CA_NAME_MAX, name);
    content = BIO_new_mem_buf(text, (int)n);
    err = content != NULL ? rf_ca_folder_open(&folder, dir, &problem) : RF_ERR_NOMEM;
    if (!err)
        err = rf_ca_write(&folder, name, 0644, content, &problem);
    rf_ca_folder_close(&folder);
    BIO_free(content);
    return err ? fail(cli, err, &problem) : RF_EXIT_DONE;
}

static enum rf_err
read_root(const char *dir, char **text, size_t *n, struct rf_cert_problem *problem)
{
    char path[DIR_TEXT_MAX + 16];
    enum rf_err err;

    snprintf(path, sizeof path, "%s/ca.pem", dir);
    err = rf_cert_file_read(path, false, text, n, problem);
    if (err == RF_ERR_NOT_FOUND) {
        snprintf(problem->text, sizeof problem->text, "there is no authority in %.120s", dir);
        return RF_ERR_STATE;
    }
    return err == RF_ERR_IO && access(path, R_OK) != 0 && errno == EACCES ? RF_ERR_REFUSED : err;
}

int
rf_cmd_ca_export(struct rf_cli *cli)
{
    bool is_crl = rf_cli_flag(cli, "--crl") != NULL;
    const char *out = rf_cli_flag(cli, "--out");
    struct rf_cert_problem problem = {0};
    char dir[DIR_TEXT_MAX], *text = NULL;
    enum rf_err err;
    size_t n = 0;
    int status = ca_dir(cli, dir);

    if (status != 0)
        return status;
    if (is_crl && rf_cli_flag(cli, "--root") != NULL)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "ca export takes one of --root and --crl, not both");
    err = is_crl ? rf_ca_crl(dir, (int64_t)time(NULL), &text, &n, &problem)
                 : read_root(dir, &text, &n, &problem);
    if (err)
        return fail(cli, err, &problem);
    if (out != NULL)
        status = write_out(cli, out, text, n);
    else if (!cli->json)
        fwrite(text, 1, n, stdout);
    if (status == 0 && cli->json) {
        json_t *o = out != NULL ? json_pack("{s:s}", "file", out) : json_pack("{s:s%}", "pem", text, n);

        rf_cli_json(o);
        json_decref(o);
    }
    free(text);
    return status;
}
