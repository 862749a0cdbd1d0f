/* acme/steps_account.c - the directory, the account, and what needs no order: its new key, windows, revocation */
#include "acme/step.h"

#include <stdio.h>

#include "base/codec.h"
#include "base/log.h"

enum rf_err
rf_acme_ask_directory(struct rf_acme_run *r, struct rf_buf *payload)
{
    return rf_span_copy(rf_span_str(r->conf.account->directory), r->request.url, sizeof r->request.url);
}

static enum step
after_account(const struct rf_acme_run *r)
{
    switch (r->conf.goal) {
    case RF_ACME_NEW_KEY:
        return NEW_KEY;
    case RF_ACME_REVOKE:
        return REVOKE;
    case RF_ACME_ASK_WINDOW:
        return WINDOW;
    case RF_ACME_ISSUE:
        break;
    }
    return r->order_url[0] != '\0' ? ORDER : NEW_ORDER;
}

static bool
knows_profile(const struct rf_acme_run *r)
{
    for (size_t i = 0; i < r->directory.profile_count; i++)
        if (strcmp(r->directory.profile[i], r->conf.profile) == 0)
            return true;
    return false;
}

enum step
rf_acme_took_directory(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    const struct rf_acme_account *account = r->conf.account;
    enum rf_err err = rf_acme_directory_read(a->body, &r->directory);
    char sentence[RF_ACME_DETAIL_MAX];

    if (err)
        return rf_acme_run_nonsense(r, err);
    snprintf(r->result.terms, sizeof r->result.terms, "%s", r->directory.terms);
    if (r->conf.goal == RF_ACME_ASK_WINDOW)
        return r->directory.renewal_info[0] != '\0' ? WINDOW : END;
    if (r->conf.goal == RF_ACME_ISSUE && r->conf.profile[0] != '\0' && !knows_profile(r)) {
        snprintf(sentence, sizeof sentence, "the CA has no profile %s", r->conf.profile);
        return rf_acme_run_fail(r, RF_ERR_REFUSED, sentence);
    }
    if (account->url[0] != '\0')
        return account->contact_count > 0 && r->conf.goal == RF_ACME_ISSUE && account->contact_changed
                   ? CONTACTS
                   : after_account(r);
    if (r->directory.terms[0] != '\0' && !account->terms_agreed) {
        snprintf(sentence, sizeof sentence, "the CA wants its terms of service to be agreed to: %.300s",
                 r->directory.terms);
        return rf_acme_run_fail(r, RF_ERR_REFUSED, sentence);
    }
    if (r->directory.wants_external_account && account->external_id == NULL)
        return rf_acme_run_fail(r, RF_ERR_REFUSED,
                    "the CA wants an account that was made outside of ACME: set external-account-id and "
                    "external-account-key");
    return ACCOUNT;
}

static void
put_contacts(const struct rf_acme_run *r, struct rf_buf *payload)
{
    const struct rf_acme_account *account = r->conf.account;

    rf_put_str(payload, "\"contact\":[");
    for (size_t i = 0; i < account->contact_count; i++) {
        if (i > 0)
            rf_put_char(payload, ',');
        rf_put_json_string(payload, rf_span_str(account->contact[i]));
    }
    rf_put_char(payload, ']');
}

/* RFC 8555 7.3.4: the account's public key, signed with the key that the CA gave out of band. */
static enum rf_err
put_external_account(const struct rf_acme_run *r, struct rf_buf *payload)
{
    const struct rf_acme_account *account = r->conf.account;
    const struct rf_jws inner = { .mac = account->external_key, .kid = account->external_id,
                                  .url = r->directory.new_account };
    char mem[2048];
    struct rf_buf jwk = rf_buf(mem, sizeof mem);
    enum rf_err err = rf_jwk_put(&jwk, account->key);

    rf_put_str(payload, ",\"externalAccountBinding\":");
    return err ? err : rf_jws_put(payload, &inner, rf_buf_span(&jwk));
}

enum rf_err
rf_acme_ask_account(struct rf_acme_run *r, struct rf_buf *payload)
{
    const struct rf_acme_account *account = r->conf.account;

    snprintf(r->request.url, sizeof r->request.url, "%s", r->directory.new_account);
    rf_put_char(payload, '{');
    if (account->terms_agreed)
        rf_put_str(payload, "\"termsOfServiceAgreed\":true,");
    put_contacts(r, payload);
    if (account->external_id != NULL) {
        enum rf_err err = put_external_account(r, payload);

        if (err)
            return err;
    }
    rf_put_char(payload, '}');
    return RF_OK;
}

enum step
rf_acme_took_account(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    struct rf_acme_account *account = r->conf.account;

    if (!rf_acme_url_is_valid(a->location) ||
        rf_span_copy(a->location, account->url, sizeof account->url) != RF_OK)
        return rf_acme_run_nonsense(r, RF_ERR_SYNTAX);
    r->conf.note(r->conf.ctx, account->url, NULL);
    return after_account(r);
}

enum rf_err
rf_acme_ask_contacts(struct rf_acme_run *r, struct rf_buf *payload)
{
    snprintf(r->request.url, sizeof r->request.url, "%s", r->conf.account->url);
    rf_put_char(payload, '{');
    put_contacts(r, payload);
    rf_put_char(payload, '}');
    return RF_OK;
}

enum step
rf_acme_took_contacts(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    r->conf.account->contact_changed = false;
    r->conf.note(r->conf.ctx, r->conf.account->url, NULL);
    return after_account(r);
}

enum rf_err
rf_acme_ask_new_key(struct rf_acme_run *r, struct rf_buf *payload)
{
    const struct rf_acme_account *account = r->conf.account;
    const struct rf_jws inner = { .key = r->conf.new_key, .url = r->directory.key_change };
    char mem[4096];
    struct rf_buf change = rf_buf(mem, sizeof mem);
    enum rf_err err;

    if (r->directory.key_change[0] == '\0')
        return RF_ERR_UNSUPPORTED;
    snprintf(r->request.url, sizeof r->request.url, "%s", r->directory.key_change);
    rf_put_str(&change, "{\"account\":");
    rf_put_json_string(&change, rf_span_str(account->url));
    rf_put_str(&change, ",\"oldKey\":");
    err = rf_jwk_put(&change, account->key);
    rf_put_char(&change, '}');
    if (!err)
        err = rf_buf_done(&change);
    return err ? err : rf_jws_put(payload, &inner, rf_buf_span(&change));
}

enum step
rf_acme_took_end(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    return END;
}

enum rf_err
rf_acme_ask_window(struct rf_acme_run *r, struct rf_buf *payload)
{
    struct rf_buf url = rf_buf(r->request.url, sizeof r->request.url - 1);
    size_t n = strlen(r->directory.renewal_info);
    enum rf_err err;

    rf_put_str(&url, r->directory.renewal_info);
    if (r->directory.renewal_info[n - 1] != '/')
        rf_put_char(&url, '/');
    err = rf_acme_certificate_id(r->conf.chain, &url);
    r->request.url[url.n] = '\0';
    return err ? err : rf_buf_done(&url);
}

enum step
rf_acme_took_window(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    enum rf_err err = rf_acme_window_read(a->body, &r->result.window);

    if (err)
        return rf_acme_run_nonsense(r, err);
    r->result.has_window = true;
    r->result.retry_after_s = rf_acme_retry_after(a->retry_after, r->wall_s);
    return END;
}

enum rf_err
rf_acme_ask_revoke(struct rf_acme_run *r, struct rf_buf *payload)
{
    char mem[8192]; /* DER of one certificate: 64 names of 100 octets */
    struct rf_buf der = rf_buf(mem, sizeof mem);
    enum rf_err err = rf_acme_leaf_der(r->conf.chain, &der);

    if (r->directory.revoke_cert[0] == '\0')
        return RF_ERR_UNSUPPORTED;
    snprintf(r->request.url, sizeof r->request.url, "%s", r->directory.revoke_cert);
    rf_put_str(payload, "{\"certificate\":\"");
    rf_put_base64url(payload, der.p, der.n);
    rf_put_str(payload, "\"}");
    return err;
}
