/* acme/steps_order.c - an order, the proofs that its names are ours, and the chain that comes of it */
#include "acme/step.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/log.h"

enum rf_err
rf_acme_ask_new_order(struct rf_acme_run *r, struct rf_buf *payload)
{
    char mem[256];
    struct rf_buf id = rf_buf(mem, sizeof mem);

    snprintf(r->request.url, sizeof r->request.url, "%s", r->directory.new_order);
    rf_put_str(payload, "{\"identifiers\":[");
    for (size_t i = 0; i < r->conf.names; i++) {
        rf_putf(payload, "%s{\"type\":\"%s\",\"value\":", i > 0 ? "," : "",
                rf_acme_name_is_address(r->conf.name[i]) ? "ip" : "dns");
        rf_put_json_string(payload, rf_span_str(r->conf.name[i]));
        rf_put_char(payload, '}');
    }
    rf_put_char(payload, ']');
    if (r->conf.profile[0] != '\0') {
        rf_put_str(payload, ",\"profile\":");
        rf_put_json_string(payload, rf_span_str(r->conf.profile));
    }
    /* RFC 9773 5: some CAs free the renewal of their rate limits by this. */
    r->sent_replaces = r->directory.renewal_info[0] != '\0' && r->conf.chain.n > 0 && !r->replaces_refused &&
                       rf_acme_certificate_id(r->conf.chain, &id) == RF_OK;
    if (r->sent_replaces) {
        rf_put_str(payload, ",\"replaces\":");
        rf_put_json_string(payload, rf_buf_span(&id));
    }
    rf_put_char(payload, '}');
    return RF_OK;
}

enum step
rf_acme_order_failed(struct rf_acme_run *r)
{
    if (r->is_resumed) { /* it ended while we were away: nothing was lost */
        r->is_resumed = r->is_proving = false;
        r->order_url[0] = '\0';
        return NEW_ORDER;
    }
    r->result.order_is_dead = true;
    if (r->order.has_problem)
        return rf_acme_run_fail_with(r, RF_ERR_REFUSED, &r->order.problem);
    return rf_acme_run_fail(r, RF_ERR_REFUSED, "the CA declared the order invalid and did not say why");
}

/* What an order's status asks for. */
enum step
rf_acme_follow_order(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    enum rf_err err = rf_acme_order_read(a->body, &r->order);

    if (err)
        return rf_acme_run_nonsense(r, err);
    switch (r->order.status) {
    case RF_ACME_PENDING:
        if (r->at < r->order.authz_count)
            return AUTHORIZATION;
        return rf_acme_run_poll_again(r, a, ORDER);
    case RF_ACME_READY:
        r->polls = 0;
        return FINALIZE;
    case RF_ACME_PROCESSING:
        return rf_acme_run_poll_again(r, a, ORDER);
    case RF_ACME_VALID:
        if (r->order.certificate[0] == '\0')
            return rf_acme_run_nonsense(r, RF_ERR_SYNTAX);
        r->polls = 0;
        return CERTIFICATE;
    default:
        return rf_acme_order_failed(r);
    }
}

enum step
rf_acme_took_new_order(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    if (!rf_acme_url_is_valid(a->location) || rf_span_copy(a->location, r->order_url, sizeof r->order_url) != RF_OK)
        return rf_acme_run_nonsense(r, RF_ERR_SYNTAX);
    r->at = 0;
    r->polls = 0;
    r->conf.note(r->conf.ctx, NULL, r->order_url);
    return rf_acme_follow_order(r, a);
}

enum rf_err
rf_acme_ask_order(struct rf_acme_run *r, struct rf_buf *payload)
{
    snprintf(r->request.url, sizeof r->request.url, "%s", r->order_url);
    return RF_OK;
}

enum rf_err
rf_acme_ask_authorization(struct rf_acme_run *r, struct rf_buf *payload)
{
    snprintf(r->request.url, sizeof r->request.url, "%s", r->order.authz[r->at]);
    return RF_OK;
}

static bool
is_ordered(const struct rf_acme_run *r, const char *name)
{
    for (size_t i = 0; i < r->conf.names; i++)
        if (strcmp(r->conf.name[i], name) == 0)
            return true;
    return false;
}

static enum step
prove(struct rf_acme_run *r)
{
    const struct rf_acme_challenge *c = &r->authz.challenge[r->conf.challenge];
    char text[RF_ACME_TOKEN_MAX + RF_ACME_THUMBPRINT_MAX + 1], sentence[RF_ACME_DETAIL_MAX];

    if (!c->is_offered) {
        r->result.order_is_dead = true;
        snprintf(sentence, sizeof sentence, "the CA does not offer %s for %s",
                 rf_acme_challenge_name(r->conf.challenge), r->authz.name);
        return rf_acme_run_fail(r, RF_ERR_REFUSED, sentence);
    }
    snprintf(text, sizeof text, "%s.%s", c->token, r->thumbprint);
    snprintf(r->shown_name, sizeof r->shown_name, "%s", r->authz.name);
    snprintf(r->shown_token, sizeof r->shown_token, "%s", c->token);
    r->conf.show(r->conf.ctx, r->conf.challenge, r->shown_name, r->shown_token, text);
    r->shows = true;
    return CHALLENGE;
}

enum step
rf_acme_took_authorization(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    char sentence[RF_ACME_DETAIL_MAX];
    enum rf_err err = rf_acme_authz_read(a->body, &r->authz);

    if (err)
        return rf_acme_run_nonsense(r, err);
    if (!is_ordered(r, r->authz.name))
        return rf_acme_run_fail(r, RF_ERR_SYNTAX, "the CA wants a proof for a name that was not ordered");
    switch (r->authz.status) {
    case RF_ACME_VALID:
        rf_acme_run_hide(r);
        r->is_proving = false;
        r->polls = 0;
        return ++r->at < r->order.authz_count ? AUTHORIZATION : ORDER;
    case RF_ACME_PENDING:
    case RF_ACME_PROCESSING:
        if (!r->shows && prove(r) == END)
            return END;
        if (!r->is_proving && r->authz.challenge[r->conf.challenge].status == RF_ACME_PENDING)
            return CHALLENGE;
        return rf_acme_run_poll_again(r, a, AUTHORIZATION);
    default:
        break;
    }
    rf_acme_run_hide(r);
    if (r->is_resumed)
        return rf_acme_order_failed(r);
    r->result.order_is_dead = true;
    if (!r->authz.has_problem) {
        snprintf(sentence, sizeof sentence, "the CA does not believe that %s is ours and did not say why",
                 r->authz.name);
        return rf_acme_run_fail(r, RF_ERR_REFUSED, sentence);
    }
    return rf_acme_run_fail_with(r, RF_ERR_REFUSED, &r->authz.problem);
}

enum rf_err
rf_acme_ask_challenge(struct rf_acme_run *r, struct rf_buf *payload)
{
    snprintf(r->request.url, sizeof r->request.url, "%s", r->authz.challenge[r->conf.challenge].url);
    rf_put_str(payload, "{}");
    return RF_OK;
}

enum step
rf_acme_took_challenge(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    r->is_proving = true;
    r->polls = 0;
    return rf_acme_run_poll_again(r, a, AUTHORIZATION);
}

enum rf_err
rf_acme_ask_finalize(struct rf_acme_run *r, struct rf_buf *payload)
{
    char *mem = malloc(RF_ACME_CSR_MAX);
    struct rf_buf der = rf_buf(mem, RF_ACME_CSR_MAX);
    enum rf_err err = mem != NULL ? rf_acme_csr_put(&der, r->conf.new_key, r->conf.name, r->conf.names) : RF_ERR_NOMEM;

    snprintf(r->request.url, sizeof r->request.url, "%s", r->order.finalize);
    rf_put_str(payload, "{\"csr\":\"");
    rf_put_base64url(payload, der.p, der.n);
    rf_put_str(payload, "\"}");
    free(mem);
    return err;
}

enum rf_err
rf_acme_ask_certificate(struct rf_acme_run *r, struct rf_buf *payload)
{
    snprintf(r->request.url, sizeof r->request.url, "%s", r->order.certificate);
    r->request.answer_max = RF_ACME_CHAIN_MAX;
    return RF_OK;
}

/* The chain replaces the one that is there already, when it is what was ordered. */
static enum rf_err
keep_chain(struct rf_acme_run *r, struct rf_span body, char *why, size_t why_size)
{
    enum rf_err err = rf_acme_chain_check(body, r->conf.new_key, r->conf.name, r->conf.names, r->wall_s, why, why_size);
    char *copy = err ? NULL : rf_span_dup(body);

    if (err)
        return err;
    if (copy == NULL)
        return RF_ERR_NOMEM;
    free(r->chain);
    r->chain = copy;
    r->result.chain = rf_span_str(copy);
    return RF_OK;
}

enum step
rf_acme_next_alternate(struct rf_acme_run *r)
{
    return r->alternate_at < r->alternates ? ALTERNATE : END;
}

enum step
rf_acme_took_certificate(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    char why[RF_ACME_DETAIL_MAX] = "";
    enum rf_err err = keep_chain(r, a->body, why, sizeof why);

    if (err) {
        r->result.order_is_dead = true;
        return rf_acme_run_fail(r, err, why[0] != '\0' ? why : rf_err_text(err));
    }
    if (r->conf.authority[0] == '\0' || rf_acme_chain_is_from(a->body, r->conf.authority))
        return END;
    for (size_t i = 0; i < a->links && r->alternates < ALTERNATES_MAX; i++)
        if (rf_acme_link_read(a->link[i], "alternate", r->alternate[r->alternates]) == RF_OK)
            r->alternates++;
    return rf_acme_next_alternate(r);
}

enum rf_err
rf_acme_ask_alternate(struct rf_acme_run *r, struct rf_buf *payload)
{
    snprintf(r->request.url, sizeof r->request.url, "%s", r->alternate[r->alternate_at]);
    r->request.answer_max = RF_ACME_CHAIN_MAX;
    return RF_OK;
}

/* None that fits is no failure: the CA's first choice works, too. */
enum step
rf_acme_took_alternate(struct rf_acme_run *r, const struct rf_acme_response *a)
{
    char why[RF_ACME_DETAIL_MAX];

    r->alternate_at++;
    if (rf_acme_chain_is_from(a->body, r->conf.authority) && keep_chain(r, a->body, why, sizeof why) == RF_OK)
        return END;
    return rf_acme_next_alternate(r);
}
