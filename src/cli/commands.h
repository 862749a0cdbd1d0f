/*
 * cli/commands.h - the functions behind the table of commands
 */
#ifndef RF_CLI_COMMANDS_H
#define RF_CLI_COMMANDS_H

#include "cli/command.h"

/* cmd_daemon.c */
int rf_cmd_run(struct rf_cli *cli);
int rf_cmd_status(struct rf_cli *cli);
int rf_cmd_metrics(struct rf_cli *cli);
int rf_cmd_reload(struct rf_cli *cli);
int rf_cmd_stop(struct rf_cli *cli);
int rf_cmd_version(struct rf_cli *cli);
/* cmd_config.c */
int rf_cmd_config_check(struct rf_cli *cli);
int rf_cmd_config_show(struct rf_cli *cli);
int rf_cmd_config_export(struct rf_cli *cli);
int rf_cmd_config_load(struct rf_cli *cli);
int rf_cmd_config_explain(struct rf_cli *cli);
int rf_cmd_config_default(struct rf_cli *cli);
int rf_cmd_config_fmt(struct rf_cli *cli);
int rf_cmd_get(struct rf_cli *cli);
int rf_cmd_set(struct rf_cli *cli);
int rf_cmd_config_history(struct rf_cli *cli);
int rf_cmd_config_rollback(struct rf_cli *cli);
/* cmd_cert.c */
int rf_cmd_cert_list(struct rf_cli *cli);
int rf_cmd_cert_show(struct rf_cli *cli);
int rf_cmd_cert_add(struct rf_cli *cli);
int rf_cmd_cert_export(struct rf_cli *cli);
int rf_cmd_cert_renew(struct rf_cli *cli);
int rf_cmd_cert_refused(struct rf_cli *cli);
int rf_cmd_cert_trust(struct rf_cli *cli);
int rf_cmd_cert_untrust(struct rf_cli *cli);
int rf_cmd_cert_pin(struct rf_cli *cli);
int rf_cmd_tls_devices(struct rf_cli *cli);
/** Who would be left outside by this value of a cipher-suite-level: said on stderr. false: the person said no. */
bool rf_cmd_cert_level_is_fine(struct rf_cli *cli, const char *setting, const char *value);
/* cmd_user.c */
int rf_cmd_user_list(struct rf_cli *cli);
int rf_cmd_user_show(struct rf_cli *cli);
int rf_cmd_user_add(struct rf_cli *cli);
int rf_cmd_user_set(struct rf_cli *cli);
int rf_cmd_user_remove(struct rf_cli *cli);
int rf_cmd_user_password(struct rf_cli *cli);
/* cmd_acme.c */
int rf_cmd_cert_automatic(struct rf_cli *cli);
int rf_cmd_cert_account_key(struct rf_cli *cli);
int rf_cmd_cert_revoke(struct rf_cli *cli);
/* cmd_ban.c */
int rf_cmd_ban_list(struct rf_cli *cli);
int rf_cmd_ban_lift(struct rf_cli *cli);
/* cmd_event.c */
int rf_cmd_subscriptions(struct rf_cli *cli);
int rf_cmd_mailbox_list(struct rf_cli *cli);
int rf_cmd_mailbox_set(struct rf_cli *cli);
/* cmd_connection.c */
int rf_cmd_connection_list(struct rf_cli *cli);
int rf_cmd_connection_show(struct rf_cli *cli);
int rf_cmd_connection_test(struct rf_cli *cli);
int rf_cmd_route_test(struct rf_cli *cli);
/* cmd_object.c: of connections, numbers and routes, by the command's noun */
int rf_cmd_number_list(struct rf_cli *cli);
int rf_cmd_route_list(struct rf_cli *cli);
int rf_cmd_object_show(struct rf_cli *cli);
int rf_cmd_object_add(struct rf_cli *cli);
int rf_cmd_object_set(struct rf_cli *cli);
int rf_cmd_object_remove(struct rf_cli *cli);
/* cmd_call.c */
int rf_cmd_calls(struct rf_cli *cli);
int rf_cmd_call_show(struct rf_cli *cli);
int rf_cmd_call_hangup(struct rf_cli *cli);
int rf_cmd_registrations(struct rf_cli *cli);
int rf_cmd_ladder(struct rf_cli *cli);
/* cmd_record.c */
/** `calls --ended`. */
int rf_cmd_calls_ended(struct rf_cli *cli);
/** The columns of --csv as a page of docs/reference. */
void rf_cmd_put_records(FILE *out);
/** One field of a line of CSV (RFC 4180), quoted where it must be; no formula to a spreadsheet. */
void rf_csv_put_field(struct rf_buf *b, struct rf_span s);
/** cmd_call.c: the table for people. */
void rf_calls_print_ended(const struct rf_cli *cli, json_t *rows);
/* cmd_secret.c */
int rf_cmd_secret_list(struct rf_cli *cli);
int rf_cmd_secret_add(struct rf_cli *cli);
int rf_cmd_secret_set(struct rf_cli *cli);
int rf_cmd_secret_remove(struct rf_cli *cli);
int rf_cmd_secret_rotate(struct rf_cli *cli);
/* cmd_log.c */
int rf_cmd_log(struct rf_cli *cli);
int rf_cmd_explain(struct rf_cli *cli);
/* cmd_doctor.c */
int rf_cmd_doctor(struct rf_cli *cli);
/* cmd_tool.c */
int rf_cmd_tls_levels(struct rf_cli *cli);
int rf_cmd_sip_parse(struct rf_cli *cli);
int rf_cmd_sdp_decide(struct rf_cli *cli);
int rf_cmd_sdp_status(struct rf_cli *cli);
int rf_cmd_srtp_protect(struct rf_cli *cli);
int rf_cmd_srtp_unprotect(struct rf_cli *cli);
/* cmd_probe.c */
int rf_cmd_probe(struct rf_cli *cli);
/* cmd_cert_check.c */
int rf_cmd_ca_init(struct rf_cli *cli);
int rf_cmd_ca_issue(struct rf_cli *cli);
int rf_cmd_ca_list(struct rf_cli *cli);
int rf_cmd_ca_revoke(struct rf_cli *cli);
int rf_cmd_ca_export(struct rf_cli *cli);
int rf_cmd_cert_check(struct rf_cli *cli);
/* cmd_demo.c, cmd_selfcall.c */
int rf_cmd_demo(struct rf_cli *cli);
int rf_cmd_selfcall(struct rf_cli *cli);

#endif
