/*
 * cli/commands.h - the functions behind the table of commands
 */
#ifndef RF_CLI_COMMANDS_H
#define RF_CLI_COMMANDS_H

#include "cli/command.h"

/* cmd_daemon.c */
int rf_cmd_run(struct rf_cli *cli);
int rf_cmd_status(struct rf_cli *cli);
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
/* cmd_user.c */
int rf_cmd_user_list(struct rf_cli *cli);
int rf_cmd_user_show(struct rf_cli *cli);
int rf_cmd_user_add(struct rf_cli *cli);
int rf_cmd_user_set(struct rf_cli *cli);
int rf_cmd_user_remove(struct rf_cli *cli);
int rf_cmd_user_password(struct rf_cli *cli);
/* cmd_ban.c */
int rf_cmd_ban_list(struct rf_cli *cli);
int rf_cmd_ban_lift(struct rf_cli *cli);
/* cmd_connection.c */
int rf_cmd_connection_list(struct rf_cli *cli);
int rf_cmd_connection_show(struct rf_cli *cli);
int rf_cmd_route_test(struct rf_cli *cli);
/* cmd_call.c */
int rf_cmd_calls(struct rf_cli *cli);
int rf_cmd_call_show(struct rf_cli *cli);
int rf_cmd_call_hangup(struct rf_cli *cli);
int rf_cmd_registrations(struct rf_cli *cli);
int rf_cmd_ladder(struct rf_cli *cli);
/* cmd_log.c */
int rf_cmd_log(struct rf_cli *cli);
int rf_cmd_explain(struct rf_cli *cli);
/* cmd_doctor.c */
int rf_cmd_doctor(struct rf_cli *cli);
/* cmd_tool.c */
int rf_cmd_tls_levels(struct rf_cli *cli);
int rf_cmd_sip_parse(struct rf_cli *cli);
int rf_cmd_sdp_decide(struct rf_cli *cli);
int rf_cmd_srtp_protect(struct rf_cli *cli);
int rf_cmd_srtp_unprotect(struct rf_cli *cli);
/* cmd_cert_check.c */
int rf_cmd_cert_check(struct rf_cli *cli);
/* cmd_demo.c, cmd_selfcall.c */
int rf_cmd_demo(struct rf_cli *cli);
int rf_cmd_selfcall(struct rf_cli *cli);

#endif
