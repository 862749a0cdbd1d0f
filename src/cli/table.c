/*
 * cli/table.c - the table of commands; rows of one noun stand together
 */
#include "cli/commands.h"
#include "cli/help.h"

#define USER_FLAGS                                                                                            \
    { "--name", "TEXT", "the name that phones show" },                                                        \
    { "--srtp", "off|optional|required", "encryption of this user's media" },                                 \
    { "--require-tls", "on|off", "sign in and call over TLS only" },                                          \
    { "--calls-max", "N", "calls at one time" }

#define SRTP_FLAGS                                                                                            \
    { "--suite", "NAME", "crypto suite as in a=crypto" },                                                     \
    { "--key", "BASE64", "master key and salt of a test vector; file:PATH works too" },                       \
    { "--seq", "N", "sequence number; with --rtcp the SRTCP index" }, { "--roc", "N", "rollover counter" },   \
    { "--mki", "HEX", "master key identifier" }, { "--rtcp", NULL, "the packet is RTCP" }

const struct rf_cli_command rf_cli_commands[] = {
    { "run", NULL, "", 0, 0, false, "ringfence run --state /var/lib/ringfence",
      "be the daemon, in the foreground; log lines on stderr", rf_cmd_run,
      { { "--config", "FILE", "configuration (/etc/ringfence/ringfence.conf when it is there)" } } },
    { "status", NULL, "", 0, 0, true, "ringfence status", "what runs, since when, and how busy it is", rf_cmd_status, { { 0 } } },
    { "reload", NULL, "", 0, 0, true, "ringfence reload",
      "read configuration and certificates again; drops no call and no connection", rf_cmd_reload, { { 0 } } },
    { "stop", NULL, "", 0, 0, true, "ringfence stop --drain 5m", "end calls, write everything out, stop", rf_cmd_stop,
      { { "--drain", "TIME", "let calls that are up go on for so long" } } },
    { "version", NULL, "", 0, 0, false, "ringfence version", "version, libraries, SRTP back end", rf_cmd_version, { { 0 } } },

    { "demo", NULL, "", 0, 0, false, "ringfence demo --once",
      "start a daemon on loopback with users of its own (state in ./.state), and prove it with real calls", rf_cmd_demo,
      { { "--once", NULL, "end after the proof; the exit status says whether it held" },
        { "--port-base", "PORT", "UDP and TCP port; TLS has the next (5060); 0: any free ones" } } },

    { "selfcall", NULL, "[FROM TO]", 0, 2, true, "ringfence selfcall 201 202",
      "two phones of our own call each other through the daemon; nobody else's phone rings", rf_cmd_selfcall,
      { { "--seconds", "N", "how long they talk, 1 to 60 (3)" },
        { "--passwords", "FILE", "two lines: the passwords; else they are asked for or read from standard input" },
        { "--trust", "FILE", "certificate of the authority (STATE/ca/ca.pem)" },
        { "--ring", NULL, "even when a phone of TO is registered, which then rings" } } },

    { "config", "check", "FILE", 1, 1, false, "ringfence config check /etc/ringfence/ringfence.conf",
      "say whether a configuration is valid; needs no daemon", rf_cmd_config_check,
      { { "--strict", NULL, "warnings are findings, too (exit 5)" } } },
    { "config", "show", "[PREFIX]", 0, 1, true, "ringfence config show media",
      "values in force, and where each comes from", rf_cmd_config_show, { { 0 } } },
    { "config", "export", "", 0, 0, true, "ringfence config export > settings.conf",
      "print the store's layer", rf_cmd_config_export, { { 0 } } },
    { "config", "load", "FILE", 1, 1, true, "ringfence config load settings.conf --yes",
      "replace the store's layer; nothing changes when it is not valid", rf_cmd_config_load, { { 0 } } },
    { "config", "explain", "SETTING", 1, 1, false, "ringfence config explain user.*.srtp",
      "what a setting means, takes and is by default", rf_cmd_config_explain, { { 0 } } },
    { "config", "default", "", 0, 0, false, "ringfence config default > ringfence.conf",
      "print every setting with its default", rf_cmd_config_default,
      { { "--secure", NULL, "the defaults of security-profile secure" } } },
    { "config", "fmt", "FILE", 1, 1, false, "ringfence config fmt ringfence.conf",
      "print a configuration in normal form (comments are lost)", rf_cmd_config_fmt, { { 0 } } },
    { "get", NULL, "SETTING", 1, 1, true, "ringfence get sip.srtp", "one value in force", rf_cmd_get, { { 0 } } },
    { "set", NULL, "SETTING [VALUE...]", 1, RF_CLI_ARGS_MAX, true, "ringfence set user.203.srtp optional",
      "change one setting in the store's layer and apply it", rf_cmd_set,
      { { "--reset", NULL, "back to the default" } } },

    { "user", NULL, "", 0, 0, true, "ringfence user", "list the users", rf_cmd_user_list, { { 0 } } },
    { "user", "list", "", 0, 0, true, "ringfence user list --json", "list the users", rf_cmd_user_list, { { 0 } } },
    { "user", "show", "USER", 1, 1, true, "ringfence user show 201", "one user", rf_cmd_user_show, { { 0 } } },
    { "user", "add", "USER", 1, 1, true, "ringfence user add 204 --name Maya --srtp required",
      "add a user; the password is asked for or read from standard input", rf_cmd_user_add, { USER_FLAGS } },
    { "user", "set", "USER", 1, 1, true, "ringfence user set 204 --srtp optional", "change a user", rf_cmd_user_set,
      { USER_FLAGS } },
    { "user", "remove", "USER", 1, 1, true, "ringfence user remove 204 --yes",
      "remove a user with its password and registrations", rf_cmd_user_remove, { { 0 } } },
    { "user", "password", "USER", 1, 1, true, "ringfence user password 204",
      "set a password; it is asked for or read from standard input", rf_cmd_user_password, { { 0 } } },

    { "ban", NULL, "", 0, 0, true, "ringfence ban", "list the sources that are banned", rf_cmd_ban_list, { { 0 } } },
    { "ban", "list", "", 0, 0, true, "ringfence ban list --json", "list the sources that are banned", rf_cmd_ban_list,
      { { 0 } } },
    { "ban", "lift", "ADDRESS", 1, 1, true, "ringfence ban lift 192.0.2.7",
      "let a source in again; of IPv6 the whole /64", rf_cmd_ban_lift, { { 0 } } },

    { "registrations", NULL, "[USER]", 0, 1, true, "ringfence registrations 201",
      "phones that are registered, and how they are reached", rf_cmd_registrations, { { 0 } } },
    { "calls", NULL, "", 0, 0, true, "ringfence calls", "calls that are up, and what protects each leg", rf_cmd_calls, { { 0 } } },
    { "call", "show", "[ID]", 0, 1, true, "ringfence call show last",
      "the evidence of one call, also of one that ended", rf_cmd_call_show, { { 0 } } },
    { "call", "hangup", "ID", 1, 1, true, "ringfence call hangup 7f3a --yes", "end a call for both sides",
      rf_cmd_call_hangup, { { 0 } } },
    { "ladder", NULL, "[ID]", 0, 1, true, "ringfence ladder last", "the messages of a call between its parties",
      rf_cmd_ladder, { { "--from", "USER", "the newest call of this user" } } },
    { "log", NULL, "", 0, 0, false, "ringfence log -f --code RF-3xx", "what the daemon wrote down", rf_cmd_log,
      { { "--follow", NULL, "go on with what is written from now (-f)" },
        { "--code", "CODE", "only this code; RF-3xx: all that begin so" },
        { "--level", "LEVEL", "at least this important: error, warn, info" },
        { "--lines", "N", "so many lines, 50 when nothing is said (-n)" } } },
    { "explain", NULL, "CODE", 1, 1, false, "ringfence explain RF-301",
      "what a code means, its causes, its fix, and when it was last seen", rf_cmd_explain, { { 0 } } },
    { "doctor", NULL, "", 0, 0, false, "ringfence doctor",
      "check this machine: clock, ports, files, disk, kernel, limits", rf_cmd_doctor,
      { { "--config", "FILE", "configuration whose ports are checked" } } },

    { "cert", "check", "CHAIN.pem", 1, 1, false,
      "ringfence cert check --level medium --interface sip --peer client --store trusted.pem chain.pem",
      "what would be said of a peer's certificate, check by check and level by level; exit 5 when it is refused",
      rf_cmd_cert_check,
      { { "--level", "LEVEL", "none, low, medium, high, medium-remote or high-remote" },
        { "--interface", "sip|https|provisioning", "what the connection is for; phone: nobody asks it" },
        { "--peer", "client|server", "its role in TLS" },
        { "--store", "FILE", "trusted certificates, or a folder of them" },
        { "--crl", "FILE", "lists of revoked certificates" },
        { "--target", "NAME", "host name, SIP domain, address; for provisioning the hardware address asked for" },
        { "--legacy-medium", NULL, "level medium as before the checks of key usage, purpose and extensions" },
        { "--own", "FILE", "our own certificate, which a peer must not show" },
        { "--at", "RFC3339", "judge as of this time" } } },
    { "tls", "levels", "", 0, 0, false, "ringfence tls levels",
      "what each cipher-suite-level accepts; --json has the form of Mozilla's file", rf_cmd_tls_levels, { { 0 } } },
    { "sip", "parse", "", 0, 0, false, "ringfence sip parse < invite.sip",
      "parse a message; exit 5 when it is refused", rf_cmd_sip_parse, { { 0 } } },
    { "sdp", "decide", "", 0, 0, false, "ringfence sdp decide --srtp required --direction offer-in < offer.sdp",
      "what would be decided on an offer or answer; exit 5 when it is refused", rf_cmd_sdp_decide,
      { { "--srtp", "off|optional|required", "the setting" },
        { "--direction", "offer-in|answer-in", "what the description is" },
        { "--suites", "LIST", "suites that are accepted, in order" },
        { "--answer-profile", "mirror|savp", "as media.answer-profile" },
        { "--transport", "tls|tcp|udp", "by which it came" },
        { "--allow-null-auth", NULL, "as media.allow-null-auth" },
        { "--offerer-order", NULL, "as media.suite-order offerer" },
        { "--hosted", NULL, "as platform hosted" },
        { "--our-offer", "FILE", "the offer that an answer answers" } } },
    { "srtp", "protect", "", 0, 0, false, "ringfence srtp protect --suite AEAD_AES_128_GCM --key file:k --roc 0",
      "protect a packet given in hexadecimal", rf_cmd_srtp_protect, { SRTP_FLAGS } },
    { "srtp", "unprotect", "", 0, 0, false, "ringfence srtp unprotect --suite AEAD_AES_128_GCM --key file:k --seq 1",
      "authenticate and decrypt a packet given in hexadecimal; exit 5 when it is refused", rf_cmd_srtp_unprotect,
      { SRTP_FLAGS } },

    { "man", NULL, "[PAGE]", 0, 1, false, "ringfence man codes | man -l -",
      "manual pages as roff: ringfence, codes, conf", rf_cmd_man, { { 0 } } },
    { "completion", NULL, "bash", 1, 1, false, "ringfence completion bash > /etc/bash_completion.d/ringfence",
      "completion for a shell", rf_cmd_completion, { { 0 } } },
    { "docs", NULL, "DIR", 1, 1, false, "ringfence docs docs/reference",
      "write the reference: commands, settings, refusals", rf_cmd_docs, { { 0 } } },
    { 0 },
};
