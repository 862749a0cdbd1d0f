/*
 * cli/ladder.c - one call for a reader: what protected it, and who said what when
 */
#include "cli/ladder.h"

#include <stdlib.h>
#include <time.h>

#define CELL 37 /* columns of a leg in the evidence: 14 + 2 * 33 is below 80 with wide texts cut by nobody */

static const json_t *
leg_at(const json_t *call, size_t i)
{
    return json_array_get(json_object_get(call, "legs"), i);
}

static long long
number(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

/* "TLS1.3 GCM-256", "UDP" */
static void
put_signalling(struct rf_buf *b, const json_t *leg, bool full)
{
    const json_t *s = json_object_get(leg, "signalling");

    if (rf_cli_text(s, "tls_version")[0] != '\0')
        rf_putf(b, "TLS %s %s%s%s", rf_cli_text(s, "tls_version"), rf_cli_text(s, "tls_cipher"), full ? " " : "",
                full ? rf_cli_text(s, "tls_group") : "");
    else
        rf_put_str(b, rf_cli_text(s, "transport"));
}

static void
put_media(struct rf_buf *b, const json_t *leg)
{
    const json_t *m = json_object_get(leg, "media");

    if (rf_cli_text(m, "suite")[0] != '\0')
        rf_putf(b, "SRTP %s", rf_cli_text(m, "suite"));
    else
        rf_put_str(b, strcmp(rf_cli_text(m, "protection"), "none") == 0 ? "RTP in CLEAR" : rf_cli_text(m, "protection"));
}

/* One line of the evidence: the label and a cell a leg. */
static void
print_line(const struct rf_cli *cli, const char *label, const char *a, const char *b)
{
    if (a[0] == '\0' && b[0] == '\0')
        return;
    if (cli->is_terminal)
        printf("%-14s  %-*s  %s\n", label, CELL, a, b);
    else
        printf("%s\t%s\t%s\n", label, a, b);
}

/* Fills a cell of each leg by one function. */
static void
print_row(const struct rf_cli *cli, const json_t *call, const char *label,
          void (*put)(struct rf_buf *b, const json_t *leg))
{
    char cell[2][256] = { "", "" };

    for (size_t i = 0; i < 2; i++) {
        struct rf_buf b = rf_buf(cell[i], sizeof cell[i] - 1);

        if (leg_at(call, i) != NULL)
            put(&b, leg_at(call, i));
        cell[i][b.n] = '\0';
    }
    print_line(cli, label, cell[0], cell[1]);
}

static void
put_who(struct rf_buf *b, const json_t *leg)
{
    rf_putf(b, "LEG %s  %s%s%s", rf_cli_text(leg, "leg"), rf_cli_text(leg, "user"),
            rf_cli_text(leg, "display")[0] != '\0' ? " " : "", rf_cli_text(leg, "display"));
}

static void
put_signalling_full(struct rf_buf *b, const json_t *leg)
{
    put_signalling(b, leg, true);
}

static void
put_address(struct rf_buf *b, const json_t *leg)
{
    rf_put_str(b, rf_cli_text(json_object_get(leg, "signalling"), "address"));
}

static void
put_sign_in(struct rf_buf *b, const json_t *leg)
{
    rf_put_str(b, rf_cli_text(json_object_get(leg, "signalling"), "sign_in"));
}

static void
put_keys(struct rf_buf *b, const json_t *leg)
{
    const json_t *m = json_object_get(leg, "media");

    if (rf_cli_text(m, "suite")[0] == '\0')
        return;
    rf_putf(b, "%s a=crypto:%lld, %s", rf_cli_text(m, "keying"), number(m, "tag"),
            json_is_true(json_object_get(m, "keys_in_clear")) ? "sent in CLEAR" : "over TLS");
}

static void
put_in(struct rf_buf *b, const json_t *leg)
{
    const json_t *in = json_object_get(json_object_get(leg, "media"), "in");

    if (in == NULL)
        return;
    rf_putf(b, "%lld: %lld authentic, %lld clear", number(in, "packets"), number(in, "authentic"), number(in, "clear"));
}

static void
put_refused(struct rf_buf *b, const json_t *leg)
{
    const json_t *in = json_object_get(json_object_get(leg, "media"), "in");

    if (in == NULL)
        return;
    rf_putf(b, "%lld forged, %lld replayed, %lld clear", number(in, "refused"), number(in, "replayed"),
            number(in, "clear_refused"));
}

static void
put_out(struct rf_buf *b, const json_t *leg)
{
    const json_t *out = json_object_get(json_object_get(leg, "media"), "out");

    if (out == NULL)
        return;
    rf_putf(b, "%lld: %lld encrypted, %lld clear", number(out, "packets"), number(out, "encrypted"), number(out, "clear"));
}

static void
put_path(struct rf_buf *b, const json_t *leg)
{
    const json_t *m = json_object_get(leg, "media");
    const char *learnt = rf_cli_text(m, "learnt_address"), *sdp = rf_cli_text(m, "sdp_address");

    rf_put_str(b, learnt[0] != '\0' ? learnt : sdp);
    if (learnt[0] != '\0' && strcmp(learnt, sdp) != 0)
        rf_putf(b, " (SDP said %s)", sdp);
}

static void
put_quality(struct rf_buf *b, const json_t *leg)
{
    const json_t *m = json_object_get(leg, "media"), *in = json_object_get(m, "in");

    if (in == NULL)
        return;
    rf_putf(b, "%lld lost, jitter %.1f ms", number(in, "lost"), json_number_value(json_object_get(in, "jitter_ms")));
    if (json_object_get(m, "rtt_ms") != NULL)
        rf_putf(b, ", RTT %.0f ms", json_number_value(json_object_get(m, "rtt_ms")));
}

static void
print_head(const json_t *call)
{
    printf("call %s   %s -> %s   %s %s, %lld s\n", rf_cli_text(call, "id"), rf_cli_text(call, "from"),
           rf_cli_text(call, "to"), rf_cli_text(call, "began"), rf_cli_text(call, "state"), number(call, "seconds"));
    printf("verdict %s", rf_cli_text(call, "verdict_min"));
    if (strcmp(rf_cli_text(call, "verdict"), rf_cli_text(call, "verdict_min")) != 0)
        printf(" (now %s)", rf_cli_text(call, "verdict"));
    if (rf_cli_text(call, "code")[0] != '\0')
        printf("   %s   ringfence explain %s", rf_cli_text(call, "code"), rf_cli_text(call, "code"));
    putchar('\n');
    if (rf_cli_text(call, "sentence")[0] != '\0')
        printf("%s\n", rf_cli_text(call, "sentence"));
}

void
rf_call_print(const struct rf_cli *cli, const json_t *call)
{
    print_head(call);
    if (cli->is_terminal)
        putchar('\n');
    print_row(cli, call, "", put_who);
    print_row(cli, call, "Signalling", put_signalling_full);
    print_row(cli, call, " from", put_address);
    print_row(cli, call, " sign-in", put_sign_in);
    print_row(cli, call, "Media", put_media);
    print_row(cli, call, " keys", put_keys);
    print_row(cli, call, " in", put_in);
    print_row(cli, call, " refused", put_refused);
    print_row(cli, call, " out", put_out);
    print_row(cli, call, " path", put_path);
    print_row(cli, call, " quality", put_quality);
    if (rf_cli_text(call, "ended_by")[0] != '\0')
        printf("ended by %s, status %lld\n", rf_cli_text(call, "ended_by"), number(call, "status"));
}

/* --- the ladder: time, then three columns at fixed places --- */

#define ARROW 23 /* characters between two parties */

/* "|--- INVITE (SDP) ----->|" with the arrow's head on the side it points to. */
static void
print_arrow(const char *text, bool to_right)
{
    int n = (int)strlen(text), left = 3, right = ARROW - 5 - n - left;

    if (right < 1)
        right = 1;
    printf(to_right ? "%.*s %s %.*s>" : "<%.*s %s %.*s", to_right ? left : left - 1, "------------------------", text,
           to_right ? right : right + 1, "------------------------");
}

static void
print_time(const json_t *call, long long at_us, long long last_us, bool first)
{
    long long us = at_us - last_us;
    char text[32];

    if (first)
        snprintf(text, sizeof text, "%.8s", strlen(rf_cli_text(call, "began")) > 18 ? rf_cli_text(call, "began") + 11 : "");
    else if (us < 1000000)
        snprintf(text, sizeof text, "+%.1f ms", (double)us / 1000);
    else
        snprintf(text, sizeof text, "+%.1f s", (double)us / 1000000);
    printf("%12s  ", text);
}

static void
print_message(const json_t *m)
{
    bool is_a = strcmp(rf_cli_text(m, "leg"), "A") == 0, is_in = strcmp(rf_cli_text(m, "direction"), "in") == 0;
    const char *method = rf_cli_text(m, "method"), *note = rf_cli_text(m, "note");
    const char *sdp = strncmp(note, "RTP/", 4) == 0 ? " (SDP)" : "";
    char text[32];

    if (method[0] == '\0') { /* not a message: something that happened on this leg */
        printf("|%*s|%*s|  leg %s: %s\n", ARROW, "", ARROW, "", rf_cli_text(m, "leg"), note);
        return;
    }
    if (number(m, "status") == 0)
        snprintf(text, sizeof text, "%s%s", method, sdp);
    else if (strcmp(method, "INVITE") == 0)
        snprintf(text, sizeof text, "%lld%s", number(m, "status"), sdp);
    else
        snprintf(text, sizeof text, "%lld %s%s", number(m, "status"), method, sdp);
    putchar('|');
    if (is_a)
        print_arrow(text, is_in);
    else
        printf("%*s", ARROW, "");
    putchar('|');
    if (!is_a)
        print_arrow(text, !is_in);
    else
        printf("%*s", ARROW, "");
    printf("|%s%s\n", note[0] != '\0' ? "  " : "", note);
}

static void
print_media(const json_t *call)
{
    char text[2][64];

    for (size_t i = 0; i < 2; i++) {
        struct rf_buf b = rf_buf(text[i], sizeof text[i] - 1);
        const json_t *m = json_object_get(leg_at(call, i), "media");
        const char *suite = rf_cli_text(m, "suite");

        if (suite[0] != '\0')
            rf_putf(&b, "SRTP %.13s", strncmp(suite, "AEAD_", 5) == 0 ? suite + 5 : suite);
        else
            rf_put_str(&b, leg_at(call, i) != NULL ? "RTP in CLEAR" : "");
        text[i][b.n] = '\0';
    }
    if (leg_at(call, 1) == NULL || json_object_get(json_object_get(leg_at(call, 0), "media"), "in") == NULL)
        return;
    printf("%12s  |= %-19.19s =|= %-19.19s =|%s%s\n", "", text[0], text[1],
           rf_cli_text(call, "code")[0] != '\0' ? "  " : "", rf_cli_text(call, "code"));
}

void
rf_ladder_print(const struct rf_cli *cli, const json_t *call)
{
    const json_t *list = json_object_get(call, "ladder");
    long long last_us = 0;
    bool media_shown = false;

    print_head(call);
    printf("\n%12s  %-18s%-24s%s\n", "", rf_cli_text(call, "from"), "    ringfence", rf_cli_text(call, "to"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);

        print_time(call, number(m, "at_us"), last_us, i == 0);
        print_message(m);
        last_us = number(m, "at_us");
        /* What was relayed stands where it happened: behind the first ACK. */
        if (!media_shown && strcmp(rf_cli_text(m, "method"), "ACK") == 0) {
            print_media(call);
            media_shown = true;
        }
    }
    if (number(call, "ladder_more") > 0)
        printf("%12s  %lld more messages\n", "", number(call, "ladder_more"));
}
