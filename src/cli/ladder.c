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

/* "SRTP AES_CM_128_HMAC_SHA1_80, NOT ENCRYPTED (UNENCRYPTED_SRTP)" */
static void
put_srtp(struct rf_buf *b, const json_t *m)
{
    const json_t *parameters = json_object_get(m, "session_parameters"), *name;
    size_t i;

    rf_putf(b, "SRTP %s%s", rf_cli_text(m, "suite"),
            strcmp(rf_cli_text(m, "protection"), "SRTP, not encrypted") == 0 ? ", NOT ENCRYPTED" : "");
    json_array_foreach(parameters, i, name)
        rf_putf(b, "%s%s%s", i == 0 ? " (" : " ", json_string_value(name) != NULL ? json_string_value(name) : "",
                i + 1 == json_array_size(parameters) ? ")" : "");
}

static void
put_media(struct rf_buf *b, const json_t *leg)
{
    const json_t *m = json_object_get(leg, "media");

    if (rf_cli_text(m, "suite")[0] != '\0')
        put_srtp(b, m);
    else
        rf_put_str(b,
                   strcmp(rf_cli_text(m, "protection"), "none") == 0 ? "RTP in CLEAR" : rf_cli_text(m, "protection"));
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
    rf_putf(b, "%lld: %lld encrypted, %lld clear", number(out, "packets"), number(out, "encrypted"),
            number(out, "clear"));
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
    if (json_object_get(in, "mos") != NULL)
        rf_putf(b, ", MOS %.1f", json_number_value(json_object_get(in, "mos")));
}

/* What its reports say of what it hears. */
static void
put_hears(struct rf_buf *b, const json_t *leg)
{
    const json_t *far = json_object_get(json_object_get(json_object_get(leg, "media"), "out"), "reported");

    if (far == NULL)
        return;
    rf_putf(b, "%.1f %% lost, jitter %.1f ms", json_number_value(json_object_get(far, "loss_percent")),
            json_number_value(json_object_get(far, "jitter_ms")));
    if (json_object_get(far, "mos") != NULL)
        rf_putf(b, ", MOS %.1f", json_number_value(json_object_get(far, "mos")));
}

/* Seconds in clear, where there were any. */
static void
put_clear(struct rf_buf *b, const json_t *leg)
{
    double seconds = json_number_value(json_object_get(json_object_get(leg, "media"), "clear_seconds"));

    if (seconds > 0)
        rf_putf(b, "%.1f s", seconds);
}

static void
put_certificate(struct rf_buf *b, const json_t *leg)
{
    const json_t *cert = json_object_get(json_object_get(leg, "signalling"), "peer_certificate");

    if (cert != NULL)
        rf_putf(b, "%s  %.16s", rf_cli_text(cert, "subject"), rf_cli_text(cert, "sha256"));
}

/* What was learnt of the peer's SRTP: "srtcp-tag-32 roc-kept" */
static void
put_learnt(struct rf_buf *b, const json_t *leg)
{
    const json_t *learnt = json_object_get(json_object_get(leg, "media"), "srtp_learnt");

    for (size_t i = 0; i < json_array_size(learnt); i++)
        rf_putf(b, "%s%s", i > 0 ? " " : "", json_string_value(json_array_get(learnt, i)));
}

/* "none for 12 s: authentication-fails" */
static void
put_no_audio(struct rf_buf *b, const json_t *leg)
{
    const json_t *o = json_object_get(json_object_get(leg, "media"), "no_audio");

    if (o != NULL)
        rf_putf(b, "%s none for %lld s%s", rf_cli_text(o, "code"), number(o, "seconds"),
                json_is_true(json_object_get(o, "to_the_last")) ? "" : ", then again");
}

static void
put_no_audio_cause(struct rf_buf *b, const json_t *leg)
{
    rf_put_str(b, rf_cli_text(json_object_get(json_object_get(leg, "media"), "no_audio"), "cause"));
}

static void
print_head(const json_t *call)
{
    printf("call %.8s   %s -> %s   %s %s, %lld s\n", rf_cli_text(call, "id"), rf_cli_text(call, "from"),
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

static void
print_forwarded(const json_t *call)
{
    const json_t *step;
    size_t i;

    json_array_foreach(json_object_get(call, "forwarded"), i, step)
        printf("Forwarded   by %s to %s: %s\n", rf_cli_text(step, "by"), rf_cli_text(step, "to"),
               rf_cli_text(step, "reason"));
}

/* Where it came from, and where a leg of it went. */
static void
print_transfer(const json_t *call)
{
    const json_t *transfer = json_object_get(call, "transfer"), *of;
    size_t i;

    if (transfer != NULL) {
        printf("transfer, %s, by %s:", rf_cli_text(transfer, "kind"), rf_cli_text(transfer, "by"));
        json_array_foreach(json_object_get(transfer, "calls"), i, of)
            printf(" from call %.8s", json_string_value(of));
        putchar('\n');
    }
    if (rf_cli_text(call, "picked_up_by")[0] != '\0')
        printf("picked up by %s\n", rf_cli_text(call, "picked_up_by"));
    if (rf_cli_text(call, "transferred_to")[0] != '\0')
        printf("a leg went to call %.8s   ringfence call show %.8s\n", rf_cli_text(call, "transferred_to"),
               rf_cli_text(call, "transferred_to"));
}

void
rf_call_print(const struct rf_cli *cli, const json_t *call)
{
    print_head(call);
    print_forwarded(call);
    print_transfer(call);
    if (cli->is_terminal)
        putchar('\n');
    print_row(cli, call, "", put_who);
    print_row(cli, call, "Signalling", put_signalling_full);
    print_row(cli, call, " from", put_address);
    print_row(cli, call, " certificate", put_certificate);
    print_row(cli, call, " sign-in", put_sign_in);
    print_row(cli, call, "Media", put_media);
    print_row(cli, call, " keys", put_keys);
    print_row(cli, call, " learnt", put_learnt);
    print_row(cli, call, " in", put_in);
    print_row(cli, call, " refused", put_refused);
    print_row(cli, call, " out", put_out);
    print_row(cli, call, " path", put_path);
    print_row(cli, call, " in clear", put_clear);
    print_row(cli, call, " quality", put_quality);
    print_row(cli, call, " hears", put_hears);
    print_row(cli, call, " audio", put_no_audio);
    print_row(cli, call, "  because", put_no_audio_cause);
    if (rf_cli_text(call, "ended_by")[0] != '\0')
        printf("ended by %s, status %lld\n", rf_cli_text(call, "ended_by"), number(call, "status"));
}

/* --- the ladder: time, then three columns at fixed places --- */

#define ARROW 24 /* characters between two parties */

static const char line[] = "--------------------------------", dots[] = "................................";

/* "--- INVITE (SDP) ------>", with the arrow's head on the side it points to; ARROW characters in any case. */
static void
print_arrow(const char *text, bool to_right)
{
    int n = (int)strnlen(text, ARROW - 8), right = ARROW - 3 - 2 - n - 1;

    if (to_right)
        printf("--- %.*s %.*s>", n, text, right, line);
    else
        printf("<-- %.*s %.*s", n, text, right + 1, line);
}

/* The parties' lines with something in the column of leg A or of leg B. */
static void
print_row_of(bool is_a, const char *text, bool to_right, const char *note)
{
    for (int column = 0; column < 2; column++) {
        putchar('|');
        if ((column == 0) != is_a)
            printf("%*s", ARROW, "");
        else if (text != NULL)
            print_arrow(text, to_right);
        else
            printf("%.*s", ARROW, dots);
    }
    printf("|%s%s\n", note[0] != '\0' ? "  " : "", note);
}

static void
print_time(const json_t *call, long long at_us, long long last_us, bool first)
{
    long long us = at_us > last_us ? at_us - last_us : 0;
    char text[32];

    if (first)
        snprintf(text, sizeof text, "%.8s",
                 strlen(rf_cli_text(call, "began")) > 18 ? rf_cli_text(call, "began") + 11 : "");
    else if (us < 1000000)
        snprintf(text, sizeof text, "+%.1f ms", (double)us / 1000);
    else
        snprintf(text, sizeof text, "+%.1f s", (double)us / 1000000);
    printf("%12s  ", text);
}

/* "INVITE (SDP)", "180", "200 (SDP)", "200 BYE" */
static void
print_message(const json_t *m)
{
    bool is_a = strcmp(rf_cli_text(m, "leg"), "A") == 0, is_in = strcmp(rf_cli_text(m, "direction"), "in") == 0;
    const char *method = rf_cli_text(m, "method"), *sdp = json_is_true(json_object_get(m, "sdp")) ? " (SDP)" : "";
    char text[48];

    if (number(m, "status") == 0)
        snprintf(text, sizeof text, "%s%s", method, sdp);
    else if (strcmp(method, "INVITE") == 0)
        snprintf(text, sizeof text, "%lld%s", number(m, "status"), sdp);
    else
        snprintf(text, sizeof text, "%lld %s%s", number(m, "status"), method, sdp);
    print_row_of(is_a, method[0] != '\0' || number(m, "status") != 0 ? text : NULL, is_a == is_in,
                 rf_cli_text(m, "note"));
}

static void
put_media_short(struct rf_buf *b, const json_t *leg)
{
    const char *suite = rf_cli_text(json_object_get(leg, "media"), "suite");

    if (suite[0] != '\0')
        rf_putf(b, "SRTP %s", strncmp(suite, "AEAD_", 5) == 0 ? suite + 5 : suite);
    else
        rf_put_str(b, "RTP in CLEAR");
}

/* What was relayed, once the call was answered: "=== SRTP AES_256_GCM ====" */
static void
print_media(const json_t *call)
{
    if (leg_at(call, 1) == NULL || json_object_get(json_object_get(leg_at(call, 1), "media"), "in") == NULL)
        return;
    printf("%12s  ", "");
    for (size_t i = 0; i < 2; i++) {
        char text[64];
        struct rf_buf b = rf_buf(text, sizeof text - 1);
        int n;

        put_media_short(&b, leg_at(call, i));
        text[b.n] = '\0';
        n = (int)strnlen(text, ARROW - 6);
        printf("|== %.*s %.*s", n, text, ARROW - 4 - n, "========================");
    }
    printf("|%s%s\n", rf_cli_text(call, "code")[0] != '\0' ? "  " : "", rf_cli_text(call, "code"));
}

/* Names and signalling above the three lines. */
static void
print_parties(const json_t *call)
{
    char cell[2][64] = { "", "" };

    for (size_t i = 0; i < 2; i++) {
        struct rf_buf b = rf_buf(cell[i], sizeof cell[i] - 1);

        if (leg_at(call, i) != NULL)
            put_signalling(&b, leg_at(call, i), false);
        cell[i][b.n] = '\0';
    }
    printf("\n%12s  %-*.*s%-*s%s\n", "", ARROW - 3, ARROW - 4, rf_cli_text(call, "from"), ARROW + 2, "ringfence",
           rf_cli_text(call, "to"));
    printf("%12s  %-*.*s%-*s%s\n", "", ARROW + 14, ARROW + 13, cell[0], ARROW - 15, "", cell[1]);
}

/* A row of leg A: its 2xx to INVITE, or an ACK. The first ACK after that 2xx begins the media. */
static bool
is_of_leg_a(const json_t *m, const char *method, bool is_2xx)
{
    return strcmp(rf_cli_text(m, "leg"), "A") == 0 && strcmp(rf_cli_text(m, "method"), method) == 0 &&
           is_2xx == (number(m, "status") / 100 == 2);
}

void
rf_ladder_print(const struct rf_cli *cli, const json_t *call)
{
    const json_t *list = json_object_get(call, "ladder");
    long long last_us = 0;
    bool media_shown = json_object_get(call, "answered") == NULL, is_answered = false;

    print_head(call);
    print_parties(call);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);

        print_time(call, number(m, "at_us"), last_us, i == 0);
        print_message(m);
        last_us = number(m, "at_us");
        is_answered = is_answered || is_of_leg_a(m, "INVITE", true);
        if (!media_shown && is_answered && is_of_leg_a(m, "ACK", false)) {
            print_media(call);
            media_shown = true;
        }
    }
    if (!media_shown)
        print_media(call);
    if (number(call, "ladder_more") > 0)
        printf("%12s  %lld more messages\n", "", number(call, "ladder_more"));
}
