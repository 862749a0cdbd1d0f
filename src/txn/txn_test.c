/*
 * txn/txn_test.c - every (state, event) of the machines, and the layer with a wire made of memory in virtual time
 */
#include "tap.h"
#include "txn/machine.h"
#include "txn/txn.h"

/* --- the tables, cell by cell: state, event, next; an event that is not named leaves no step --- */

struct cell {
    enum rf_txn_machine m;
    enum rf_txn_state s;
    enum rf_txn_event e;
    enum rf_txn_state next;
    const char *why;
};

#define IST(s, e, n, why) { RF_TXN_IST, RF_TXN_##s, RF_TXN_EV_##e, RF_TXN_##n, why }
#define NIST(s, e, n, why) { RF_TXN_NIST, RF_TXN_##s, RF_TXN_EV_##e, RF_TXN_##n, why }
#define ICT(s, e, n, why) { RF_TXN_ICT, RF_TXN_##s, RF_TXN_EV_##e, RF_TXN_##n, why }
#define NICT(s, e, n, why) { RF_TXN_NICT, RF_TXN_##s, RF_TXN_EV_##e, RF_TXN_##n, why }

static const struct cell cells[] = {
    IST(PROCEEDING, REQUEST, PROCEEDING, "figure 7"),
    IST(PROCEEDING, 1XX, PROCEEDING, "figure 7"),
    IST(PROCEEDING, 2XX, ACCEPTED, "RFC 6026 7.1"),
    IST(PROCEEDING, FAIL, COMPLETED, "figure 7"),
    IST(PROCEEDING, GONE, TERMINATED, "17.2.4"),
    IST(ACCEPTED, REQUEST, ACCEPTED, "RFC 6026: absorbed"),
    IST(ACCEPTED, ACK, ACCEPTED, "RFC 6026: to the user"),
    IST(ACCEPTED, 2XX, ACCEPTED, "RFC 6026: the user repeats it"),
    IST(ACCEPTED, END, TERMINATED, "timer L"),
    IST(COMPLETED, REQUEST, COMPLETED, "figure 7"),
    IST(COMPLETED, RETRY, COMPLETED, "timer G"),
    IST(COMPLETED, ACK, CONFIRMED, "figure 7"),
    IST(COMPLETED, END, TERMINATED, "timer H"),
    IST(COMPLETED, GONE, TERMINATED, "17.2.4"),
    IST(CONFIRMED, ACK, CONFIRMED, "absorbed until timer I"),
    IST(CONFIRMED, REQUEST, CONFIRMED, "a late repeat"),
    IST(CONFIRMED, END, TERMINATED, "timer I"),
    NIST(TRYING, REQUEST, TRYING, "17.2.2: discarded"),
    NIST(TRYING, 1XX, PROCEEDING, "figure 8"),
    NIST(TRYING, 2XX, COMPLETED, "figure 8"),
    NIST(TRYING, FAIL, COMPLETED, "figure 8"),
    NIST(TRYING, END, TERMINATED, "RFC 4320 4.2"),
    NIST(PROCEEDING, REQUEST, PROCEEDING, "figure 8"),
    NIST(PROCEEDING, 1XX, PROCEEDING, "figure 8"),
    NIST(PROCEEDING, 2XX, COMPLETED, "figure 8"),
    NIST(PROCEEDING, FAIL, COMPLETED, "figure 8"),
    NIST(PROCEEDING, END, TERMINATED, "RFC 4320 4.2"),
    NIST(COMPLETED, REQUEST, COMPLETED, "figure 8"),
    NIST(COMPLETED, END, TERMINATED, "timer J"),
    ICT(TRYING, RETRY, TRYING, "timer A"),
    ICT(TRYING, END, TERMINATED, "timer B"),
    ICT(TRYING, 1XX, PROCEEDING, "figure 5"),
    ICT(TRYING, 2XX, ACCEPTED, "RFC 6026 7.2"),
    ICT(TRYING, FAIL, COMPLETED, "figure 5"),
    ICT(TRYING, GONE, TERMINATED, "17.1.4"),
    ICT(PROCEEDING, 1XX, PROCEEDING, "figure 5"),
    ICT(PROCEEDING, 2XX, ACCEPTED, "RFC 6026 7.2"),
    ICT(PROCEEDING, FAIL, COMPLETED, "figure 5"),
    ICT(PROCEEDING, END, TERMINATED, "9.1: 64*T1 after CANCEL"),
    ICT(PROCEEDING, GONE, TERMINATED, "17.1.4"),
    ICT(ACCEPTED, 2XX, ACCEPTED, "a repeated or forked 2xx"),
    ICT(ACCEPTED, END, TERMINATED, "timer M"),
    ICT(COMPLETED, FAIL, COMPLETED, "ACK again"),
    ICT(COMPLETED, END, TERMINATED, "timer D"),
    ICT(COMPLETED, GONE, TERMINATED, "17.1.4"),
    NICT(TRYING, RETRY, TRYING, "timer E"),
    NICT(TRYING, END, TERMINATED, "timer F"),
    NICT(TRYING, 1XX, PROCEEDING, "figure 6"),
    NICT(TRYING, 2XX, COMPLETED, "figure 6"),
    NICT(TRYING, FAIL, COMPLETED, "figure 6"),
    NICT(TRYING, GONE, TERMINATED, "17.1.4"),
    NICT(PROCEEDING, RETRY, PROCEEDING, "timer E at T2"),
    NICT(PROCEEDING, END, TERMINATED, "timer F"),
    NICT(PROCEEDING, 1XX, PROCEEDING, "figure 6"),
    NICT(PROCEEDING, 2XX, COMPLETED, "figure 6"),
    NICT(PROCEEDING, FAIL, COMPLETED, "figure 6"),
    NICT(PROCEEDING, GONE, TERMINATED, "17.1.4"),
    NICT(COMPLETED, END, TERMINATED, "timer K"),
};

static const char *const machine_names[] = { "INVITE server", "non-INVITE server", "INVITE client",
                                             "non-INVITE client" };
static const char *const event_names[] = { "request", "ACK", "1xx", "2xx", "3xx-6xx", "retry", "end", "flow gone" };

static void
tables(void)
{
    for (int m = 0; m < RF_TXN_MACHINES; m++)
        for (int s = 0; s < RF_TXN_STATES; s++)
            for (int e = 0; e < RF_TXN_EVENTS; e++) {
                const struct cell *want = NULL;
                enum rf_txn_state got = rf_txn_step(m, s, e).next;

                for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
                    if ((int)cells[i].m == m && (int)cells[i].s == s && (int)cells[i].e == e)
                        want = &cells[i];
                ok(got == (want != NULL ? want->next : RF_TXN_NONE), "%s, %s, %s: %s (%s)", machine_names[m],
                   rf_txn_state_name(m, s), event_names[e],
                   want != NULL ? rf_txn_state_name(m, want->next) : "nothing", want != NULL ? want->why : "dropped");
            }
}

/* --- a wire --- */

struct wire {
    struct rf_flow flow;
    int sent;
    enum rf_err fails; /* what send returns when not RF_OK */
    char last[8192];
    size_t last_n;
    uint64_t at[64]; /* times of what was sent */
};

static uint64_t now;
static struct rf_wheel *wheel;
static struct rf_txn_layer *layer;

static enum rf_err
wire_send(struct rf_flow *f, struct rf_span message)
{
    struct wire *w = rf_container(f, struct wire, flow);

    if (w->fails != RF_OK)
        return w->fails;
    memcpy(w->last, message.p, message.n);
    w->last_n = message.n;
    w->last[message.n] = '\0';
    w->at[w->sent++ % 64] = now;
    return RF_OK;
}
static void wire_close(struct rf_flow *f) { (void)f; }
static void wire_free(struct rf_flow *f) { (void)f; }
static const struct rf_flow_ops wire_ops = { wire_send, wire_close, wire_free };

static void
wire_open(struct wire *w, enum rf_transport t)
{
    memset(w, 0, sizeof *w);
    rf_flow_init(&w->flow, &wire_ops, t, 1);
    if (rf_addr_parse_port(RF_SPAN_LIT("192.0.2.7:5060"), &w->flow.remote) != RF_OK)
        abort();
}

static bool
last_is(const struct wire *w, const char *start)
{
    return strncmp(w->last, start, strlen(start)) == 0;
}

/* --- a user that writes down what it hears --- */

static struct {
    int requests, acks, strays, cancelled, failed, ended, responses, status, c_failed, c_ended, trying, refusals_acked;
    enum rf_err why;
    struct rf_server_txn *txn;
    char method[32];
} heard;

static void on_cancelled(void *owner, uint64_t n) { (void)owner; (void)n; heard.cancelled++; }
static void on_failed(void *owner, uint64_t n) { (void)owner; (void)n; heard.failed++; }
static void on_ended(void *owner) { (void)owner; heard.ended++; heard.txn = NULL; }
static void on_trying(void *owner, uint64_t n) { (void)owner; (void)n; heard.trying++; }
static const struct rf_server_txn_events server_events = { on_cancelled, on_failed, on_ended, on_trying };

static void
on_refusal_acked(void *ctx, const struct rf_sip_msg *msg, uint64_t n)
{
    (void)ctx;
    (void)n;
    heard.refusals_acked += msg->method == RF_SIP_ACK;
}

static void
on_request(void *ctx, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t n)
{
    (void)ctx;
    (void)n;
    heard.requests++;
    heard.txn = txn;
    snprintf(heard.method, sizeof heard.method, "%.*s", RF_SPAN_ARG(msg->method_text));
    rf_server_txn_own(txn, &server_events, NULL);
}
static void
on_ack(void *ctx, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t n)
{
    (void)ctx; (void)msg; (void)flow; (void)n;
    heard.acks++;
}
static void
on_stray(void *ctx, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t n)
{
    (void)ctx; (void)msg; (void)flow; (void)n;
    heard.strays++;
}
static void
on_response(void *owner, struct rf_client_txn *txn, const struct rf_sip_msg *msg, uint64_t n)
{
    (void)owner; (void)txn; (void)n;
    heard.responses++;
    heard.status = msg->status;
}
static void
on_c_failed(void *owner, struct rf_client_txn *txn, enum rf_err why, uint64_t n)
{
    (void)owner; (void)txn; (void)n;
    heard.c_failed++;
    heard.why = why;
}
static void on_c_ended(void *owner, struct rf_client_txn *txn) { (void)owner; (void)txn; heard.c_ended++; }
static const struct rf_client_txn_events client_events = { on_response, on_c_failed, on_c_ended };

static uint64_t seed = 7;

static void
start(uint32_t server_max)
{
    const struct rf_rand rand = { rf_rand_seeded_fill, &seed };
    const struct rf_txn_limits limits = { server_max, 100, 500 * RF_MS, 4 * RF_S, 5 * RF_S };
    const struct rf_txn_user user = { NULL, on_request, on_ack, on_stray, on_refusal_acked };

    now = 1000 * RF_S;
    memset(&heard, 0, sizeof heard);
    if (rf_wheel_new(&wheel, now) != RF_OK || rf_txn_layer_new(&layer, wheel, &rand, &limits, &user) != RF_OK)
        abort();
}

static void
stop(void)
{
    rf_txn_layer_free(layer);
    rf_wheel_free(wheel);
}

/* Time passes; timers fire at their own time, so that a play can read when something was sent. */
static void
elapse(uint64_t us)
{
    uint64_t until = now + us;

    while (now < until) {
        uint64_t next = rf_wheel_next_us(wheel);

        now = next > until ? until : next > now ? next : now + RF_MS;
        if (now > until)
            now = until;
        rf_wheel_advance(wheel, now);
    }
}

static void
receive(struct wire *w, const char *text)
{
    static struct rf_sip_msg msg;
    struct rf_sip_problem problem;

    if (rf_sip_msg_parse(&msg, rf_span_str(text), &problem) != RF_OK) {
        diag("a message of the test does not parse: %s", problem.sentence);
        fflush(stdout);
        abort();
    }
    rf_txn_received(layer, &msg, &w->flow, now);
}

#define REQUEST(method, branch, to, cseq)                                                                            \
    method " sip:201@pbx.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5060" branch "\r\nFrom: <sip:a@pbx.example>"      \
    ";tag=ft\r\nTo: <sip:201@pbx.example>" to "\r\nCall-ID: c1\r\nCSeq: " cseq "\r\nMax-Forwards: 70\r\n"               \
    "Contact: <sip:a@192.0.2.7>\r\nContent-Length: 0\r\n\r\n"
#define B ";branch=z9hG4bKabc"
#define INVITE REQUEST("INVITE", B, "", "1 INVITE")

static void
ack_as_answered(struct wire *w, const char *branch, const char *method)
{
    char text[2048];

    snprintf(text, sizeof text,
             "%s sip:201@pbx.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5060%s\r\nFrom: <sip:a@pbx.example>;tag=ft\r\n"
             "To: <sip:201@pbx.example>;tag=%.*s\r\nCall-ID: c1\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
             method, branch, RF_SPAN_ARG(rf_server_txn_to_tag(heard.txn)), method);
    receive(w, text);
}

static void
answer(int status)
{
    rf_server_txn_reply(heard.txn, status, NULL, (struct rf_span){ 0 }, now);
}

static void
invite_server_refused_on_udp(void)
{
    struct wire w;

    start(10);
    wire_open(&w, RF_UDP);
    receive(&w, INVITE);
    ok(heard.requests == 1 && w.sent == 0, "INVITE goes to its user");
    elapse(199 * RF_MS);
    ok(w.sent == 0, "no 100 before 200 ms");
    elapse(3 * RF_MS);
    ok(w.sent == 1 && last_is(&w, "SIP/2.0 100 "), "100 Trying after 200 ms of silence");
    ok(heard.trying == 1, "its owner hears of it");
    ok(strstr(w.last, "To: <sip:201@pbx.example>\r\n") != NULL, "100 has no To tag");
    receive(&w, INVITE);
    ok(heard.requests == 1 && w.sent == 2, "a repeat gets the last response and does not reach the user");
    answer(486);
    ok(w.sent == 3 && last_is(&w, "SIP/2.0 486 "), "486");
    elapse(RF_S / 2 + RF_MS);
    ok(w.sent == 4, "timer G after T1");
    elapse(RF_S + RF_MS);
    ok(w.sent == 5, "then 2*T1");
    elapse(2 * RF_S + RF_MS);
    elapse(4 * RF_S + RF_MS);
    elapse(4 * RF_S + RF_MS);
    ok(w.sent == 8, "doubling up to T2");
    ack_as_answered(&w, B, "ACK");
    ok(heard.acks == 0 && heard.refusals_acked == 1, "the ACK for a 486 ends here, and the user hears of it");
    elapse(4 * RF_S);
    ok(w.sent == 8 && rf_txn_counts(layer).servers == 1, "confirmed: silent, repeated ACKs are absorbed (timer I)");
    ok(heard.refusals_acked == 1, "of a repeated one the user hears nothing");
    elapse(2 * RF_S);
    ok(heard.ended == 1 && heard.failed == 0 && rf_txn_counts(layer).servers == 0, "gone after T4");
    stop();

    start(10);
    wire_open(&w, RF_UDP);
    receive(&w, INVITE);
    answer(486);
    elapse(33 * RF_S);
    ok(heard.failed == 1 && heard.ended == 1, "timer H: no ACK came");
    ok(w.sent == 11, "11 times in 32 s (got %d)", w.sent);
    stop();

    start(10);
    wire_open(&w, RF_TLS);
    receive(&w, INVITE);
    answer(486);
    elapse(5 * RF_S);
    ok(w.sent == 1, "no timer G on a stream");
    ack_as_answered(&w, B, "ACK");
    elapse(RF_MS);
    ok(heard.ended == 1, "timer I is 0 on a stream");
    stop();
}

static void
invite_server_accepted(void)
{
    struct wire w;

    start(10);
    wire_open(&w, RF_UDP);
    receive(&w, INVITE);
    answer(200);
    receive(&w, INVITE);
    ok(w.sent == 1 && heard.requests == 1, "RFC 6026: a repeated INVITE after 200 is absorbed");
    answer(200);
    ok(w.sent == 2, "the user repeats its 200 through the transaction");
    ack_as_answered(&w, B, "ACK");
    ok(heard.acks == 1, "an ACK with the INVITE's branch goes to the user");
    ack_as_answered(&w, ";branch=z9hG4bKother", "ACK");
    ok(heard.acks == 2, "an ACK with a branch of its own goes to the user");
    answer(486);
    ok(w.sent == 2, "no other final response after a 200");
    rf_server_txn_acked(heard.txn);
    rf_server_txn_repeat(heard.txn);
    receive(&w, INVITE);
    ok(w.sent == 2 && heard.requests == 1, "after its ACK there is nothing to repeat, and the INVITE is still known");
    elapse(31 * RF_S);
    ok(heard.ended == 0, "timer L lasts 64*T1");
    elapse(2 * RF_S);
    ok(heard.ended == 1, "timer L");
    stop();
}

static void
cancel_and_match(void)
{
    struct wire w;
    char tag[32];

    start(10);
    wire_open(&w, RF_UDP);
    receive(&w, REQUEST("CANCEL", B, "", "1 CANCEL"));
    ok(last_is(&w, "SIP/2.0 481 ") && heard.requests == 0, "CANCEL for nothing: 481");
    stop();

    start(10);
    wire_open(&w, RF_UDP);
    receive(&w, INVITE);
    snprintf(tag, sizeof tag, ";tag=%.*s", RF_SPAN_ARG(rf_server_txn_to_tag(heard.txn)));
    receive(&w, REQUEST("CANCEL", B, "", "1 CANCEL"));
    ok(last_is(&w, "SIP/2.0 200 ") && heard.cancelled == 1, "CANCEL: 200, and the owner hears of it");
    ok(strstr(w.last, tag) != NULL, "its To tag is that of the INVITE's responses (RFC 3261 9.2)");
    receive(&w, REQUEST("CANCEL", B, "", "1 CANCEL"));
    ok(w.sent == 2 && heard.cancelled == 1, "a repeated CANCEL gets the same 200 only");
    answer(487);
    receive(&w, REQUEST("CANCEL", ";branch=z9hG4bKabc;x", "", "1 CANCEL"));
    ok(heard.cancelled == 1, "after a final response CANCEL changes nothing");
    stop();

    start(10);
    wire_open(&w, RF_UDP);
    receive(&w, INVITE);
    receive(&w, REQUEST("INVITE", ";branch=z9hG4bKxyz", "", "1 INVITE"));
    ok(heard.requests == 1 && last_is(&w, "SIP/2.0 482 ") && rf_txn_counts(layer).merged == 1,
       "merged request: 482 (RFC 3261 8.2.2.2)");
    receive(&w, REQUEST("INVITE", ";branch=z9hG4bKxyz", ";tag=t", "1 INVITE"));
    ok(heard.requests == 2, "with a To tag it is no merged request");
    receive(&w, REQUEST("INVITE", ";branch=z9hG4bKABC", "", "2 INVITE"));
    ok(heard.requests == 3, "another branch is another transaction");
    stop();

    start(10);
    wire_open(&w, RF_UDP);
    receive(&w, REQUEST("INVITE", ";branch=1", "", "1 INVITE"));
    receive(&w, REQUEST("INVITE", ";branch=1", "", "1 INVITE"));
    ok(heard.requests == 1, "RFC 2543 branch: repeats match by all the fields");
    answer(404);
    ack_as_answered(&w, ";branch=1", "ACK");
    ok(heard.acks == 0, "RFC 2543: the ACK with our To tag matches");
    elapse(6 * RF_S);
    ok(heard.ended == 1 && heard.failed == 0, "and ends it");
    receive(&w, REQUEST("OPTIONS", ";branch=z9hG4bK", "", "9 OPTIONS"));
    ok(heard.requests == 2, "the bare cookie is no branch; the request is served");
    stop();
}

static void
full_pool(void)
{
    struct wire w;

    start(1);
    wire_open(&w, RF_UDP);
    receive(&w, INVITE);
    receive(&w, REQUEST("OPTIONS", ";branch=z9hG4bK2", "", "2 OPTIONS"));
    ok(heard.requests == 1 && last_is(&w, "SIP/2.0 503 ") && strstr(w.last, "\r\nRetry-After: ") != NULL,
       "full: 503 with Retry-After");
    ok(rf_txn_counts(layer).refused_full == 1 && rf_txn_counts(layer).servers == 1, "and counted");
    stop();
}

static void
non_invite_server(void)
{
    struct wire w;

    start(10);
    wire_open(&w, RF_UDP);
    receive(&w, REQUEST("OPTIONS", B, "", "1 OPTIONS"));
    receive(&w, REQUEST("OPTIONS", B, "", "1 OPTIONS"));
    ok(w.sent == 0 && heard.requests == 1, "a repeat before an answer is dropped");
    elapse(3 * RF_S);
    ok(w.sent == 0, "RFC 4320: no 100 before 3.5 s");
    elapse(RF_S);
    ok(w.sent == 1 && last_is(&w, "SIP/2.0 100 "), "RFC 4320: then one 100");
    answer(200);
    receive(&w, REQUEST("OPTIONS", B, "", "1 OPTIONS"));
    ok(w.sent == 3 && last_is(&w, "SIP/2.0 200 "), "a repeat gets the 200 again");
    answer(500);
    ok(w.sent == 3, "one final response only");
    elapse(31 * RF_S);
    ok(heard.ended == 0, "timer J is 64*T1 on UDP");
    elapse(2 * RF_S);
    ok(heard.ended == 1, "timer J");
    stop();

    start(10);
    wire_open(&w, RF_TCP);
    receive(&w, REQUEST("OPTIONS", B, "", "1 OPTIONS"));
    answer(200);
    ok(heard.ended == 0, "(T2) ended is not told from within respond");
    elapse(RF_MS);
    ok(heard.ended == 1, "timer J is 0 on a stream");
    stop();

    start(10);
    wire_open(&w, RF_UDP);
    receive(&w, REQUEST("OPTIONS", B, "", "1 OPTIONS"));
    elapse(33 * RF_S);
    ok(heard.ended == 1 && rf_txn_counts(layer).servers == 0, "a user that never answers leaves nothing behind");
    stop();
}

static void
flow_lost(void)
{
    struct wire w;
    struct rf_client_txn *c;

    start(10);
    wire_open(&w, RF_TLS);
    receive(&w, INVITE);
    rf_flow_gone(&w.flow, now);
    ok(heard.failed == 1 && heard.ended == 1, "an INVITE that waits hears that its connection is gone");
    stop();

    start(10);
    wire_open(&w, RF_TLS);
    if (rf_client_txn_new(&c, layer, &w.flow, RF_SIP_BYE, RF_SPAN_LIT("z9hG4bKq"), RF_SPAN_LIT("BYE"), &client_events,
                          NULL, now) != RF_OK)
        abort();
    rf_flow_gone(&w.flow, now);
    ok(heard.c_failed == 1 && heard.why == RF_ERR_CLOSED && heard.c_ended == 1, "so does a request we sent");
    ok(rf_client_txn_new(&c, layer, &w.flow, RF_SIP_BYE, RF_SPAN_LIT("z9hG4bKr"), RF_SPAN_LIT("BYE"), &client_events,
                         NULL, now) == RF_ERR_CLOSED && rf_txn_counts(layer).clients == 0,
       "a request on a closed flow starts nothing");
    stop();
}

#define OURS(method)                                                                                                  \
    method " sip:b@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKours\r\nRoute: <sip:p.example;lr>\r\n"  \
    "From: <sip:us@pbx.example>;tag=u\r\nTo: <sip:b@pbx.example>\r\nCall-ID: c2\r\nCSeq: 7 " method                      \
    "\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"

static void
reply_to_ours(struct wire *w, const char *status, const char *tag, const char *method)
{
    char text[1024];

    snprintf(text, sizeof text,
             "SIP/2.0 %s x\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKours\r\nFrom: <sip:us@pbx.example>;tag=u\r\n"
             "To: <sip:b@pbx.example>%s%s\r\nCall-ID: c2\r\nCSeq: 7 %s\r\nContent-Length: 0\r\n\r\n",
             status, tag[0] != '\0' ? ";tag=" : "", tag, method);
    receive(w, text);
}

static struct rf_client_txn *
send_ours(struct wire *w, enum rf_sip_method method, const char *text)
{
    struct rf_client_txn *c;

    if (rf_client_txn_new(&c, layer, &w->flow, method, RF_SPAN_LIT("z9hG4bKours"), rf_span_str(text), &client_events,
                          NULL, now) != RF_OK)
        abort();
    return c;
}

static void
invite_client(void)
{
    struct wire w;
    struct rf_client_txn *c;

    start(10);
    wire_open(&w, RF_UDP);
    send_ours(&w, RF_SIP_INVITE, OURS("INVITE"));
    elapse(33 * RF_S);
    ok(w.sent == 7, "timer A: 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s (got %d)", w.sent);
    ok(heard.c_failed == 1 && heard.why == RF_ERR_TIMEOUT && heard.c_ended == 1, "timer B");
    stop();

    start(10);
    wire_open(&w, RF_UDP);
    send_ours(&w, RF_SIP_INVITE, OURS("INVITE"));
    reply_to_ours(&w, "100", "", "INVITE");
    elapse(100 * RF_S);
    ok(w.sent == 1 && heard.c_failed == 0, "after a 1xx neither repeats nor timer B");
    reply_to_ours(&w, "486", "b1", "INVITE");
    ok(heard.status == 486 && w.sent == 2 && last_is(&w, "ACK sip:b@192.0.2.7 SIP/2.0\r\n"), "486 is ACKed here");
    ok(strstr(w.last, "branch=z9hG4bKours") && strstr(w.last, "Route: <sip:p.example;lr>\r\n") &&
           strstr(w.last, ";tag=b1\r\n") && strstr(w.last, "CSeq: 7 ACK\r\n"),
       "17.1.1.3: same Via and Route, To of the response, same CSeq number");
    reply_to_ours(&w, "486", "b1", "INVITE");
    ok(w.sent == 3 && heard.responses == 2, "a repeated 486 gets the ACK again, the user nothing");
    elapse(33 * RF_S);
    ok(heard.c_ended == 1 && heard.c_failed == 0, "timer D");
    stop();

    start(10);
    wire_open(&w, RF_UDP);
    send_ours(&w, RF_SIP_INVITE, OURS("INVITE"));
    reply_to_ours(&w, "200", "b1", "INVITE");
    reply_to_ours(&w, "200", "b1", "INVITE");
    reply_to_ours(&w, "200", "b2", "INVITE");
    reply_to_ours(&w, "180", "b3", "INVITE");
    ok(heard.responses == 3 && w.sent == 1, "Accepted: repeated and forked 200s go up, 1xx do not; the user ACKs");
    elapse(33 * RF_S);
    ok(heard.c_ended == 1, "timer M");
    reply_to_ours(&w, "200", "b1", "INVITE");
    ok(heard.strays == 1, "a 200 after timer M is a stray one");
    stop();

    start(10);
    wire_open(&w, RF_UDP);
    c = send_ours(&w, RF_SIP_INVITE, OURS("INVITE"));
    reply_to_ours(&w, "200", "b1", "INVITE");
    rf_client_txn_disown(c);
    reply_to_ours(&w, "200", "b2", "INVITE");
    reply_to_ours(&w, "180", "b3", "INVITE");
    ok(heard.responses == 1 && heard.strays == 1, "13.2.2.4: so is one of a fork when the INVITE's owner is gone");
    elapse(33 * RF_S);
    ok(rf_txn_counts(layer).clients == 0, "and the transaction ends as ever");
    stop();

    start(10);
    wire_open(&w, RF_UDP);
    c = send_ours(&w, RF_SIP_INVITE, OURS("INVITE"));
    rf_client_txn_cancel(c, RF_SPAN_LIT("Reason: SIP;cause=200\r\n"), now);
    ok(w.sent == 1, "no CANCEL before a 1xx (RFC 3261 9.1)");
    reply_to_ours(&w, "180", "b1", "INVITE");
    ok(w.sent == 2 && last_is(&w, "CANCEL sip:b@192.0.2.7 ") && strstr(w.last, "Reason: SIP;cause=200\r\n") &&
           strstr(w.last, "branch=z9hG4bKours") && strstr(w.last, "CSeq: 7 CANCEL\r\n"),
       "then CANCEL with the INVITE's branch and the Reason");
    rf_client_txn_cancel(c, (struct rf_span){ 0 }, now);
    ok(w.sent == 2, "one CANCEL only");
    reply_to_ours(&w, "200", "b1", "CANCEL");
    elapse(33 * RF_S);
    ok(heard.c_failed == 1 && heard.why == RF_ERR_TIMEOUT, "9.1: no final response 64*T1 after CANCEL: given up");
    ok(rf_txn_counts(layer).clients == 0, "nothing is left");
    stop();
}

static void
non_invite_client(void)
{
    struct wire w;
    struct rf_client_txn *c;

    start(10);
    wire_open(&w, RF_UDP);
    send_ours(&w, RF_SIP_BYE, OURS("BYE"));
    elapse(33 * RF_S);
    ok(w.sent == 11, "timer E: T1 doubling to T2, 11 times (got %d)", w.sent);
    ok(heard.c_failed == 1 && heard.why == RF_ERR_TIMEOUT, "timer F");
    stop();

    start(10);
    wire_open(&w, RF_UDP);
    send_ours(&w, RF_SIP_BYE, OURS("BYE"));
    reply_to_ours(&w, "100", "", "BYE");
    elapse(RF_S / 2 + RF_MS);
    ok(w.sent == 2, "Proceeding: timer E that ran fires");
    elapse(3 * RF_S);
    ok(w.sent == 2, "and is T2 from then on");
    elapse(2 * RF_S);
    ok(w.sent == 3, "T2 over");
    reply_to_ours(&w, "200", "b1", "BYE");
    reply_to_ours(&w, "200", "b1", "BYE");
    ok(heard.responses == 2, "100 and one 200 were heard, the repeat was not");
    elapse(6 * RF_S);
    ok(heard.c_ended == 1, "timer K");
    stop();

    start(10);
    wire_open(&w, RF_TLS);
    c = send_ours(&w, RF_SIP_BYE, OURS("BYE"));
    rf_client_txn_disown(c);
    reply_to_ours(&w, "200", "b1", "BYE");
    elapse(RF_MS);
    ok(heard.responses == 0 && heard.c_ended == 0 && rf_txn_counts(layer).clients == 0,
       "a disowned transaction finishes alone");
    stop();
}

int
main(void)
{
    tables();
    invite_server_refused_on_udp();
    invite_server_accepted();
    cancel_and_match();
    full_pool();
    non_invite_server();
    flow_lost();
    invite_client();
    non_invite_client();
    return tap_done();
}
