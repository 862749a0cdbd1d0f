/*
 * cli/cmd_tool.c - commands that need no daemon: what the libraries decide about one message or packet
 */
#include <errno.h>
#include <stdlib.h>

#include "base/secret.h"
#include "cli/commands.h"
#include "policy/tool.h"
#include "sip/msg.h"
#include "sip/tool.h"
#include "srtp/srtp.h"
#include "srtp/tool.h"
#include "tls/levelout.h"

#define PACKET_MAX 65536 /* octets of hexadecimal and white space */

int
rf_cmd_tls_levels(struct rf_cli *cli)
{
    static char text[RF_TLS_LEVELS_JSON_MAX > RF_TLS_LEVELS_TEXT_MAX ? RF_TLS_LEVELS_JSON_MAX
                                                                     : RF_TLS_LEVELS_TEXT_MAX];
    struct rf_buf out = rf_buf(text, sizeof text);

    if (cli->json)
        rf_tls_levels_json(&out);
    else
        rf_tls_levels_text(&out);
    rf_assert(!out.overflow);
    fwrite(out.p, 1, out.n, stdout);
    if (cli->json)
        putchar('\n');
    return RF_EXIT_DONE;
}

int
rf_cmd_sip_parse(struct rf_cli *cli)
{
    size_t n;
    char *text = rf_cli_stdin(cli, RF_SIP_MESSAGE_MAX, &n), *mem = malloc(RF_SIP_TOOL_OUTPUT_MAX);
    struct rf_buf out = rf_buf(mem, RF_SIP_TOOL_OUTPUT_MAX);
    enum rf_err err;

    if (text == NULL || mem == NULL) {
        free(text);
        free(mem);
        return RF_EXIT_USAGE;
    }
    err = rf_sip_tool_parse(&out, rf_span(text, n), cli->json);
    fwrite(out.p, 1, out.n, stdout);
    if (out.n > 0 && out.p[out.n - 1] != '\n')
        putchar('\n');
    free(mem);
    free(text);
    return err == RF_OK ? RF_EXIT_DONE : err == RF_ERR_SYNTAX ? RF_EXIT_FOUND : RF_EXIT_FAILED;
}

/* --- sdp decide --- */

/* Longer than RF_SDP_MAX is a refusal (RF-514); longer than this is no session description that SIP could bring. */
#define SDP_INPUT_MAX (1u << 20)

static char *
read_whole(const struct rf_cli *cli, const char *path, size_t max, size_t *n)
{
    FILE *in = fopen(path, "re");
    char *p = malloc(max + 1);

    *n = in != NULL && p != NULL ? fread(p, 1, max + 1, in) : 0;
    if (in == NULL || p == NULL || ferror(in) || *n > max) {
        rf_cli_fail(cli, RF_EXIT_USAGE, "%s: %s", path,
                    in == NULL ? strerror(errno) : "cannot be read, or is too long");
        free(p);
        p = NULL;
    }
    if (in != NULL)
        fclose(in);
    return p;
}

/* Flags into the tool; 0 or an exit status. */
static int
sdp_flags(const struct rf_cli *cli, struct rf_sdp_tool *t)
{
    const char *srtp = rf_cli_flag(cli, "--srtp"), *direction = rf_cli_flag(cli, "--direction");
    const char *suites = rf_cli_flag(cli, "--suites"), *profile = rf_cli_flag(cli, "--answer-profile");
    const char *transport = rf_cli_flag(cli, "--transport");
    struct rf_span unknown;

    if (srtp == NULL || rf_sdp_tool_srtp(t, rf_span_str(srtp)) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--srtp takes off, optional or required");
    if (direction == NULL || (strcmp(direction, "offer-in") != 0 && strcmp(direction, "answer-in") != 0))
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--direction takes offer-in or answer-in");
    t->is_answer = strcmp(direction, "answer-in") == 0;
    if (suites != NULL &&
        rf_srtp_suites_parse(rf_span_str(suites), t->policy.suite, &t->policy.suite_count, &unknown) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "unknown suite %.*s", RF_SPAN_ARG(unknown));
    if (profile != NULL && strcmp(profile, "mirror") != 0 && strcmp(profile, "savp") != 0)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--answer-profile takes mirror or savp");
    t->policy.answer_savp = profile != NULL && strcmp(profile, "savp") == 0;
    if (transport != NULL && rf_sdp_tool_transport(t, rf_span_str(transport)) != RF_OK)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--transport takes tls, tcp or udp");
    t->policy.allow_null_auth = rf_cli_flag(cli, "--allow-null-auth") != NULL;
    t->policy.allow_unencrypted = rf_cli_flag(cli, "--allow-unencrypted-srtp") != NULL;
    t->policy.offerer_order = rf_cli_flag(cli, "--offerer-order") != NULL;
    t->policy.hosted = rf_cli_flag(cli, "--hosted") != NULL;
    t->bypass = rf_cli_flag(cli, "--bypass") != NULL;
    t->json = cli->json;
    return 0;
}

int
rf_cmd_sdp_decide(struct rf_cli *cli)
{
    const char *our_offer = rf_cli_flag(cli, "--our-offer");
    struct rf_sdp_tool tool;
    char *sdp, *offer = NULL, *mem;
    size_t n, offer_n = 0;
    struct rf_buf out;
    enum rf_err err;
    int status;

    rf_sdp_tool_init(&tool);
    status = sdp_flags(cli, &tool);
    if (status != 0)
        return status;
    if (our_offer != NULL && (offer = read_whole(cli, our_offer, RF_SDP_MAX, &offer_n)) == NULL)
        return RF_EXIT_USAGE;
    tool.our_offer = rf_span(offer, offer_n);
    sdp = rf_cli_stdin(cli, SDP_INPUT_MAX, &n);
    mem = malloc(RF_SDP_TOOL_TEXT_MAX);
    if (sdp == NULL || mem == NULL) {
        free(offer);
        free(sdp);
        free(mem);
        return RF_EXIT_USAGE;
    }
    out = rf_buf(mem, RF_SDP_TOOL_TEXT_MAX);
    err = rf_sdp_decide(&tool, rf_span(sdp, n), &rf_rand_system, &out);
    fwrite(out.p, 1, out.n, err == RF_ERR_SYNTAX ? stderr : stdout);
    free(offer);
    free(sdp);
    free(mem);
    return err == RF_OK ? RF_EXIT_DONE : err == RF_ERR_REFUSED ? RF_EXIT_FOUND : RF_EXIT_USAGE;
}

int
rf_cmd_sdp_status(struct rf_cli *cli)
{
    struct rf_sdp_tool tool;
    char mem[512];
    struct rf_buf out = rf_buf(mem, sizeof mem);
    uint64_t status = 0, places = 1;
    enum rf_err err;

    rf_sdp_tool_init(&tool);
    if (rf_span_u64(rf_span_str(cli->arg[0]), 699, &status) != RF_OK || status < 200 ||
        (cli->arg_count > 1 && rf_span_u64(rf_span_str(cli->arg[1]), 100, &places) != RF_OK))
        return rf_cli_fail(cli, RF_EXIT_USAGE, "a final status is wanted, 200 to 699, and a number of places");
    tool.status = (int)status;
    tool.places = (size_t)places;
    tool.json = cli->json;
    err = rf_sdp_decide(&tool, (struct rf_span){ 0 }, &rf_rand_system, &out);
    fwrite(out.p, 1, out.n, stdout);
    return err == RF_OK ? RF_EXIT_DONE : RF_EXIT_FOUND;
}

/* --- srtp protect, unprotect --- */

/* The key of a test vector: as an argument, or the first line of a file. */
static int
take_key(const struct rf_cli *cli, const char *value, char *mem, size_t size)
{
    FILE *in;

    if (strncmp(value, "file:", 5) != 0) {
        snprintf(mem, size, "%s", value);
        return 0;
    }
    in = fopen(value + 5, "re");
    if (in == NULL || fgets(mem, (int)size, in) == NULL) {
        rf_cli_fail(cli, RF_EXIT_USAGE, "%s: %s", value + 5, in == NULL ? strerror(errno) : "is empty");
        if (in != NULL)
            fclose(in);
        return RF_EXIT_USAGE;
    }
    fclose(in);
    mem[strcspn(mem, "\r\n")] = '\0';
    return 0;
}

static int
take_number(const struct rf_cli *cli, const char *flag, uint64_t max, uint64_t *out)
{
    const char *value = rf_cli_flag(cli, flag);

    *out = 0;
    if (value == NULL || rf_span_u64(rf_span_str(value), max, out) == RF_OK)
        return 0;
    return rf_cli_fail(cli, RF_EXIT_USAGE, "%s takes a number up to %llu", flag, (unsigned long long)max);
}

static int
srtp(struct rf_cli *cli, bool protect)
{
    const char *suite = rf_cli_flag(cli, "--suite"), *key = rf_cli_flag(cli, "--key"), *mki = rf_cli_flag(cli, "--mki");
    struct rf_srtp_tool tool = { .is_protect = protect, .is_rtcp = rf_cli_flag(cli, "--rtcp") != NULL };
    char key_text[256], mem[PACKET_MAX + 1024], *packet;
    struct rf_buf out = rf_buf(mem, sizeof mem);
    const char *why = "";
    enum rf_err err;
    size_t n;

    if (suite == NULL || key == NULL)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "--suite and --key are needed");
    if (take_key(cli, key, key_text, sizeof key_text) != 0 ||
        take_number(cli, "--seq", tool.is_rtcp ? 0x7fffffff : 0xffff, &tool.seq) != 0 ||
        take_number(cli, "--roc", UINT32_MAX, &tool.roc) != 0)
        return RF_EXIT_USAGE;
    packet = rf_cli_stdin(cli, PACKET_MAX, &n);
    if (packet == NULL)
        return RF_EXIT_USAGE;
    tool.suite = rf_span_str(suite);
    tool.key = rf_span_str(key_text);
    tool.mki = rf_span_str(mki);
    if (rf_cli_flag(cli, "--unencrypted") != NULL)
        tool.clear = tool.is_rtcp ? RF_SRTP_CLEAR_RTCP : RF_SRTP_CLEAR_RTP;
    tool.packet = rf_span(packet, n);
    err = rf_srtp_init("auto");
    if (!err)
        err = rf_srtp_tool(&tool, &out, &why);
    rf_wipe(key_text, sizeof key_text);
    free(packet);
    if (!err) {
        if (cli->json)
            printf("{\"packet\":\"%.*s\"}\n", RF_SPAN_ARG(rf_span_trim(rf_buf_span(&out))));
        else
            printf("%.*s\n", RF_SPAN_ARG(rf_span_trim(rf_buf_span(&out))));
        return RF_EXIT_DONE;
    }
    /* What is wrong with the arguments is usage; what is wrong with the packet is a finding. */
    return rf_cli_fail(cli, err == RF_ERR_RANGE || err == RF_ERR_NOT_FOUND ? RF_EXIT_USAGE : RF_EXIT_FOUND, "%s", why);
}

int
rf_cmd_srtp_protect(struct rf_cli *cli)
{
    return srtp(cli, true);
}

int
rf_cmd_srtp_unprotect(struct rf_cli *cli)
{
    return srtp(cli, false);
}
