#include "main/expiry.h"

#include <stdlib.h>

#include "cert/bundle.h"

#define DAY_S     86400
#define KNOWN_MAX 1024 /* certificates that end within a month; more are told of again at the next look */

static const int steps[] = { 1, 3, 7, 14, 30 }; /* days */

struct known {
    uint8_t sha256[32];
    int step; /* the last one that was told */
};

struct rf_expiry {
    size_t count;
    struct known known[KNOWN_MAX];
};

enum rf_err
rf_expiry_new(struct rf_expiry **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? RF_OK : RF_ERR_NOMEM;
}

void
rf_expiry_free(struct rf_expiry *e)
{
    free(e);
}

/* The nearest step that this much time is within; 0: there is time. */
static int
step_of(int64_t left_s)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (left_s <= (int64_t)steps[i] * DAY_S)
            return steps[i];
    return 0;
}

/* false: this step was told of already. */
static bool
note(struct rf_expiry *e, const uint8_t sha256[32], int step)
{
    size_t i = 0;

    while (i < e->count && memcmp(e->known[i].sha256, sha256, 32) != 0)
        i++;
    if (i < e->count && e->known[i].step <= step)
        return false;
    if (i == KNOWN_MAX)
        return true;
    if (i == e->count)
        e->count++;
    memcpy(e->known[i].sha256, sha256, 32);
    e->known[i].step = step;
    return true;
}

static void
look_at(struct rf_expiry *e, const struct rf_cert_facts *f, const char *name, const char *owner, int64_t now_s)
{
    int64_t left_s = f->not_after - now_s;
    int step = step_of(left_s);

    if (step == 0 || !note(e, f->sha256, step))
        return;
    RF_REFUSE(CERT_EXPIRING, RF_F_STR("name", name), RF_F_STR("owner", owner),
              RF_F_I64("days", left_s > 0 ? left_s / DAY_S : 0), RF_F_STR("subject", f->subject),
              RF_F_STR("issuer", f->issuer), RF_F_STR("serial", f->serial), RF_F_I64("step", step));
}

void
rf_expiry_look(struct rf_expiry *e, const struct rf_ifaces *s, int64_t now_s)
{
    for (size_t i = 0; i < s->cert_count; i++)
        if (!s->cert[i].is_automatic) /* acme/keeper.c warns of those, and only when their renewal fails */
            look_at(e, rf_cert_facts(s->cert[i].cert), s->cert[i].name, "ours", now_s);
    for (int i = 0; i < RF_IFACE_COUNT; i++) {
        const struct rf_trust *t = s->iface[i].check.trust;

        for (size_t k = 0; k < rf_trust_count(t); k++) {
            const struct rf_trust_entry *entry = rf_trust_entry(t, k);

            if (strcmp(entry->origin, RF_BUNDLE_SYSTEM) != 0)
                look_at(e, &entry->facts, entry->facts.subject, "trusted", now_s);
        }
    }
}
