/* Refusals that repeat, over threads: one line at once, one with the count each minute. */
#include "main/fold.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

#define S       1000000ull
#define THREADS 4
#define EACH    5000

static struct rf_fold *f;
static int log_fd;

/* How many lines that were logged since the last question have this in them. */
static int
lines_with(const char *what, const char *and)
{
    static char text[1u << 20];
    ssize_t n = pread(log_fd, text, sizeof text - 1, 0);
    int found = 0;

    text[n > 0 ? n : 0] = '\0';
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        found += strstr(line, what) != NULL && strstr(line, and) != NULL;
    return found;
}

static void
forget_lines(void)
{
    rf_assert(ftruncate(log_fd, 0) == 0);
}

static void
refuse(const char *source, uint64_t now_us)
{
    rf_fold_refuse(f, RF_REFUSE_TLS_ON_PLAIN, rf_span_str(source),
                   (struct rf_log_field[]){ RF_F_STR("peer", source), RF_F_U64("port", 5060), { 0 } }, now_us);
}

static void *
refuse_often(void *arg)
{
    for (int i = 0; i < EACH; i++)
        refuse(i % 2 == 0 ? "192.0.2.1" : "192.0.2.2", 100 * S);
    return arg;
}

static void
repeats(void)
{
    uint64_t before = rf_refusal_count(RF_REFUSE_TLS_ON_PLAIN);
    pthread_t t[THREADS];
    char want[40];

    rf_assert(rf_fold_new(&f, &rf_rand_system) == RF_OK);
    for (int i = 0; i < THREADS; i++)
        rf_assert(pthread_create(&t[i], NULL, refuse_often, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    ok(lines_with("RF-107", "192.0.2.1") == 1 && lines_with("RF-107", "192.0.2.2") == 1 && lines_with("RF-107", "") == 2,
       "RF-107: a line for each source, from whichever thread");
    ok(rf_refusal_count(RF_REFUSE_TLS_ON_PLAIN) == before + THREADS * EACH, "all are counted");
    forget_lines();
    rf_fold_tick(f, 159 * S);
    ok(lines_with("", "") == 0, "nothing more within the minute");
    rf_fold_tick(f, 160 * S);
    snprintf(want, sizeof want, "\"repeat\":%d", THREADS * EACH / 2 - 1);
    ok(lines_with("refused.repeated", want) == 2 && lines_with("", "") == 2, "then one line each with the count");
    forget_lines();
    refuse("192.0.2.1", 161 * S);
    ok(lines_with("", "") == 0, "who goes on is counted on");
    rf_fold_tick(f, 221 * S);
    ok(lines_with("192.0.2.1", "\"repeat\":1") == 1 && lines_with("", "") == 1, "who stopped makes no more lines");
    forget_lines();
    rf_fold_tick(f, 300 * S);
    refuse("192.0.2.1", 301 * S);
    ok(lines_with("\"event\":\"refused\"", "192.0.2.1") == 1, "after a quiet minute it is news again");
    forget_lines();
    rf_fold_free(f);
}

static void
refuse_tls(enum rf_refusal r, const char *source, const char *listener, const char *check, const char *reason)
{
    const struct rf_log_field refused[] = { RF_F_STR("peer", source), RF_F_STR("listener", listener),
                                            RF_F_STR("check", check), RF_F_STR("reason", reason), { 0 } };
    const struct rf_log_field failed[] = { RF_F_STR("peer", source), RF_F_STR("listener", listener),
                                           RF_F_STR("reason", reason), { 0 } };
    struct rf_addr who;

    rf_assert(rf_addr_parse(rf_span_str(source), 4711, &who) == RF_OK);
    rf_fold_refuse_source(f, r, &who, check != NULL ? refused : failed, 100 * S);
}

/* What makes one kind of failure, and what a stranger may vary without a line for it. */
static void
handshakes(void)
{
    static const struct { const char *source, *listener, *check, *reason; int lines; const char *why; } rows[] = {
        { "192.0.2.1", "sip-phones", NULL, "no shared cipher", 1, "the first handshake of a source that fails" },
        { "192.0.2.1", "sip-phones", NULL, "no shared cipher", 0, "the next one like it" },
        { "192.0.2.1", "sip-phones", NULL, "unknown ca", 1, "one that fails for something else" },
        { "192.0.2.1", "https", NULL, "no shared cipher", 1, "one at another interface" },
        { "192.0.2.2", "sip-phones", NULL, "no shared cipher", 1, "another source" },
        { "2001:db8::1", "sip-phones", NULL, "no shared cipher", 1, "one of IPv6" },
        { "2001:db8::2:1", "sip-phones", NULL, "no shared cipher", 0, "its neighbour in the same /64" },
        { "2001:db8:0:1::1", "sip-phones", NULL, "no shared cipher", 1, "another /64" },
        { "192.0.2.1", "sip-trunks", "chain", "signed by A", 1, "a refused certificate" },
        { "192.0.2.1", "sip-trunks", "chain", "signed by B", 0, "another one refused by the same check" },
        { "192.0.2.1", "sip-trunks", "in-date", "ended", 1, "one refused by another check" },
    };

    rf_assert(rf_fold_new(&f, &rf_rand_system) == RF_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        forget_lines();
        refuse_tls(RF_REFUSE_TLS_FAILED, rows[i].source, rows[i].listener, rows[i].check, rows[i].reason);
        ok(lines_with("RF-108", rows[i].source) == rows[i].lines && lines_with("", "") == rows[i].lines, "%s: %s",
           rows[i].why, rows[i].lines > 0 ? "a line" : "counted");
    }
    rf_fold_free(f);
}

static void
bounded(void)
{
    char source[32];
    int lines;

    rf_assert(rf_fold_new(&f, &rf_rand_system) == RF_OK);
    for (int i = 0; i < 3 * RF_FOLD_MAX; i++) {
        snprintf(source, sizeof source, "10.0.%d.%d", i >> 8, i & 255);
        refuse(source, 100 * S);
    }
    lines = lines_with("RF-107", "");
    ok(lines > RF_FOLD_MAX / 2 && lines <= RF_FOLD_MAX, "a scan from everywhere makes so many lines at most: %d", lines);
    forget_lines();
    rf_fold_tick(f, 101 * S);
    ok(lines_with("refused.many", "") == 1, "and one that says how many were only counted");
    rf_fold_free(f);
    rf_fold_free(NULL);
}

int
main(void)
{
    char name[] = "/tmp/ringfence-fold-XXXXXX";

    log_fd = mkstemp(name);
    rf_assert(log_fd >= 0 && fcntl(log_fd, F_SETFL, O_APPEND) == 0);
    unlink(name);
    rf_log_open(-1, log_fd, RF_LOG_INFO, "signal");
    repeats();
    handshakes();
    bounded();
    return tap_done();
}
