/*
 * cli/cmd_selfcall.c - `selfcall`: two phones of our own call each other through the running daemon
 *
 * Without accounts two users are made for the moment and removed again, so nobody's phone rings; with accounts,
 * phones that are registered there ring, too. Passwords come from standard input or a prompt.
 */
#include <stdlib.h>
#include <time.h>

#include "base/rand.h"
#include "base/secret.h"
#include "cli/commands.h"
#include "cli/prove.h"

struct account {
    char name[64], password[RF_SECRET_MAX];
    bool is_ours; /* made here, to be removed */
};

static int
make_account(const struct rf_cli *cli, struct account *a, int number)
{
    uint8_t random[16];
    struct rf_buf b = rf_buf(a->password, sizeof a->password - 1);
    json_t *made;
    int status;

    rf_rand_fill(&rf_rand_system, random, sizeof random);
    rf_put_hex(&b, random, sizeof random);
    a->password[b.n] = '\0';
    snprintf(a->name, sizeof a->name, "selfcall-%02x%02x-%d", random[0], random[1], number);
    made = rf_cli_ask(cli, json_pack("{s:s, s:s, s:{s:s, s:s}, s:s}", "command", "user.add", "user", a->name, "settings",
                                     "srtp", "required", "name", "selfcall", "password", a->password),
                      &status);
    a->is_ours = made != NULL;
    json_decref(made);
    return made != NULL ? 0 : status;
}

static void
remove_account(const struct rf_cli *cli, struct account *a)
{
    int status;

    rf_wipe(a->password, sizeof a->password);
    if (a->is_ours)
        json_decref(rf_cli_ask(cli, json_pack("{s:s, s:s}", "command", "user.remove", "user", a->name), &status));
}

static int
take_account(const struct rf_cli *cli, struct account *a, const char *name)
{
    char prompt[96];

    if (strlen(name) >= sizeof a->name)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "the name %.20s... is too long", name);
    snprintf(a->name, sizeof a->name, "%s", name);
    snprintf(prompt, sizeof prompt, "password of %s", name);
    return rf_cli_secret(cli, prompt, a->password, sizeof a->password) == RF_OK ? 0 : RF_EXIT_USAGE;
}

int
rf_cmd_selfcall(struct rf_cli *cli)
{
    const char *ca = rf_cli_flag(cli, "--ca");
    struct account a = { .is_ours = false }, b = { .is_ours = false };
    struct rf_proof proofs[RF_PROOFS_MAX];
    char own_ca[1100];
    struct rf_prove p = { .cli = cli, .trust_file = ca, .calls_only = true };
    json_t *domain;
    int status, failed = 0;

    if (cli->arg_count == 1)
        return rf_cli_fail(cli, RF_EXIT_USAGE, "two accounts or none: ringfence selfcall FROM TO");
    domain = rf_cli_ask(cli, json_pack("{s:s, s:s}", "command", "config.get", "name", "domain"), &status);
    if (domain == NULL)
        return status;
    p.domain = rf_cli_text(domain, "value");
    if (ca == NULL) {
        snprintf(own_ca, sizeof own_ca, "%s/ca/ca.pem", cli->state_dir);
        p.trust_file = own_ca;
    }
    if (rf_prove_find(cli, &p) != RF_OK) {
        json_decref(domain);
        return rf_cli_error(cli, RF_EXIT_FAILED, "", "the daemon has no TLS listener", "ringfence set sip.listen tls:...");
    }
    status = cli->arg_count == 2 ? take_account(cli, &a, cli->arg[0]) : make_account(cli, &a, 1);
    if (status == 0)
        status = cli->arg_count == 2 ? take_account(cli, &b, cli->arg[1]) : make_account(cli, &b, 2);
    if (status == 0) {
        size_t n;

        p.user[0] = a.name;
        p.password[0] = a.password;
        p.user[1] = b.name;
        p.password[1] = b.password;
        n = rf_prove_run(&p, proofs);
        for (size_t i = 0; i < n; i++) {
            rf_proof_print(cli, &proofs[i]);
            failed += !proofs[i].passed;
        }
    }
    remove_account(cli, &a);
    remove_account(cli, &b);
    json_decref(domain);
    return status != 0 ? status : failed > 0 ? RF_EXIT_FAILED : RF_EXIT_DONE;
}
