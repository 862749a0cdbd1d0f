/* Checks that need the whole configuration: the platform's lock, references, orders, files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/refusal.h"
#include "conf/iface.h"
#include "conf/snapshot.h"

/* --- platform hosted (RF-801) -------------------------------------------------------------------------- */

static bool
is_allowed_on_hosted(const struct rf_option *o, struct rf_span word)
{
    /* A listener is judged by its scheme. */
    if (o->type == RF_OPT_LISTEN)
        word = rf_span_sub(word, 0, rf_span_find(word, ':'));
    if (o->type == RF_OPT_LEVEL)
        word = rf_span_sub(word, 0, rf_span_find(word, '@'));
    return rf_choice_has(o->hosted, word);
}

static void
check_lock(struct loader *l, const struct setting *s, const struct rf_conf_block *b)
{
    struct rf_span left = rf_span_str(s->text);
    char name[320], sentence[240];
    struct rf_buf buf = rf_buf(name, sizeof name - 1), out = rf_buf(sentence, sizeof sentence - 1);

    if (s->option->hosted == NULL || s->text == NULL)
        return;
    if (b != NULL)
        rf_putf(&buf, "%s.%s.%s", b->kind->name, b->label, strchr(s->option->name, '*') + 2);
    else
        rf_put_str(&buf, s->option->name);
    name[buf.n] = '\0';
    while (left.n > 0) {
        size_t space = rf_span_find(left, ' ');
        struct rf_span word = rf_span_sub(left, 0, space);
        const struct rf_log_field fields[] = { RF_F_STR("setting", name), RF_F_SPAN("value", word), { 0 } };

        left = rf_span_sub(left, space + 1, left.n);
        if (is_allowed_on_hosted(s->option, word))
            continue;
        rf_refusal_sentence(&out, rf_refusal_row(RF_REFUSE_LOCKED_BY_HOSTED)->sentence, fields);
        sentence[out.n] = '\0';
        rf_loader_refuse(l, RF_REFUSE_LOCKED_BY_HOSTED, s->at, "%s", sentence);
        return;
    }
}

static void
check_locks(struct loader *l)
{
    for (const struct setting *s = l->conf->settings; s != NULL; s = s->next)
        check_lock(l, s, NULL);
    for (const struct kind *k = l->conf->kinds; k != NULL; k = k->next)
        for (const struct rf_conf_block *b = k->first; b != NULL; b = b->next)
            for (const struct setting *s = b->settings; s != NULL; s = s->next)
                check_lock(l, s, b);
}

/* --- files --------------------------------------------------------------------------------------------- */

static void
check_file(struct loader *l, const struct setting *s, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        rf_loader_fail(l, RF_ERR_NOT_FOUND, s->at, "cannot read %s: %s", path, fd < 0 ? strerror(errno) : "no file");
    } else if (s->option->type == RF_OPT_KEY_FILE && (st.st_mode & 077) != 0) {
        char sentence[240], mode[8];
        struct rf_buf out = rf_buf(sentence, sizeof sentence - 1), m = rf_buf(mode, sizeof mode - 1);
        const struct rf_log_field fields[] = { RF_F_STR("file", path), RF_F_STR("mode", mode), { 0 } };

        rf_putf(&m, "%04o", (unsigned)st.st_mode & 07777);
        mode[m.n] = '\0';
        rf_refusal_sentence(&out, rf_refusal_row(RF_REFUSE_KEY_FILE_MODE)->sentence, fields);
        sentence[out.n] = '\0';
        rf_loader_refuse(l, RF_REFUSE_KEY_FILE_MODE, s->at, "%s", sentence);
    }
    if (fd >= 0)
        close(fd);
}

/* How many files it names. */
static size_t
check_files(struct loader *l, const struct setting *s)
{
    struct rf_span left = rf_span_str(s->text), word;
    char path[RF_PATH_MAX];
    struct rf_span octets;
    size_t n = 0;

    while (rf_conf_next_word(&left, &word)) {
        n++;
        if (rf_span_copy(rf_option_path(word), path, sizeof path) != RF_OK)
            rf_loader_fail(l, RF_ERR_RANGE, s->at, "the path is too long");
        else if (l->from->file == NULL || !l->from->file(l->from->ctx, rf_span_str(path), &octets))
            check_file(l, s, path);
    }
    return n;
}

static void
check_authority_file(struct loader *l, const struct rf_conf_block *b)
{
    const struct setting *s = rf_snapshot_setting(b->settings, rf_option_find(RF_SPAN_LIT("certificate.*.ca-file")));

    if (s != NULL)
        (void)check_files(l, s);
}

static void
check_certificates(struct loader *l)
{
    const struct rf_option *chain = rf_option_find(RF_SPAN_LIT("certificate.*.chain"));
    const struct rf_option *key = rf_option_find(RF_SPAN_LIT("certificate.*.key"));
    const struct rf_conf_block *b;

    for (size_t i = 0; (b = rf_conf_block_at(l->conf, "certificate", i)) != NULL; i++) {
        const struct setting *c = rf_snapshot_setting(b->settings, chain), *k = rf_snapshot_setting(b->settings, key);
        size_t chains, keys;

        if (strcmp(b->label, "local") == 0) {
            rf_loader_fail(l, RF_ERR_RANGE, b->at,
                           "local is the name of the certificate that our own authority issues");
            continue;
        }
        check_authority_file(l, b);
        if (rf_conf_block_is_on(l->conf, b, "lets-encrypt") && (c != NULL || k != NULL)) {
            rf_loader_fail(l, RF_ERR_EXISTS, b->at,
                           "certificate %s has files and lets-encrypt: one of them is too much", b->label);
            continue;
        }
        if (c == NULL && k == NULL)
            continue; /* kept below the state directory */
        if (c == NULL || k == NULL) {
            rf_loader_fail(l, RF_ERR_NOT_FOUND, b->at, "certificate %s needs both chain and key", b->label);
            continue;
        }
        chains = check_files(l, c);
        keys = check_files(l, k);
        if (chains != keys)
            rf_loader_fail(l, RF_ERR_RANGE, b->at, "certificate %s has %zu chains and %zu keys", b->label, chains,
                           keys);
    }
}

/* --- relations ----------------------------------------------------------------------------------------- */

/* Where to point: at the setting that was said, or nowhere. */
static struct rf_conf_origin
origin_of(const struct rf_conf *c, const char *name)
{
    const struct setting *s = rf_snapshot_setting(c->settings, rf_option_find(rf_span_str(name)));

    return s != NULL ? s->at : (struct rf_conf_origin){ 0 };
}

static void
check_order(struct loader *l, const char *low, const char *high)
{
    const struct rf_conf *c = l->conf;
    struct rf_conf_origin at = origin_of(c, low);

    if (rf_conf_number(c, low) <= rf_conf_number(c, high))
        return;
    if (at.line == 0)
        at = origin_of(c, high);
    rf_loader_fail(l, RF_ERR_RANGE, at, "%s (%s) is above %s (%s)", low, rf_conf_text(c, low), high,
                   rf_conf_text(c, high));
}

/* @param b  the block that it stands in; NULL: none with a name */
static void
check_reference(struct loader *l, const struct setting *s, const struct rf_conf_block *b)
{
    const char *star = strchr(s->option->name, '*');
    struct rf_span left, word, kind;
    char name[320];
    size_t bar;

    if (s->option->type != RF_OPT_BLOCK || s->text == NULL)
        return;
    if (b != NULL && star != NULL)
        snprintf(name, sizeof name, "%.*s%s%s", (int)(star - s->option->name), s->option->name, b->label, star + 1);
    else
        snprintf(name, sizeof name, "%s", s->option->name);
    kind = rf_span_str(s->option->choices);
    bar = rf_span_find(kind, '|');
    left = rf_span_str(s->text);
    while (rf_conf_next_word(&left, &word)) {
        if (bar < kind.n && rf_choice_has(s->option->choices + bar + 1, word))
            continue;
        if (rf_snapshot_block(rf_snapshot_kind(l->conf, rf_span_sub(kind, 0, bar)), word) == NULL)
            rf_loader_fail(l, RF_ERR_NOT_FOUND, s->at, "%s: there is no block %.*s %.*s", name, (int)bar, kind.p,
                           RF_SPAN_ARG(word));
    }
}

static void
check_references(struct loader *l)
{
    for (const struct setting *s = l->conf->settings; s != NULL; s = s->next)
        check_reference(l, s, NULL);
    for (const struct kind *k = l->conf->kinds; k != NULL; k = k->next)
        for (const struct rf_conf_block *b = k->first; b != NULL; b = b->next)
            for (const struct setting *s = b->settings; s != NULL; s = s->next)
                check_reference(l, s, b);
}

static bool
has_tls_listener(const struct rf_conf *c)
{
    return strstr(rf_conf_text(c, "sip.listen"), "tls:") != NULL;
}

static void
check_users(struct loader *l)
{
    const struct rf_option *password = rf_option_find(RF_SPAN_LIT("user.*.password"));
    const struct rf_option *require_tls = rf_option_find(RF_SPAN_LIT("user.*.require-tls"));
    bool has_tls = has_tls_listener(l->conf);
    const struct rf_conf_block *b;

    for (size_t i = 0; (b = rf_conf_block_at(l->conf, "user", i)) != NULL; i++) {
        if (rf_snapshot_setting(b->settings, password) == NULL)
            rf_loader_fail(l, RF_ERR_NOT_FOUND, b->at, "user %s has no password", b->label);
        if (!has_tls && strcmp(rf_snapshot_value(l->conf, require_tls, b, NULL), "on") == 0)
            rf_loader_warn(l, b->at, "user %s may use TLS only, and sip.listen has no tls: address", b->label);
    }
}

/* Whoever may read the metrics knows when who calls; nobody signs in for them. */
static void
check_metrics(struct loader *l, const struct rf_iface_listen *listen, size_t n)
{
    bool asks = strcmp(rf_conf_text(l->conf, "metrics.client-certificate"), "required") == 0;

    for (size_t i = 0; i < n; i++) {
        bool is_protected = listen[i].at.scheme == RF_LISTEN_HTTPS && asks;

        if (listen[i].iface == RF_IFACE_METRICS && !rf_addr_is_loopback(&listen[i].at.addr) && !is_protected)
            rf_loader_fail(l, RF_ERR_RANGE, origin_of(l->conf, "metrics.listen"),
                           "metrics.listen would show the metrics to whoever reaches it: say an address of loopback, "
                           "or https: together with metrics.client-certificate required");
    }
}

static void
check_listeners(struct loader *l)
{
    const struct rf_conf *c = l->conf;
    bool is_clear = strstr(rf_conf_text(c, "sip.listen"), "udp:") != NULL ||
                    strstr(rf_conf_text(c, "sip.listen"), "tcp:") != NULL;
    struct rf_iface_listen listen[RF_LISTENERS_MAX];
    struct rf_conf_problem problem = { 0 };
    enum rf_err err;
    size_t n;

    err = rf_iface_listens(c, listen, RF_LISTENERS_MAX, &n, &problem);
    if (err)
        rf_loader_fail(l, err, problem.at, "%s", problem.sentence);
    else
        check_metrics(l, listen, n);

    if (is_clear && rf_conf_is_on(c, "sip.require-tls"))
        rf_loader_advise(l, origin_of(c, "sip.listen"),
                         "sip.listen has unencrypted addresses, and sip.require-tls lets only some users use them");
}

/* RF-403: allowed, but nobody shall be surprised (TEL-29). What media says is not said of each connection again. */
static void
check_unencrypted(struct loader *l)
{
    static const char tail[] = "allow-unencrypted-srtp lets peers have SRTP that is not encrypted";
    const char *code = rf_refusal_row(RF_REFUSE_MEDIA_IN_CLEAR)->code;
    const struct rf_conf_block *b;

    if (rf_conf_is_on(l->conf, "media.allow-unencrypted-srtp")) {
        rf_loader_warn(l, origin_of(l->conf, "media.allow-unencrypted-srtp"), "%s: media.%s", code, tail);
        return;
    }
    for (size_t i = 0; (b = rf_conf_block_at(l->conf, "sip-connection", i)) != NULL; i++)
        if (rf_conf_block_is_on(l->conf, b, "allow-unencrypted-srtp"))
            rf_loader_warn(l, b->at, "%s: sip-connection.%s.%s", code, b->label, tail);
}

void
rf_loader_check(struct loader *l)
{
    struct rf_conf *c = l->conf;

    if (l->err)
        return; /* what is half read has more faults than its author made */
    c->is_hosted = strcmp(rf_conf_text(c, "platform"), "hosted") == 0;
    c->is_secure = c->is_hosted || strcmp(rf_conf_text(c, "security-profile"), "secure") == 0;
    if (c->is_hosted)
        check_locks(l);
    check_certificates(l);
    check_references(l);
    check_users(l);
    rf_loader_check_connections(l);
    check_listeners(l);
    check_unencrypted(l);
    check_order(l, "registrar.min-expires", "registrar.default-expires");
    check_order(l, "registrar.default-expires", "registrar.max-expires");
    if (rf_conf_number(c, "sip.session-expires") != 0)
        check_order(l, "sip.min-se", "sip.session-expires");
}
