/*
 * main/register.c - REGISTER: who is it, may they, and 200 after the commit (RFC 3261 10.3, RFC 3327, RFC 5626)
 *
 * The rules of bindings are registrar/location.c's; here are sign-in, refusals, and the wait for the store.
 *
 * A pending answer is named by slot and generation. The store's answers come to a mailbox of their own that has
 * room for one letter a slot, so it is never full and no answer is lost.
 */
#include <stdlib.h>
#include <time.h>

#include "base/refusal.h"
#include "main/worker.h"

#define PENDING_MAX  4096  /* REGISTERs that wait for the disk at once; more get 503 */
#define FLOW_TIMER_S 120   /* how often a phone should show that its connection lives (RFC 5626 4.4.1) */

struct pending {
    struct rf_server_txn *txn; /* NULL: the transaction ended first */
    struct rf_register *owner;
    uint32_t generation, next_free;
    char aor[RF_AOR_MAX + 1];
    bool is_taken;
};

struct rf_register {
    struct rf_worker *w;
    uint32_t free_first;
    struct pending slot[PENDING_MAX];
};

#define NO_SLOT UINT32_MAX

/* --- answers --- */

static void
put_date(struct rf_buf *b)
{
    static const char *const day[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const month[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t now = (time_t)rf_wall_s();
    struct tm tm;

    gmtime_r(&now, &tm);
    rf_sip_put_headerf(b, RF_HDR_DATE, "%s, %02d %s %04d %02d:%02d:%02d GMT", day[tm.tm_wday], tm.tm_mday,
                       month[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* "Warning: 399 ringfence "RF-510 ..."": the code and its sentence, to those who may know it. */
static void
put_warning(struct rf_buf *b, enum rf_refusal r, const struct rf_log_field *fields)
{
    char mem[256], quoted[520];
    struct rf_buf sentence = rf_buf(mem, sizeof mem), q = rf_buf(quoted, sizeof quoted);

    rf_refusal_sentence(&sentence, rf_refusal_row(r)->sentence, fields);
    for (size_t i = 0; i < sentence.n; i++) {
        if (mem[i] == '"' || mem[i] == '\\')
            rf_put_char(&q, '\\');
        rf_put_char(&q, (unsigned char)mem[i] < 0x20 ? ' ' : mem[i]);
    }
    rf_sip_put_headerf(b, RF_HDR_WARNING, "399 ringfence \"%s %.*s\"", rf_refusal_row(r)->code,
                       RF_SPAN_ARG(rf_buf_span(&q)));
}

static void
refuse(struct rf_register *r, struct rf_server_txn *txn, int status, struct rf_span headers, uint64_t now_us)
{
    rf_server_txn_reply(txn, status, NULL, headers, now_us);
}

/* Before anybody has signed in: the log says why, folded by source; the sender learns the status alone. */
static void
refuse_stranger(struct rf_register *r, struct rf_server_txn *txn, int status, const char *detail, uint64_t now_us)
{
    rf_worker_say_unusable(r->w, &rf_server_txn_flow(txn)->remote, status, detail, now_us);
    refuse(r, txn, status, rf_span(NULL, 0), now_us);
}

/* --- sign-in --- */

static bool
lookup(void *ctx, struct rf_span user, struct rf_auth_user *out)
{
    struct rf_register *r = ctx;
    struct rf_call_user u;

    if (!rf_site_registrant(r->w->site, user, &u))
        return false;
    *out = u.auth;
    return true;
}

static void
put_challenges(struct rf_register *r, struct rf_buf *b, const struct rf_sip_msg *msg, const struct rf_flow *flow,
               bool stale, uint64_t now_us)
{
    rf_auth_put_challenges(r->w->shared->auth, b, RF_HDR_WWW_AUTHENTICATE, rf_span_str(r->w->site->call.domain), msg,
                           &flow->remote, stale, now_us);
}

static void
challenge(struct rf_register *r, struct rf_server_txn *txn, bool stale, uint64_t now_us)
{
    struct rf_buf b = rf_buf(r->w->out, sizeof r->w->out);

    put_challenges(r, &b, rf_server_txn_request(txn), rf_server_txn_flow(txn), stale, now_us);
    refuse(r, txn, 401, rf_buf_span(&b), now_us);
}

static bool
has_phone_user(const struct rf_sip_msg *msg)
{
    const struct rf_sip_uri *u = &msg->to.uri;

    return u->has_user && (u->scheme == RF_URI_SIP || u->scheme == RF_URI_SIPS);
}

bool
rf_register_challenge(struct rf_register *r, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us)
{
    char mem[2048]; /* three challenges of 640 octets at most */
    struct rf_buf b = rf_buf(mem, sizeof mem);

    if (!msg->is_request || msg->method != RF_SIP_REGISTER || msg->to_tag.n > 0 || !has_phone_user(msg) ||
        rf_sip_value(msg, RF_HDR_AUTHORIZATION).p != NULL || rf_sip_value(msg, RF_HDR_REQUIRE).p != NULL)
        return false;
    put_challenges(r, &b, msg, flow, false, now_us);
    if (b.overflow)
        return false;
    rf_worker_answer_bare(r->w, msg, flow, 401, rf_buf_span(&b));
    return true;
}

/* Unescaped user name of credentials or of To. */
static struct rf_span
user_name(struct rf_span escaped, char *mem, size_t size)
{
    struct rf_buf b = rf_buf(mem, size);

    rf_put_unescaped(&b, escaped);
    return b.overflow ? rf_span(NULL, 0) : rf_buf_span(&b);
}

/* The user who signed in, in *user; false: the request was answered. */
static bool
sign_in(struct rf_register *r, struct rf_server_txn *txn, const struct rf_sip_msg *msg, struct rf_call_user *user,
        uint64_t now_us)
{
    struct rf_worker *w = r->w;
    struct rf_flow *flow = rf_server_txn_flow(txn);
    struct rf_auth_result who = { 0 };
    char name_mem[128], aor_mem[128];
    struct rf_span name, aor;

    rf_auth_check(w->shared->auth, msg, RF_HDR_AUTHORIZATION, rf_span_str(w->site->call.domain), lookup, r, now_us,
                  &who);
    switch (who.verdict) {
    case RF_AUTH_OK:
        break;
    case RF_AUTH_BROKEN:
        refuse_stranger(r, txn, 400, "its Authorization is broken, or for another request", now_us);
        return false;
    case RF_AUTH_BAD:
        rf_worker_sign_in_failed(w, flow, &who, now_us);
        challenge(r, txn, false, now_us);
        return false;
    case RF_AUTH_CHALLENGE:
    case RF_AUTH_STALE:
    case RF_AUTH_REPLAY:
        challenge(r, txn, who.verdict != RF_AUTH_CHALLENGE, now_us);
        return false;
    }
    rf_worker_signed_in(w, flow);
    name = user_name(who.username, name_mem, sizeof name_mem);
    aor = user_name(msg->to.uri.user, aor_mem, sizeof aor_mem);
    if (!rf_site_registrant(w->site, name, user)) { /* removed between the check and now */
        challenge(r, txn, false, now_us);
        return false;
    }
    if (!rf_span_eq(name, aor)) {
        rf_fold_refuse(w->shared->fold, RF_REFUSE_FORBIDDEN, name,
                       (struct rf_log_field[]){ RF_F_STR("what", "registering another user's address"),
                                                RF_F_SPAN("who", name), RF_F_SPAN("reason", aor), { 0 } },
                       now_us);
        refuse(r, txn, 403, rf_span(NULL, 0), now_us);
        return false;
    }
    if (user->require_tls && !rf_transport_is_secure(flow->transport)) {
        const struct rf_log_field fields[] = { RF_F_SPAN("who", name),
                                               RF_F_STR("transport", rf_transport_name(flow->transport)), { 0 } };
        struct rf_buf b = rf_buf(w->out, sizeof w->out);

        rf_fold_refuse(w->shared->fold, RF_REFUSE_TLS_REQUIRED, name, fields, now_us);
        if (w->site->call.explain_to_peer)
            put_warning(&b, RF_REFUSE_TLS_REQUIRED, fields);
        refuse(r, txn, 403, rf_buf_span(&b), now_us);
        return false;
    }
    return true;
}

/* --- the wait for the store --- */

static void
txn_ended(void *owner)
{
    struct pending *p = owner;

    p->txn = NULL;
}

static const struct rf_server_txn_events events = { .ended = txn_ended };

static uint32_t
slot_take(struct rf_register *r, struct rf_server_txn *txn, struct rf_span aor)
{
    uint32_t i = r->free_first;
    struct pending *p = i != NO_SLOT ? &r->slot[i] : NULL;

    if (p == NULL || rf_span_copy(aor, p->aor, sizeof p->aor) != RF_OK)
        return NO_SLOT;
    r->free_first = p->next_free;
    p->txn = txn;
    p->is_taken = true;
    return i;
}

static void
slot_give(struct rf_register *r, uint32_t i)
{
    struct pending *p = &r->slot[i];

    p->txn = NULL;
    p->is_taken = false;
    p->generation++;
    p->next_free = r->free_first;
    r->free_first = i;
}

/* A connection by which somebody registered: when it is gone, its bindings cannot be reached (RFC 5626). */
struct path_note {
    struct rf_flow_watch watch;
    struct rf_location *location;
    uint64_t flow_id;
};

static void
path_gone(struct rf_flow_watch *w, uint64_t now_us)
{
    struct path_note *n = rf_container(w, struct path_note, watch);

    rf_location_flow_gone(n->location, n->flow_id);
    free(n);
}

static void
note_path(struct rf_register *r, struct rf_flow *flow)
{
    struct path_note *n;

    if (!rf_transport_is_reliable(flow->transport))
        return;
    RF_LIST_FOREACH(&flow->watches, it)
        if (rf_container(it, struct rf_flow_watch, link)->gone == path_gone)
            return; /* a refresh */
    n = calloc(1, sizeof *n);
    if (n == NULL)
        return; /* the binding is then found unreachable when it is tried */
    n->watch.gone = path_gone;
    n->location = r->w->shared->location;
    n->flow_id = flow->id;
    rf_flow_watch(flow, &n->watch);
}

/* "201" of "sip:201@office.example". */
static struct rf_span
user_of(struct rf_span aor)
{
    struct rf_span user = rf_span_sub(aor, rf_span_find(aor, ':') + 1, aor.n);

    return rf_span_sub(user, 0, rf_span_find(user, '@'));
}

static void
answer_200(struct rf_register *r, struct rf_server_txn *txn, struct rf_span aor, uint64_t now_us)
{
    struct rf_worker *w = r->w;
    const struct rf_sip_msg *msg = rf_server_txn_request(txn);
    struct rf_flow *flow = rf_server_txn_flow(txn);
    struct rf_buf b = rf_buf(w->out, sizeof w->out);

    note_path(r, flow);
    rf_devices_note(w->devices, user_of(aor), flow, rf_wall_s());
    rf_location_put_contacts(w->shared->location, aor, msg, rf_wall_s(), &b);
    put_date(&b);
    if (rf_sip_has_token(msg, RF_HDR_SUPPORTED, "outbound") && rf_transport_is_reliable(flow->transport))
        rf_sip_put_headerf(&b, RF_HDR_FLOW_TIMER, "%d", FLOW_TIMER_S);
    rf_put_str(&b, "Server: ");
    rf_put_str(&b, w->site->call.server);
    rf_put_str(&b, "\r\n");
    atomic_fetch_add_explicit(&w->numbers.registers, 1, memory_order_relaxed);
    rf_server_txn_reply(txn, 200, NULL, rf_buf_span(&b), now_us);
}

static void
store_failed(struct rf_register *r, struct rf_server_txn *txn, struct rf_span aor, uint64_t now_us)
{
    struct rf_store_counts counts;

    rf_store_counts(r->w->shared->store, &counts);
    rf_fold_refuse(r->w->shared->fold, RF_REFUSE_STORE_FAILED, rf_span_str("register"),
                   (struct rf_log_field[]){ RF_F_STR("reason", counts.last_why), RF_F_SPAN("aor", aor), { 0 } },
                   now_us);
    if (txn != NULL)
        refuse(r, txn, 500, rf_span_str("Retry-After: 30\r\n"), now_us);
}

/* On the store's thread. */
static void
store_done(void *ctx, uint64_t cookie, enum rf_err err)
{
    struct rf_worker *w = ctx;
    struct rf_letter_stored letter = { .head = { .kind = RF_LETTER_STORED }, .cookie = cookie, .err = err };

    if (!rf_worker_post(w->stored, &letter, sizeof letter, rf_span(NULL, 0)))
        atomic_fetch_add_explicit(&w->numbers.store_late, 1, memory_order_relaxed);
}

static void
stored(void *ctx, struct rf_span octets, uint64_t now_us)
{
    struct rf_worker *w = ctx;
    struct rf_register *r = w->registers;
    struct rf_letter_stored letter;
    uint32_t i;
    struct pending *p;

    if (octets.n != sizeof letter)
        return;
    memcpy(&letter, octets.p, sizeof letter);
    i = (uint32_t)letter.cookie;
    p = i < PENDING_MAX ? &r->slot[i] : NULL;
    if (p == NULL || !p->is_taken || p->generation != (uint32_t)(letter.cookie >> 32))
        return;
    if (letter.err != RF_OK) {
        rf_location_reload(w->shared->location, rf_span_str(p->aor), rf_wall_s());
        store_failed(r, p->txn, rf_span_str(p->aor), now_us);
    } else if (p->txn != NULL) {
        answer_200(r, p->txn, rf_span_str(p->aor), now_us);
    }
    if (p->txn != NULL)
        rf_server_txn_own(p->txn, NULL, NULL);
    slot_give(r, i);
}

/* --- the request --- */

/* Extensions that the request insists on and we do not know (RFC 3261 8.2.2.3). */
static bool
requires_unknown(struct rf_register *r, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_sip_walk walk = rf_sip_walk(msg, RF_HDR_REQUIRE);
    struct rf_buf b = rf_buf(r->w->out, sizeof r->w->out);
    struct rf_span tag;

    while (rf_sip_walk_next(&walk, &tag))
        if (!rf_span_iis(tag, "path") && !rf_span_iis(tag, "outbound"))
            rf_sip_put_header(&b, RF_HDR_UNSUPPORTED, tag);
    if (b.n == 0)
        return false;
    refuse(r, txn, 420, rf_buf_span(&b), now_us);
    return true;
}

/* Why a registration is refused, folded by user: a phone that is refused tries again and again. A 423 is no refusal: the
 * phone asks for longer at once (RFC 3261 10.2.8). */
static void
explain(struct rf_register *r, struct rf_server_txn *txn, const char *user, const struct rf_register_result *result,
        struct rf_buf *warning, uint64_t now_us)
{
    struct rf_worker *w = r->w;
    struct rf_log_field fields[] = { RF_F_STR("who", user), RF_F_STR("detail", result->sentence),
                                     RF_F_STR("what", result->sentence), RF_F_U64("seconds", 10),
                                     RF_F_U64("count", result->bindings), RF_F_I64("status", result->status),
                                     RF_F_ADDR("addr", &rf_server_txn_flow(txn)->remote), { 0 } };
    enum rf_refusal why;

    switch (result->status) {
    case 423:
        return;
    case 403:
        why = RF_REFUSE_TOO_MANY_PHONES;
        break;
    case 503:
        why = RF_REFUSE_OVERLOAD;
        break;
    default:
        why = RF_REFUSE_BAD_REQUEST;
        break;
    }
    rf_fold_refuse(w->shared->fold, why, rf_span_str(user), fields, now_us);
    if (w->site->call.explain_to_peer)
        put_warning(warning, why, fields);
}

static void
answer_result(struct rf_register *r, struct rf_server_txn *txn, const char *user, struct rf_span aor,
              const struct rf_register_result *result, uint64_t now_us)
{
    struct rf_buf b = rf_buf(r->w->out, sizeof r->w->out);

    if (result->status == 200) {
        answer_200(r, txn, aor, now_us);
        return;
    }
    if (result->status == 423)
        rf_sip_put_headerf(&b, RF_HDR_MIN_EXPIRES, "%u", result->min_expires_s);
    else if (result->status == 503)
        rf_put_str(&b, "Retry-After: 10\r\n");
    explain(r, txn, user, result, &b, now_us);
    refuse(r, txn, result->status, rf_buf_span(&b), now_us);
}

void
rf_register_request(struct rf_register *r, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us)
{
    struct rf_worker *w = r->w;
    struct rf_flow *flow = rf_server_txn_flow(txn);
    struct rf_register_result result = { 0 };
    struct rf_call_user user;
    char aor_mem[RF_AOR_MAX + 1];
    struct rf_buf aor = rf_buf(aor_mem, sizeof aor_mem);
    uint32_t slot;

    if (requires_unknown(r, txn, msg, now_us))
        return;
    if (!has_phone_user(msg)) {
        refuse_stranger(r, txn, 404, "the To of a REGISTER names no SIP user", now_us);
        return;
    }
    if (!sign_in(r, txn, msg, &user, now_us))
        return;
    rf_call_put_aor(&aor, rf_span_str(user.name), w->site->call.domain);
    rf_assert(!aor.overflow); /* RF_AOR_MAX */
    slot = slot_take(r, txn, rf_buf_span(&aor));
    if (slot == NO_SLOT) {
        rf_fold_refuse(w->shared->fold, RF_REFUSE_OVERLOAD, rf_span_str("register"),
                       (struct rf_log_field[]){ RF_F_STR("what", "the queue of registrations"),
                                                RF_F_STR("who", user.name), RF_F_U64("seconds", 10), { 0 } },
                       now_us);
        refuse(r, txn, 503, rf_span_str("Retry-After: 10\r\n"), now_us);
        return;
    }
    rf_location_register(w->shared->location, rf_buf_span(&aor), msg, flow, rf_wall_s(), store_done, w,
                         (uint64_t)r->slot[slot].generation << 32 | slot, &result);
    if (result.waits_for_store) {
        rf_server_txn_own(txn, &events, &r->slot[slot]);
        return;
    }
    slot_give(r, slot);
    answer_result(r, txn, user.name, rf_buf_span(&aor), &result, now_us);
}

enum rf_err
rf_register_new(struct rf_register **out, struct rf_worker *w)
{
    struct rf_register *r = calloc(1, sizeof *r);
    /* A letter a slot, with what the ring keeps beside each. */
    size_t ring = PENDING_MAX * (sizeof(struct rf_letter_stored) + 32);
    enum rf_err err;

    if (r == NULL)
        return RF_ERR_NOMEM;
    r->w = w;
    for (uint32_t i = 0; i < PENDING_MAX; i++)
        r->slot[i].next_free = i + 1 < PENDING_MAX ? i + 1 : NO_SLOT;
    err = rf_mailbox_new(&w->stored, w->loop, sizeof(struct rf_letter_stored), ring, stored, w);
    if (err) {
        free(r);
        return err;
    }
    *out = r;
    return RF_OK;
}

void
rf_register_free(struct rf_register *r)
{
    free(r);
}
