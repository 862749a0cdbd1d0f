#include "acme/shown.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct entry {
    bool is_used;
    enum rf_acme_challenge_kind kind;
    char token[RF_ACME_TOKEN_MAX], server_name[RF_ACME_NAME_MAX];
    char key_authorization[RF_ACME_AUTHORIZATION_MAX];
    struct rf_cert *cert;
};

struct rf_acme_shown {
    pthread_mutex_t lock;
    struct entry entry[RF_ACME_SHOWN_MAX];
};

enum rf_err
rf_acme_shown_new(struct rf_acme_shown **out)
{
    struct rf_acme_shown *s = calloc(1, sizeof *s);

    if (s == NULL)
        return RF_ERR_NOMEM;
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return RF_OK;
}

void
rf_acme_shown_free(struct rf_acme_shown *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < RF_ACME_SHOWN_MAX; i++)
        rf_cert_unref(s->entry[i].cert);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void
rf_acme_server_name(const char *name, char out[static RF_ACME_NAME_MAX])
{
    struct rf_buf b = rf_buf(out, RF_ACME_NAME_MAX - 1);
    struct rf_addr a;

    if (rf_addr_parse(rf_span_str(name), 0, &a) != RF_OK) {
        rf_put_str(&b, name);
    } else if (a.sa.sa_family == AF_INET) {
        const uint8_t *o = (const uint8_t *)&a.v4.sin_addr;

        rf_putf(&b, "%u.%u.%u.%u.in-addr.arpa", o[3], o[2], o[1], o[0]);
    } else {
        for (int i = 15; i >= 0; i--)
            rf_putf(&b, "%x.%x.", a.v6.sin6_addr.s6_addr[i] & 15, a.v6.sin6_addr.s6_addr[i] >> 4);
        rf_put_str(&b, "ip6.arpa");
    }
    out[b.n] = '\0';
}

enum rf_err
rf_acme_shown_put(struct rf_acme_shown *s, enum rf_acme_challenge_kind kind, const char *name, const char *token,
                  const char *key_authorization, int64_t wall_s)
{
    struct entry e = { .is_used = true, .kind = kind };
    enum rf_err err = RF_OK;

    snprintf(e.token, sizeof e.token, "%s", token);
    snprintf(e.key_authorization, sizeof e.key_authorization, "%s", key_authorization);
    rf_acme_server_name(name, e.server_name);
    if (kind == RF_ACME_TLS_ALPN_01)
        err = rf_acme_alpn_certificate(&e.cert, name, rf_span_str(key_authorization), wall_s);
    if (err)
        return err;
    err = RF_ERR_NOMEM;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; err && i < RF_ACME_SHOWN_MAX; i++)
        if (!s->entry[i].is_used) {
            s->entry[i] = e;
            err = RF_OK;
        }
    pthread_mutex_unlock(&s->lock);
    if (err)
        rf_cert_unref(e.cert);
    return err;
}

void
rf_acme_shown_remove(struct rf_acme_shown *s, enum rf_acme_challenge_kind kind, const char *name, const char *token)
{
    struct rf_cert *cert = NULL;

    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < RF_ACME_SHOWN_MAX; i++)
        if (s->entry[i].is_used && s->entry[i].kind == kind && strcmp(s->entry[i].token, token) == 0) {
            cert = s->entry[i].cert;
            s->entry[i] = (struct entry){ 0 };
            break;
        }
    pthread_mutex_unlock(&s->lock);
    rf_cert_unref(cert);
}

bool
rf_acme_shown_token(struct rf_acme_shown *s, struct rf_span token, char out[static RF_ACME_AUTHORIZATION_MAX])
{
    bool found = false;

    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; !found && i < RF_ACME_SHOWN_MAX; i++) {
        const struct entry *e = &s->entry[i];

        found = e->is_used && e->kind == RF_ACME_HTTP_01 && rf_span_is(token, e->token);
        if (found)
            snprintf(out, RF_ACME_AUTHORIZATION_MAX, "%s", e->key_authorization);
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

struct rf_cert *
rf_acme_shown_certificate(struct rf_acme_shown *s, struct rf_span server_name)
{
    struct rf_cert *cert = NULL;

    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; cert == NULL && i < RF_ACME_SHOWN_MAX; i++) {
        const struct entry *e = &s->entry[i];

        if (e->is_used && e->cert != NULL && rf_span_iis(server_name, e->server_name))
            cert = rf_cert_ref(e->cert);
    }
    pthread_mutex_unlock(&s->lock);
    return cert;
}
