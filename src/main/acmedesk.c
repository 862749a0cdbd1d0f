/* main/acmedesk.c - commands about certificates that renew themselves: the slow thread answers, the desk words it */
#include <stdlib.h>

#include "main/desk.h"

static void
answer_list(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more)
{
    json_t *rows = json_array_get(answers, 0);

    if (json_is_array(rows))
        rf_control_answer(ask, json_incref(rows));
    else
        rf_control_refuse(ask, 1, "", "what renews certificates did not answer in time", "try again");
}

static void
answer_done(struct rf_desk *d, struct rf_control_ask *ask, json_t *answers, void *more)
{
    const char *result = json_string_value(json_object_get(json_array_get(answers, 0), "result"));
    char *label = more;

    if (result == NULL)
        rf_control_refuse(ask, 1, "", "what renews certificates did not answer in time", "try again");
    else if (strcmp(result, rf_err_name(RF_OK)) == 0)
        rf_control_answer(ask, json_pack("{s:s}", "certificate", label));
    else if (strcmp(result, rf_err_name(RF_ERR_NOT_FOUND)) == 0)
        rf_control_refuse(ask, 1, "", "no certificate of this name renews itself",
                          "set certificate.NAME.lets-encrypt on");
    else if (strcmp(result, rf_err_name(RF_ERR_EXISTS)) == 0)
        rf_control_refuse(ask, 1, "", "the authority is being asked at this moment", "ringfence cert list");
    else if (strcmp(result, rf_err_name(RF_ERR_STATE)) == 0)
        rf_control_refuse(ask, 1, "", "there is no certificate yet", "ringfence cert list");
    else
        rf_control_refuse(ask, 1, "", "the change could not be written to disk",
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
