/* main/acmedesk.c - commands about certificates that renew themselves: the slow thread answers, the desk words it */
#include <stdio.h>
#include <stdlib.h>

#include "main/desk.h"

static const char *
code_of(enum rf_refusal r)
{
    return rf_refusal_row(r)->code;
}

/* "certificate web has not been issued yet" */
static void
refuse(struct rf_control_ask *ask, enum rf_refusal r, const char *label, const char *what, const char *fix)
{
    char sentence[160];

    snprintf(sentence, sizeof sentence, "certificate %.64s %s", label != NULL ? label : "", what);
    rf_control_refuse(ask, 1, code_of(r), sentence, fix);
}

static void
answer_list(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more)
{
    json_t *rows = json_array_get(answers, 0);

    if (json_is_array(rows))
        rf_control_answer(ask, json_incref(rows));
    else
        rf_control_refuse(ask, 1, code_of(RF_REFUSE_NO_DAEMON), "what renews certificates did not answer in time",
                          "try again; ringfence doctor shows whether it turns");
}

static void
answer_done(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more)
{
    const char *result = json_string_value(json_object_get(json_array_get(answers, 0), "result"));
    char *label = more;

    if (result == NULL)
        rf_control_refuse(ask, 1, code_of(RF_REFUSE_NO_DAEMON), "what renews certificates did not answer in time",
                          "try again; ringfence doctor shows whether it turns");
    else if (strcmp(result, rf_err_name(RF_OK)) == 0)
        rf_control_answer(ask, json_pack("{s:s}", "certificate", label));
    else if (strcmp(result, rf_err_name(RF_ERR_NOT_FOUND)) == 0)
        refuse(ask, RF_REFUSE_UNKNOWN_CERT, label, "does not renew itself (certificate.NAME.lets-encrypt)",
               "ringfence cert automatic lists those that do; ca revoke is for what the local authority issued");
    else if (strcmp(result, rf_err_name(RF_ERR_EXISTS)) == 0)
        refuse(ask, RF_REFUSE_IN_THE_WAY, label, "is being asked for at this moment",
               "ringfence cert automatic shows how far it is; then try again");
    else if (strcmp(result, rf_err_name(RF_ERR_STATE)) == 0)
        refuse(ask, RF_REFUSE_UNKNOWN_CERT, label, "has not been issued yet", "ringfence cert automatic shows why");
    else
        rf_control_refuse(ask, 1, code_of(RF_REFUSE_STORE_FAILED), "the change could not be written to disk",
                          "free space below the state directory");
    free(label);
}

void
rf_desk_renew_automatic(struct rf_desk *d, struct rf_control_ask *ask, const char *name)
{
    rf_desk_ask(d, RF_ASK_ACME_RENEW, name, ask, answer_done, strdup(name));
}

bool
rf_desk_acme_command(struct rf_desk *d, struct rf_control_ask *ask, const char *command, const json_t *request)
{
    static const struct {
        const char *command;
        enum rf_question question;
    } rows[] = {
        { "acme.account-key", RF_ASK_ACME_ACCOUNT_KEY },
        { "acme.revoke", RF_ASK_ACME_REVOKE },
    };
    const char *label = json_string_value(json_object_get(request, "name"));

    if (strcmp(command, "acme.list") == 0) {
        rf_desk_ask(d, RF_ASK_ACME_LIST, "", ask, answer_list, NULL);
        return true;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(command, rows[i].command) == 0) {
            label = label != NULL ? label : "";
            rf_desk_ask(d, rows[i].question, label, ask, answer_done, strdup(label));
            return true;
        }
    return false;
}
