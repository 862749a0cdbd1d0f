/* acme/state.c - entries and accounts as JSON for the store. Jansson's memory is not wiped: it lives in the process that
 * has the keys anyway; the texts are. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "acme/inside.h"
#include "base/secret.h"

void
rf_acme_text_free(char *text)
{
    if (text != NULL)
        rf_wipe(text, strlen(text));
    free(text);
}

static json_t *
key_json(EVP_PKEY *key)
{
    char mem[RF_ACME_KEY_PEM_MAX];
    struct rf_buf pem = rf_buf(mem, sizeof mem);
    json_t *text = NULL;

    if (key != NULL && rf_acme_key_put(&pem, key) == RF_OK)
        text = json_stringn(pem.p, pem.n);
    rf_wipe(mem, sizeof mem);
    return text;
}

static EVP_PKEY *
key_of(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);

    return json_is_string(v) ? rf_acme_key_read(rf_span_str(json_string_value(v))) : NULL;
}

static void
set_text(json_t *o, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        json_object_set_new(o, name, json_string(text));
}

static void
set_number(json_t *o, const char *name, int64_t v)
{
    if (v != 0)
        json_object_set_new(o, name, json_integer(v));
}

static void
set_key(json_t *o, const char *name, EVP_PKEY *key)
{
    json_t *text = key_json(key);

    if (text != NULL)
        json_object_set_new(o, name, text);
}

static void
take_text(const json_t *o, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(o, name));

    if (text == NULL || rf_span_copy(rf_span_str(text), out, size) != RF_OK)
        out[0] = '\0';
}

static char *
dup_text(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));

    return text != NULL ? strdup(text) : NULL;
}

static int64_t
number_of(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static json_t *
load(struct rf_span value)
{
    json_t *o = json_loadb(value.p, value.n, 0, NULL);

    if (o != NULL && !json_is_object(o)) {
        json_decref(o);
        o = NULL;
    }
    return o;
}

static char *
dump(json_t *o)
{
    char *text = json_dumps(o, JSON_COMPACT);

    json_decref(o);
    return text;
}

char *
rf_acme_state_encode(const struct acme_state *s)
{
    json_t *o = json_object();

    set_text(o, "chain", s->chain);
    set_key(o, "key", s->key);
    set_key(o, "next_key", s->next_key);
    set_text(o, "names", s->names);
    set_text(o, "next_names", s->next_names);
    set_text(o, "order", s->order);
    set_text(o, "directory", s->directory);
    set_number(o, "failures", s->failures);
    set_number(o, "next_s", s->next_s);
    if (s->has_window)
        json_object_set_new(o, "window", json_pack("{s:I, s:I, s:I, s:s}", "start_s", (json_int_t)s->window.start_s,
                                                   "end_s", (json_int_t)s->window.end_s, "moment_s",
                                                   (json_int_t)s->moment_s, "explanation", s->window.explanation));
    set_number(o, "window_again_s", s->window_again_s);
    set_number(o, "warned", s->warned);
    set_number(o, "issued_s", s->issued_s);
    set_text(o, "problem", s->problem);
    set_text(o, "step", s->step);
    return dump(o);
}

enum rf_err
rf_acme_state_decode(struct rf_span value, struct acme_state *out)
{
    json_t *o = load(value);
    const json_t *window = json_object_get(o, "window");

    *out = (struct acme_state){ 0 };
    if (o == NULL)
        return RF_ERR_SYNTAX;
    out->chain = dup_text(o, "chain");
    out->key = key_of(o, "key");
    out->next_key = key_of(o, "next_key");
    out->names = dup_text(o, "names");
    out->next_names = dup_text(o, "next_names");
    take_text(o, "order", out->order, sizeof out->order);
    take_text(o, "directory", out->directory, sizeof out->directory);
    out->failures = (unsigned)number_of(o, "failures");
    out->next_s = number_of(o, "next_s");
    out->has_window = window != NULL;
    out->window.start_s = number_of(window, "start_s");
    out->window.end_s = number_of(window, "end_s");
    out->moment_s = number_of(window, "moment_s");
    take_text(window, "explanation", out->window.explanation, sizeof out->window.explanation);
    out->window_again_s = number_of(o, "window_again_s");
    out->warned = (unsigned)number_of(o, "warned");
    out->issued_s = number_of(o, "issued_s");
    take_text(o, "problem", out->problem, sizeof out->problem);
    take_text(o, "step", out->step, sizeof out->step);
    json_decref(o);
    return RF_OK;
}

void
rf_acme_state_fini(struct acme_state *s)
{
    free(s->chain);
    free(s->names);
    free(s->next_names);
    EVP_PKEY_free(s->key);
    EVP_PKEY_free(s->next_key);
    *s = (struct acme_state){ 0 };
}

char *
rf_acme_account_encode(const struct acme_account *a)
{
    json_t *o = json_object();

    set_key(o, "key", a->a.key);
    set_key(o, "next_key", a->next_key);
    set_text(o, "url", a->a.url);
    set_text(o, "contacts", a->contacts);
    return dump(o);
}

enum rf_err
rf_acme_account_decode(struct rf_span value, struct acme_account *out)
{
    json_t *o = load(value);

    if (o == NULL)
        return RF_ERR_SYNTAX;
    out->a.key = key_of(o, "key");
    out->next_key = key_of(o, "next_key");
    out->was_interrupted = out->next_key != NULL;
    take_text(o, "url", out->a.url, sizeof out->a.url);
    take_text(o, "contacts", out->contacts, sizeof out->contacts);
    json_decref(o);
    return out->a.key != NULL ? RF_OK : RF_ERR_SYNTAX;
}

enum rf_err
rf_acme_item_certificate(struct rf_span value, struct rf_cert **out)
{
    json_t *o = load(value);
    const char *chain = json_string_value(json_object_get(o, "chain"));
    const char *key = json_string_value(json_object_get(o, "key"));
    struct rf_cert_problem problem = { 0 };
    enum rf_err err = o == NULL ? RF_ERR_SYNTAX : RF_ERR_NOT_FOUND;

    if (chain != NULL && key != NULL)
        err = rf_cert_from_pem(out, rf_span_str(chain), rf_span_str(key), &problem);
    json_decref(o);
    return err;
}
