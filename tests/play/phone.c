/*
 * tests/play/phone.c - phones made of memory: what they say, and what they do by themselves (sign in, ACK a refusal)
 */
#include <stdio.h>
#include <stdlib.h>

#include "play/stage.h"

static const char *
transport_param(const struct phone *p)
{
    return p->transport == RF_TLS ? ";transport=tls" : p->transport == RF_TCP ? ";transport=tcp" : "";
}

static void
put_contact(const struct phone *p, char *out, size_t size)
{
    char a[RF_ADDR_TEXT_MAX];

    snprintf(out, size, "<sip:%s@%s%s>", p->user, rf_addr_text(&p->addr, a), transport_param(p));
}

void
phone_register(struct stage *s, struct phone *p)
{
    static struct rf_sip_msg msg;
    struct rf_sip_problem problem;
    struct rf_register_result r;
    char text[2048], contact[256], aor[128];
    struct rf_buf b = rf_buf(aor, sizeof aor);

    put_contact(p, contact, sizeof contact);
    snprintf(text, sizeof text,
             "REGISTER sip:" DOMAIN " SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bKr%u\r\nFrom: "
             "<sip:%s@" DOMAIN ">;tag=r\r\nTo: <sip:%s@" DOMAIN ">\r\nCall-ID: reg-%s\r\nCSeq: %u REGISTER\r\n"
             "Contact: %s;+sip.instance=\"<urn:uuid:%s>\"\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n",
             p->register_cseq + 1, p->user, p->user, p->name, p->register_cseq + 1, contact, p->name);
    p->register_cseq++;
    if (rf_sip_msg_parse(&msg, rf_span_str(text), &problem) != RF_OK)
        abort();
    rf_call_put_aor(&b, rf_span_str(p->user), DOMAIN);
    rf_location_register(s->location, rf_buf_span(&b), &msg, &p->wire->flow, stage_wall_s(s), NULL, NULL, 0, &r);
    if (r.status != 200)
        stage_wrong(s, "a phone could not register");
    p->registered = true;
}

/* --- what phones say --- */

static void
put_via(struct stage *s, struct phone *p, char *out, size_t size)
{
    char a[RF_ADDR_TEXT_MAX];

    snprintf(p->branch, sizeof p->branch, "z9hG4bK%016llx", (unsigned long long)rf_rand_u64(&s->rand));
    snprintf(out, size, "SIP/2.0/%s %s;branch=%s;rport", rf_transport_name(p->transport), rf_addr_text(&p->addr, a),
             p->branch);
}

static void
send_request(struct stage *s, struct phone *p, const char *method, const char *ruri, const char *extra,
             const char *type, const char *body)
{
    static char text[80000];
    char via[200], contact[256];

    put_via(s, p, via, sizeof via);
    put_contact(p, contact, sizeof contact);
    snprintf(text, sizeof text,
             "%s %s SIP/2.0\r\nVia: %s\r\n%sFrom: %s;tag=%s\r\nTo: %s%s%s\r\nCall-ID: %s\r\n"
             "CSeq: %u %s\r\nContact: %s\r\n%s%s%s%sContent-Length: %zu\r\n\r\n%s",
             method, ruri, via,
             extra != NULL && strstr(extra, "Max-Forwards: ") != NULL ? "" : "Max-Forwards: 70\r\n", p->local, p->our_tag, p->remote, p->their_tag[0] != '\0' ? ";tag=" : "", p->their_tag,
             p->call_id, p->cseq, method, contact, extra != NULL ? extra : "", body != NULL ? "Content-Type: " : "",
             body != NULL ? type : "", body != NULL ? "\r\n" : "", body != NULL ? strlen(body) : 0,
             body != NULL ? body : "");
    if (strcmp(method, "INVITE") == 0 || p->keeps) {
        free(p->invite);
        p->invite = strdup(text);
        p->keeps = false;
    }
    phone_send(s, p, text);
}

static void
begin(struct stage *s, struct phone *p)
{
    p->is_caller = true;
    p->authorized = false;
    p->cseq = 1;
    p->their_tag[0] = '\0';
    do
        snprintf(p->call_id, sizeof p->call_id, "c%016llx", (unsigned long long)rf_rand_u64(&s->rand));
    while (!stage_is_owner(s, p->worker, p->call_id));
    snprintf(p->our_tag, sizeof p->our_tag, "t%08x", (unsigned)rf_rand_u64(&s->rand));
    snprintf(p->local, sizeof p->local, "<sip:%s@" DOMAIN ">", p->from[0] != '\0' ? p->from : p->user);
}

void
phone_asks(struct stage *s, struct phone *p, const char *method, const char *user)
{
    begin(s, p);
    snprintf(p->remote, sizeof p->remote, "<sip:%s@" DOMAIN ">", user);
    snprintf(p->target, sizeof p->target, "sip:%s@" DOMAIN, user);
    send_request(s, p, method, p->target, NULL, NULL, NULL);
}

void
phone_requests(struct stage *s, struct phone *p, const char *method, const char *user, const char *extra,
               const char *type, const char *body)
{
    begin(s, p);
    snprintf(p->remote, sizeof p->remote, "<sip:%s@" DOMAIN ">", user);
    snprintf(p->target, sizeof p->target, "sip:%s@" DOMAIN, user);
    free(p->invite);
    p->invite = NULL;
    p->keeps = true;
    send_request(s, p, method, p->target, extra, type, body);
}

void
phone_invite(struct stage *s, struct phone *p, const char *target, const char *sdp, const char *extra)
{
    begin(s, p);
    snprintf(p->remote, sizeof p->remote, "<sip:%s@" DOMAIN ">", target);
    snprintf(p->target, sizeof p->target, "sip:%s@" DOMAIN, target);
    if (strchr(target, ':') != NULL) {
        snprintf(p->remote, sizeof p->remote, "<%s>", target);
        snprintf(p->target, sizeof p->target, "%s", target);
    }
    send_request(s, p, "INVITE", p->target, extra, "application/sdp", sdp);
}

void
phone_reinvite(struct stage *s, struct phone *p, const char *sdp, const char *extra)
{
    p->cseq++;
    send_request(s, p, "INVITE", p->target, extra, "application/sdp", sdp);
}

void
phone_indialog(struct stage *s, struct phone *p, const char *method, const char *extra, const char *type,
               const char *body)
{
    p->cseq++;
    send_request(s, p, method, p->target, extra, type, body);
}

/* One header line of a message, to its end. */
static void
header(const char *text, const char *name, char *out, size_t size)
{
    char key[64];
    const char *at, *end;

    snprintf(key, sizeof key, "\r\n%s: ", name);
    out[0] = '\0';
    at = strstr(text, key);
    if (at == NULL)
        return;
    at += strlen(key);
    end = strstr(at, "\r\n");
    snprintf(out, size, "%.*s", (int)(end - at), at);
}

void
phone_ack(struct stage *s, struct phone *p, const char *sdp)
{
    static char text[32768];
    char via[200], cseq[64] = "";

    put_via(s, p, via, sizeof via);
    if (p->invite != NULL)
        header(p->invite, "CSeq", cseq, sizeof cseq);
    snprintf(text, sizeof text,
             "ACK %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s%s%s\r\nCall-ID: %s\r\n"
             "CSeq: %u ACK\r\n%sContent-Length: %zu\r\n\r\n%s",
             p->target, via, p->local, p->our_tag, p->remote, p->their_tag[0] != '\0' ? ";tag=" : "", p->their_tag,
             p->call_id, (unsigned)strtoul(cseq, NULL, 10), sdp != NULL ? "Content-Type: application/sdp\r\n" : "",
             sdp != NULL ? strlen(sdp) : 0, sdp != NULL ? sdp : "");
    phone_send(s, p, text);
}

/* CANCEL, or the ACK for a refusal: the INVITE's Via, and its number. */
static void
same_hop(struct stage *s, struct phone *p, const char *invite, const char *method, const char *to)
{
    static char text[8192];
    char ruri[512] = "", via[300], from[300], call_id[100], cseq[64];
    const char *space = strchr(invite, ' ');

    snprintf(ruri, sizeof ruri, "%.*s", (int)(strchr(space + 1, ' ') - space - 1), space + 1);
    header(invite, "Via", via, sizeof via);
    header(invite, "From", from, sizeof from);
    header(invite, "Call-ID", call_id, sizeof call_id);
    header(invite, "CSeq", cseq, sizeof cseq);
    snprintf(text, sizeof text,
             "%s %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
             "Content-Length: 0\r\n\r\n",
             method, ruri, via, from, to, call_id, (unsigned)strtoul(cseq, NULL, 10), method);
    phone_send(s, p, text);
}

void
phone_cancel(struct stage *s, struct phone *p)
{
    char to[300];

    header(p->invite, "To", to, sizeof to);
    same_hop(s, p, p->invite, "CANCEL", to);
}

void
phone_answer(struct stage *s, struct phone *p, bool invite, int status, const char *tag, const char *sdp,
             const char *extra)
{
    phone_answer_to(s, p, invite ? p->invite_in : p->request, status, tag, sdp, extra);
}

void
phone_answer_to(struct stage *s, struct phone *p, const char *request, int status, const char *tag, const char *sdp,
                const char *extra)
{
    static struct rf_sip_msg msg;
    static char text[32768];
    struct rf_sip_problem problem;
    struct rf_buf b = rf_buf(text, sizeof text - 1);
    char contact[256];

    if (request == NULL || rf_sip_msg_parse(&msg, rf_span_str(request), &problem) != RF_OK)
        return;
    put_contact(p, contact, sizeof contact);
    rf_sip_put_response(&b, &msg, status, NULL, rf_span_str(tag != NULL ? tag : p->our_tag), &p->addr);
    if (msg.method == RF_SIP_INVITE && status < 300)
        rf_putf(&b, "Contact: %s\r\n", contact);
    rf_put_str(&b, extra != NULL ? extra : "");
    rf_sip_put_body(&b, sdp != NULL ? "application/sdp" : NULL, rf_span_str(sdp));
    text[b.n] = '\0';
    phone_send(s, p, text);
}

/* --- what phones do by themselves --- */

static void
remember_dialog(struct phone *p, const struct rf_sip_msg *m)
{
    struct rf_sip_walk w = rf_sip_walk(m, RF_HDR_CONTACT);
    struct rf_span element;
    struct rf_sip_name_addr a;

    if (rf_sip_walk_next(&w, &element) && rf_sip_name_addr_parse(element, &a) == RF_OK)
        snprintf(p->target, sizeof p->target, "%.*s", RF_SPAN_ARG(a.uri.raw));
}

static void
keep(char **where, const char *text)
{
    char *copy = strdup(text);

    free(*where);
    *where = copy;
}

/* A lamp says whom to call to take the call: we are the remote party there, and the local one of Replaces (RFC 3891 3). */
static void
learn_lamp(struct phone *p, const char *text)
{
    static const char *const name[] = { "call-id=\"", "remote-tag=\"", "local-tag=\"" };
    char value[3][64];
    const char *at = strstr(text, "<dialog ");

    for (int i = 0; i < 3; i++) {
        const char *here = at != NULL ? strstr(at, name[i]) : NULL;

        if (here == NULL)
            return;
        here += strlen(name[i]);
        snprintf(value[i], sizeof value[i], "%.*s", (int)strcspn(here, "\""), here);
    }
    snprintf(p->lamp, sizeof p->lamp, "%s;to-tag=%s;from-tag=%s", value[0], value[1], value[2]);
}

/* What a message tells the phone, when it is taken out of the inbox or came with others. */
void
phone_hears(struct stage *s, struct phone *p, const char *text)
{
    struct rf_sip_msg msg;
    struct rf_sip_problem problem;
    char line[400];

    if (rf_sip_msg_parse(&msg, rf_span_str(text), &problem) != RF_OK) {
        snprintf(line, sizeof line, "ringfence sent what does not parse: %s", problem.sentence);
        stage_wrong(s, line);
        return;
    }
    if (msg.body.n > 0 && rf_span_iis(rf_sip_value(&msg, RF_HDR_CONTENT_TYPE), "application/sdp")) {
        char *sdp = rf_span_dup(msg.body);

        keep(&p->sdp_in, sdp);
        free(sdp);
    }
    if (msg.is_request) {
        keep(&p->request, text);
        if (msg.method == RF_SIP_NOTIFY) {
            keep(&p->notify_in, text);
            learn_lamp(p, text);
        }
        if (msg.method != RF_SIP_INVITE)
            return;
        keep(&p->invite_in, text);
        remember_dialog(p, &msg);
        if (msg.to_tag.n == 0) { /* a new call for this phone */
            p->is_caller = false;
            p->cseq = 100;
            snprintf(p->our_tag, sizeof p->our_tag, "t%08x", (unsigned)rf_rand_u64(&s->rand));
            snprintf(p->their_tag, sizeof p->their_tag, "%.*s", RF_SPAN_ARG(msg.from_tag));
            snprintf(p->call_id, sizeof p->call_id, "%.*s", RF_SPAN_ARG(msg.call_id));
            snprintf(p->local, sizeof p->local, "<%.*s>", RF_SPAN_ARG(msg.to.uri.raw));
            snprintf(p->remote, sizeof p->remote, "<%.*s>", RF_SPAN_ARG(msg.from.uri.raw));
        }
        return;
    }
    if (msg.method == RF_SIP_SUBSCRIBE && msg.status < 300 && rf_span_is(msg.call_id, p->call_id)) {
        snprintf(p->their_tag, sizeof p->their_tag, "%.*s", RF_SPAN_ARG(msg.to_tag));
        remember_dialog(p, &msg);
    }
    if (msg.method != RF_SIP_INVITE || p->invite == NULL || msg.status == 100 ||
        !rf_span_is(msg.call_id, p->call_id))
        return;
    if (rf_sip_value(&msg, RF_HDR_RSEQ).n > 0)
        snprintf(p->rack, sizeof p->rack, "%.*s %u INVITE", RF_SPAN_ARG(rf_sip_value(&msg, RF_HDR_RSEQ)),
                 (unsigned)msg.cseq);
    if (msg.status < 300 && msg.to_tag.n > 0) {
        snprintf(p->their_tag, sizeof p->their_tag, "%.*s", RF_SPAN_ARG(msg.to_tag));
        remember_dialog(p, &msg);
    }
    if (msg.status >= 300 && !p->is_mute) {
        char to[300];

        header(text, "To", to, sizeof to);
        same_hop(s, p, p->invite, "ACK", to);
    }
}

/* Sign in: the INVITE again with an answer to the first challenge. */
bool
phone_signs_in(struct stage *s, struct phone *p, const char *text)
{
    static char again[32768];
    char line[600], credentials[900];
    struct rf_buf b = rf_buf(credentials, sizeof credentials - 1);
    struct rf_digest_challenge c;
    const char *cseq, *head;
    char ruri[512], method[16];
    const char *space;

    if (strncmp(text, "SIP/2.0 407 ", 12) != 0 || p->authorized || p->invite == NULL || p->is_mute)
        return false;
    header(text, "Proxy-Authenticate", line, sizeof line);
    if (rf_digest_challenge_parse(rf_span_str(line), &c) != RF_OK)
        return false;
    phone_hears(s, p, text); /* ACK */
    p->authorized = true;
    space = strchr(p->invite, ' ');
    snprintf(method, sizeof method, "%.*s", (int)(space - p->invite), p->invite);
    snprintf(ruri, sizeof ruri, "%.*s", (int)(strchr(space + 1, ' ') - space - 1), space + 1);
    rf_put_digest_credentials(&b, &c, rf_span_str(p->user), RF_SPAN_LIT(PASSWORD), rf_span_str(method),
                              rf_span_str(ruri), 1, RF_SPAN_LIT("abcd"));
    credentials[b.n] = '\0';
    p->cseq++;
    head = p->invite;
    cseq = strstr(head, "\r\nCSeq: ");
    snprintf(again, sizeof again, "%.*s\r\nCSeq: %u %s\r\nProxy-Authorization: %s%s", (int)(cseq - head), head,
             p->cseq, method, credentials, strstr(cseq + 2, "\r\n"));
    /* a new branch */
    snprintf(line, sizeof line, "z9hG4bK%016llx", (unsigned long long)rf_rand_u64(&s->rand));
    memcpy(strstr(again, "z9hG4bK"), line, strlen(line));
    keep(&p->invite, again);
    phone_send(s, p, p->invite);
    return true;
}
