/*
 * What a REGISTER does to the bindings of its AOR: RFC 3261 10.3 steps 6 to 8, RFC 3327 5.3, RFC 5626 6.
 *
 * All contacts of a request are judged before any is changed, and all changes are one group of writes: a request
 * is done whole or not at all.
 */
#include <stdlib.h>

#include "registrar/table.h"
#include "sip/header.h"

/* One contact of the request, and what becomes of it. */
struct wanted {
    struct rf_sip_contact contact;
    uint32_t expires_s;
    uint32_t reg_id;   /* 0 where outbound does not apply */
    struct row *old;   /* the binding that it updates or removes */
    struct row *fresh; /* what stands there afterwards; NULL: nothing */
};

struct request {
    struct rf_location *l;
    const struct rf_sip_msg *msg;
    const struct rf_flow *flow;
    int64_t now_s;
    struct rf_span aor;
    struct rf_register_result *result;

    struct wanted wanted[RF_CONTACTS_MAX];
    size_t count;
    bool has_star;
    char path[RF_PATH_MAX];
    size_t path_n;
};

static bool
refuse(struct request *q, int status, const char *sentence)
{
    q->result->status = status;
    q->result->sentence = sentence;
    return false;
}

/* --- reading the request ------------------------------------------------------------------------------- */

/* Path values in their order, as one Route set (RFC 3327 5.4). */
static bool
read_path(struct request *q)
{
    struct rf_buf b = rf_buf(q->path, sizeof q->path - 1);
    struct rf_sip_walk w = rf_sip_walk(q->msg, RF_HDR_PATH);
    struct rf_span element;

    while (rf_sip_walk_next(&w, &element)) {
        /* It was parsed, so a fold is all that a line end can be; a row keeps one line. */
        if (rf_span_find(element, '\r') < element.n || rf_span_find(element, '\0') < element.n)
            return refuse(q, 400, "a Path value is broken over lines");
        if (b.n > 0)
            rf_put_str(&b, ", ");
        rf_put(&b, element);
    }
    q->path_n = b.n;
    return b.overflow ? refuse(q, 400, "the Path values are longer than 1023 octets") : true;
}

/*
 * May reg-id count (RFC 5626 6)? Only when the phone's own connection ends here, or at a proxy that says in its
 * Path that it keeps the connection.
 */
static bool
outbound_applies(const struct request *q, bool *is_lacking)
{
    struct rf_sip_walk via = rf_sip_walk(q->msg, RF_HDR_VIA), path = rf_sip_walk(q->msg, RF_HDR_PATH);
    struct rf_sip_name_addr first;
    struct rf_span element, value;
    int hops = 0;

    *is_lacking = false;
    while (rf_sip_walk_next(&via, &element))
        hops++;
    if (hops <= 1)
        return true;
    if (rf_sip_walk_next(&path, &element) && rf_sip_name_addr_parse(element, &first) == RF_OK &&
        rf_sip_uri_param(&first.uri, "ob", &value))
        return true;
    *is_lacking = rf_sip_has_token(q->msg, RF_HDR_SUPPORTED, "outbound");
    return false;
}

static bool
read_expires(struct request *q, struct wanted *w, uint32_t header_s)
{
    uint32_t min_s = atomic_load(&q->l->min_expires_s), max_s = atomic_load(&q->l->max_expires_s);

    w->expires_s = w->contact.has_expires ? w->contact.expires : header_s;
    /* An hour and more is never too brief, whatever the setting says (RFC 3261 10.3, step 7). */
    if (w->expires_s > 0 && w->expires_s < 3600 && w->expires_s < min_s) {
        q->result->min_expires_s = min_s;
        return refuse(q, 423, "the registration is shorter than registrar.min-expires");
    }
    if (w->expires_s > max_s)
        w->expires_s = max_s;
    return true;
}

static bool
read_contact(struct request *q, struct rf_span element, uint32_t header_s)
{
    struct wanted *w = &q->wanted[q->count];
    bool is_lacking;

    if (q->count == RF_CONTACTS_MAX)
        return refuse(q, 400, "more than 64 contacts in one request");
    *w = (struct wanted){ 0 };
    if (rf_sip_contact_parse(element, &w->contact) != RF_OK)
        return refuse(q, 400, "a Contact cannot be parsed");
    q->count++;
    if (w->contact.is_star) {
        q->has_star = true;
        return true;
    }
    if (w->contact.addr.uri.scheme != RF_URI_SIP && w->contact.addr.uri.scheme != RF_URI_SIPS)
        return refuse(q, 400, "a Contact is no SIP address");
    if (w->contact.addr.uri.raw.n >= RF_CONTACT_MAX)
        return refuse(q, 400, "a Contact is longer than 511 octets");
    if (w->contact.instance.n >= sizeof((struct rf_binding *)0)->instance)
        return refuse(q, 400, "a +sip.instance is longer than 79 octets");
    if (w->contact.reg_id != 0 && w->contact.instance.n > 0) {
        if (outbound_applies(q, &is_lacking))
            w->reg_id = w->contact.reg_id;
        else if (is_lacking)
            return refuse(q, 439, "the first proxy does not keep the phone's connection (RFC 5626)");
    }
    return read_expires(q, w, header_s);
}

static bool
read_request(struct request *q)
{
    struct rf_sip_walk walk = rf_sip_walk(q->msg, RF_HDR_CONTACT);
    uint32_t header_s = atomic_load(&q->l->default_expires_s);
    bool has_expires = rf_sip_value(q->msg, RF_HDR_EXPIRES).p != NULL;
    bool expires_is_broken =
        has_expires && rf_sip_seconds(q->msg, RF_HDR_EXPIRES, header_s, &header_s) != RF_OK;
    size_t adding = 0, with_reg_id = 0;
    struct rf_span element;

    if (q->msg->call_id.n >= sizeof((struct rf_binding *)0)->call_id)
        return refuse(q, 400, "the Call-ID is longer than 127 octets");
    if (expires_is_broken)
        header_s = 3600; /* RFC 3261 10.2.1.1: a broken value is one hour */
    while (rf_sip_walk_next(&walk, &element))
        if (!read_contact(q, element, header_s))
            return false;
    if (q->has_star && (q->count > 1 || !has_expires || expires_is_broken || header_s != 0))
        return refuse(q, 400, "Contact * stands alone and with Expires: 0 only");
    for (size_t i = 0; i < q->count && !q->has_star; i++) {
        adding += q->wanted[i].expires_s > 0;
        with_reg_id += q->wanted[i].expires_s > 0 && q->wanted[i].reg_id != 0;
    }
    if (adding > 1 && with_reg_id > 0)
        return refuse(q, 400, "a reg-id stands with one contact only (RFC 5626)");
    return read_path(q);
}

/* --- finding what is there ----------------------------------------------------------------------------- */

static bool
is_same_instance(const struct row *r, struct rf_span instance)
{
    return instance.n > 0 && rf_span_ieq(rf_row_text(r, TEXT_INSTANCE), instance);
}

static bool
is_same_contact(const struct row *r, const struct rf_sip_uri *uri)
{
    struct rf_sip_uri old;

    return rf_sip_uri_parse(rf_row_text(r, TEXT_CONTACT), &old) == RF_OK && rf_sip_uri_eq(&old, uri);
}

static bool
is_over_a_connection(const struct row *r)
{
    return rf_transport_is_reliable((enum rf_transport)r->transport);
}

/*
 * The binding that a contact names: by instance and reg-id where outbound applies (RFC 5626 6), else by the URI.
 * Beyond the RFCs: a phone with an instance and no reg-id that comes by a new connection, under a new port, takes
 * the place of its binding whose connection is gone; otherwise a phone that reconnects often fills all places.
 */
static struct row *
find_row(const struct entry *e, const struct wanted *w)
{
    struct row *left_behind = NULL;

    for (struct row *r = e != NULL ? e->rows : NULL; r != NULL; r = r->next) {
        bool same_instance = is_same_instance(r, w->contact.instance);

        if (w->reg_id != 0) {
            if (same_instance && r->reg_id == w->reg_id)
                return r;
            continue;
        }
        if (r->reg_id == 0 && is_same_contact(r, &w->contact.addr.uri))
            return r;
        if (r->reg_id == 0 && same_instance && r->flow_id == 0 && is_over_a_connection(r))
            left_behind = r;
    }
    return left_behind;
}

/* The order of one phone's requests (RFC 3261 10.3, step 7). */
static bool
is_in_order(const struct request *q, const struct row *r)
{
    return !rf_span_eq(rf_row_text(r, TEXT_CALL_ID), q->msg->call_id) || q->msg->cseq > r->cseq;
}

static const char out_of_order[] = "a request with this Call-ID and a higher CSeq came before";

/* --- changes ------------------------------------------------------------------------------------------- */

/* What fits, and no further than a fold or another control character. */
static struct rf_span
cut(struct rf_span s, size_t size)
{
    size_t n = 0;

    while (n < s.n && n < size - 1 && (uint8_t)s.p[n] >= ' ')
        n++;
    return rf_span_sub(s, 0, n);
}

static struct rf_span
fixed_text(const char *s, size_t size)
{
    return rf_span(s, strnlen(s, size));
}

static struct row_draft
draft_of(const struct request *q, const struct wanted *w)
{
    struct row_draft d = {
        .id = w->old != NULL ? w->old->id : rf_rand_u64(&q->l->rand) | 1,
        .touched = atomic_fetch_add(&q->l->touches, 1),
        .flow_id = q->flow->id,
        .expires_s = q->now_s + w->expires_s,
        .reg_id = w->reg_id,
        .cseq = q->msg->cseq,
        .q = w->contact.q,
        .worker = q->flow->worker,
        .transport = q->flow->transport,
        .source = q->flow->remote,
    };

    d.text[TEXT_CONTACT] = w->contact.addr.uri.raw;
    d.text[TEXT_PATH] = rf_span(q->path, q->path_n);
    d.text[TEXT_INSTANCE] = w->contact.instance;
    d.text[TEXT_CALL_ID] = q->msg->call_id;
    d.text[TEXT_LISTENER] = fixed_text(q->flow->listener, sizeof q->flow->listener);
    d.text[TEXT_AGENT] = cut(rf_sip_value(q->msg, RF_HDR_USER_AGENT), sizeof((struct rf_binding *)0)->user_agent);
    return d;
}

/* The writes of this request; their texts lie in `mem`. */
struct writes {
    struct rf_store_write w[2 * RF_CONTACTS_MAX + 1];
    size_t n;
    struct rf_buf mem;
};

static void
write_delete(struct writes *out, struct rf_span aor, const struct row *r)
{
    out->w[out->n++] = (struct rf_store_write){ .op = RF_STORE_BINDING_DELETE, .key = aor,
                                                .sub = { (const char *)&r->id, sizeof r->id } };
}

static void
write_put(struct writes *out, struct rf_span aor, const struct row *r, const struct row_draft *d)
{
    size_t from = out->mem.n;

    rf_row_encode(&out->mem, d);
    out->w[out->n++] = (struct rf_store_write){ .op = RF_STORE_BINDING_PUT, .key = aor,
                                                .sub = { (const char *)&r->id, sizeof r->id },
                                                .value = { out->mem.p + from, out->mem.n - from },
                                                .expires_s = r->expires_s };
}

/* Two contacts of one request may name the same binding: the later one counts. */
static void
drop_repeated(struct request *q)
{
    for (size_t i = 0; i < q->count; i++)
        for (size_t j = i + 1; j < q->count; j++) {
            const struct wanted *a = &q->wanted[i], *b = &q->wanted[j];
            bool same = a->reg_id != 0 || b->reg_id != 0
                            ? a->reg_id == b->reg_id && rf_span_ieq(a->contact.instance, b->contact.instance)
                            : rf_sip_uri_eq(&a->contact.addr.uri, &b->contact.addr.uri);

            if (!same)
                continue;
            memmove(&q->wanted[i], &q->wanted[i + 1], (q->count - i - 1) * sizeof *q->wanted);
            q->count--;
            i--;
            break;
        }
}

static bool
judge(struct request *q, const struct entry *e)
{
    uint32_t after = e != NULL ? e->count : 0;

    for (size_t i = 0; i < q->count; i++) {
        struct wanted *w = &q->wanted[i];

        w->old = find_row(e, w);
        for (size_t j = 0; j < i && w->old != NULL; j++)
            if (q->wanted[j].old == w->old)
                w->old = NULL; /* two new contacts, one binding left behind: the first takes its place */
        if (w->old != NULL && !is_in_order(q, w->old))
            return refuse(q, 500, out_of_order);
        if (w->old == NULL && w->expires_s > 0)
            after++;
        if (w->old != NULL && w->expires_s == 0)
            after--;
    }
    if (after > atomic_load(&q->l->bindings_max) && after > (e != NULL ? e->count : 0)) {
        q->result->bindings = after;
        /* Not 503: trying again in a moment, or at another registrar, would not help. */
        return refuse(q, 403, "this user would have more phones registered than registrar.bindings-max allows");
    }
    return true;
}

/* Queue the writes; only then is memory changed (I1). */
static bool
commit(struct request *q, const struct writes *w, void (*done)(void *ctx, uint64_t cookie, enum rf_err err),
       void *ctx, uint64_t cookie)
{
    if (w->mem.overflow)
        return refuse(q, 500, "the binding does not fit its place in the store");
    if (q->l->store == NULL || w->n == 0)
        return true;
    if (rf_store_write(q->l->store, w->w, w->n, done, ctx, cookie) != RF_OK)
        return refuse(q, 503, "the queue of the store");
    q->result->waits_for_store = true;
    return true;
}

static bool
remove_all(struct request *q, struct shard *s, struct entry *e,
           void (*done)(void *ctx, uint64_t cookie, enum rf_err err), void *ctx, uint64_t cookie)
{
    struct writes w;

    if (e == NULL)
        return true;
    w.n = 0;
    w.mem = rf_buf(NULL, 0);
    for (const struct row *r = e->rows; r != NULL; r = r->next)
        if (!is_in_order(q, r))
            return refuse(q, 500, out_of_order);
    if (e->rows != NULL)
        w.w[w.n++] = (struct rf_store_write){ .op = RF_STORE_BINDING_DELETE, .key = q->aor };
    if (!commit(q, &w, done, ctx, cookie))
        return false;
    while (e->rows != NULL)
        rf_entry_remove(s, e, e->rows);
    rf_entry_changed(q->l, e);
    return true;
}

static void
free_fresh(struct request *q)
{
    for (size_t i = 0; i < q->count; i++)
        free(q->wanted[i].fresh);
}

static bool
change(struct request *q, struct shard *s, struct entry *e,
       void (*done)(void *ctx, uint64_t cookie, enum rf_err err), void *ctx, uint64_t cookie)
{
    /* Texts of all contacts together fit a message; what each row adds (Path, Call-ID, agent) is bounded too. */
    size_t mem_size = q->count * (sizeof(struct rf_binding) + 64);
    char *mem = malloc(mem_size > 0 ? mem_size : 1);
    struct writes w;
    bool is_done = mem != NULL ? true : refuse(q, 503, "memory");

    w.n = 0;
    w.mem = rf_buf(mem, mem != NULL ? mem_size : 0);
    for (size_t i = 0; i < q->count && is_done; i++) {
        struct wanted *x = &q->wanted[i];
        struct row_draft d = draft_of(q, x);

        if (x->expires_s == 0) {
            if (x->old != NULL)
                write_delete(&w, q->aor, x->old);
            continue;
        }
        x->fresh = rf_row_new(&d);
        if (x->fresh == NULL)
            is_done = refuse(q, 503, "memory");
        else
            write_put(&w, q->aor, x->fresh, &d);
    }
    is_done = is_done && commit(q, &w, done, ctx, cookie);
    free(mem);
    if (!is_done) {
        free_fresh(q);
        return false;
    }
    for (size_t i = 0; i < q->count; i++) {
        if (q->wanted[i].old != NULL)
            rf_entry_remove(s, e, q->wanted[i].old);
        if (q->wanted[i].fresh != NULL)
            rf_entry_add(s, e, q->wanted[i].fresh);
    }
    if (w.n > 0)
        rf_entry_changed(q->l, e);
    return true;
}

/* --- the whole ----------------------------------------------------------------------------------------- */

static bool
adds_something(const struct request *q)
{
    for (size_t i = 0; i < q->count && !q->has_star; i++)
        if (q->wanted[i].expires_s > 0)
            return true;
    return false;
}

/* Then the flow's end will find this AOR already (rf_flow_note), however many others the flow serves. */
static bool
has_flow(const struct entry *e, uint64_t flow_id)
{
    for (const struct row *r = e != NULL ? e->rows : NULL; r != NULL; r = r->next)
        if (r->flow_id == flow_id)
            return true;
    return false;
}

void
rf_location_register(struct rf_location *l, struct rf_span aor, const struct rf_sip_msg *req, struct rf_flow *flow,
                     int64_t now_s, void (*done)(void *ctx, uint64_t cookie, enum rf_err err), void *ctx,
                     uint64_t cookie, struct rf_register_result *out)
{
    struct request q;
    struct shard *s;
    struct entry *e;
    bool is_done, is_noted;

    *out = (struct rf_register_result){ .status = 200, .sentence = "" };
    q.l = l;
    q.msg = req;
    q.flow = flow;
    q.now_s = now_s;
    q.aor = aor;
    q.result = out;
    q.count = q.path_n = 0;
    q.has_star = false;
    if (aor.n == 0 || aor.n > RF_AOR_MAX) {
        refuse(&q, 400, "the address of record is longer than 321 octets");
        return;
    }
    if (!read_request(&q) || q.count == 0)
        return; /* without a contact it only asks */

    drop_repeated(&q);
    s = rf_shard_lock(l, aor);
    e = adds_something(&q) ? rf_entry_make(l, s, aor) : rf_entry_find(s, aor);
    if (e != NULL)
        rf_entry_expire(l, s, e, now_s);
    is_noted = has_flow(e, flow->id);
    if (e == NULL && adds_something(&q))
        is_done = refuse(&q, 503, "the table of registered users");
    else if (q.has_star)
        is_done = remove_all(&q, s, e, done, ctx, cookie);
    else
        is_done = judge(&q, e) && (e == NULL || change(&q, s, e, done, ctx, cookie));
    if (e != NULL)
        rf_entry_free_if_empty(l, s, e);
    pthread_mutex_unlock(&s->lock);

    if (is_done && !is_noted && adds_something(&q) && rf_transport_is_reliable(flow->transport))
        rf_flow_note(l, flow->id, aor);
}
