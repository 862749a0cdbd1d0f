/*
 * cli/claim.c - a claim on the screen: its name, what was measured, and at the right whether it held
 */
#include "cli/help.h"
#include "cli/prove.h"

#define WIDTH 79 /* columns used of 80 */
#define NAME 18  /* columns of a claim's name */

static const char *
colour(const struct rf_cli *cli, const char *code)
{
    return cli->colour ? code : "";
}

/* "ok  encrypted" stands at the right of the first line of evidence that has room for it. */
static void
print_held(const struct rf_cli *cli, const struct rf_claim *c)
{
    int mark_n = (int)strlen(c->mark) + (c->mark[0] != '\0' ? 4 : 2);
    bool is_marked = false;

    for (size_t i = 0; i < 4 && (i == 0 || !is_marked || (i < 3 && c->seen[i][0] != '\0')); i++) {
        const char *seen = i < 3 ? c->seen[i] : "";
        int room = WIDTH - 2 - NAME - (int)strlen(seen);

        printf("  %-*s%s", NAME, i == 0 ? c->name : "", seen);
        if (!is_marked && room > mark_n) {
            printf("%*s%sok%s%s%s", room - mark_n, "", colour(cli, "\033[32m"), colour(cli, "\033[0m"),
                   c->mark[0] != '\0' ? "  " : "", c->mark);
            is_marked = true;
        }
        putchar('\n');
    }
}

void
rf_claim_print(const struct rf_cli *cli, const struct rf_claim *c, const char *state_dir)
{
    if (c->state == RF_CLAIM_HELD) {
        print_held(cli, c);
        return;
    }
    if (c->state != RF_CLAIM_FAILED) {
        printf("  %-*s%*s\n", NAME, c->name, WIDTH - 2 - NAME, "skipped");
        return;
    }
    printf("  %-*s%sFAIL%s  %s%s", NAME, c->name, colour(cli, "\033[31m"), colour(cli, "\033[0m"), c->code,
           c->code[0] != '\0' ? "  " : "");
    rf_cli_print_wrapped(c->sentence, 2 + NAME + 6 + (c->code[0] != '\0' ? (int)strlen(c->code) + 2 : 0), WIDTH);
    printf("  %-*sfix   ", NAME, "");
    if (c->code[0] != '\0')
        printf("ringfence explain %s   ", c->code);
    printf("ringfence log --state %s\n", state_dir);
}

json_t *
rf_claim_json(const struct rf_claim *c)
{
    static const char *const states[] = {"open", "held", "failed", "skipped"};
    json_t *seen = json_array();

    for (size_t i = 0; i < 3; i++)
        if (c->seen[i][0] != '\0')
            json_array_append_new(seen, json_string(c->seen[i]));
    return json_pack("{s:s, s:s, s:o, s:s, s:i, s:s, s:s}", "claim", c->name, "state", states[c->state],
                     "seen", seen, "mark", c->mark, "checks", (int)c->checks, "code", c->code, "sentence",
                     c->sentence);
}
