/* RTP of a phone: the tone it sends, what it receives, SRTP on both, sender reports, and what must be dropped. */
#include "ua/inside.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/rand.h"
#include "rtp/octets.h"
#include "rtp/rtcp.h"
#include "ua/tone.h"

#define FRAME          160                /* samples of 20 ms */
#define FRAME_US       UINT64_C(20000)
#define LATE_US        UINT64_C(200000)   /* further behind we do not catch up: the process was stopped */
#define PORT_TRIES     64
#define EVENT_PACKETS 5 /* of a telephone-event: 100 ms; then the end, three times (RFC 4733 2.5.1.4) */
#define EVENT_ENDS     3

/* --- sockets --- */

static void rtp_ready(struct ua_handle *h, uint32_t events);
static void rtcp_ready(struct ua_handle *h, uint32_t events);

static int
bind_udp(const struct rf_addr *host, uint16_t port, struct rf_addr *bound)
{
    struct sockaddr_storage s;
    struct rf_addr local = *host;
    socklen_t n = sizeof s;
    int fd = socket(host->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    rf_addr_set_port(&local, port);
    if (fd < 0)
        return -1;
    if (bind(fd, &local.sa, rf_addr_len(&local)) != 0 || getsockname(fd, (struct sockaddr *)&s, &n) != 0) {
        close(fd);
        return -1;
    }
    *bound = rf_addr_from((struct sockaddr *)&s);
    return fd;
}

/* An even port and the one above it (RFC 3550 11). */
static bool
bind_pair(struct ua_media *m, const struct rf_addr *host)
{
    struct rf_addr unused;

    for (int i = 0; i < PORT_TRIES; i++) {
        m->rtp.fd = bind_udp(host, 0, &m->local);
        if (m->rtp.fd < 0)
            return false;
        if (rf_addr_port(&m->local) % 2 == 0)
            m->rtcp.fd = bind_udp(host, (uint16_t)(rf_addr_port(&m->local) + 1), &unused);
        if (m->rtcp.fd >= 0)
            return true;
        close(m->rtp.fd);
        m->rtp.fd = -1;
    }
    return false;
}

enum rf_err
ua_media_new(struct ua_media **out, struct rf_ua_call *call)
{
    struct ua_media *m = calloc(1, sizeof *m);

    if (m == NULL)
        return RF_ERR_NOMEM;
    m->rtp.fd = m->rtcp.fd = -1;
    m->rtp.ready = rtp_ready;
    m->rtcp.ready = rtcp_ready;
    m->call = call;
    m->event_type = -1;
    if (!bind_pair(m, &call->ua->conf.local)) {
        free(m);
        return RF_ERR_IO;
    }
    rf_rand_fill(&rf_rand_system, &m->ssrc, sizeof m->ssrc);
    rf_rand_fill(&rf_rand_system, &m->timestamp, sizeof m->timestamp);
    rf_rand_fill(&rf_rand_system, &m->seq, sizeof m->seq);
    m->seq &= 0x7fff; /* no wrap before a receiver has learnt the stream (RFC 3711 3.3.1) */
    m->next_us = m->next_rtcp_us = UA_NEVER;
    ua_watch(call->ua->set, &m->rtp, EPOLLIN, EPOLL_CTL_ADD);
    ua_watch(call->ua->set, &m->rtcp, EPOLLIN, EPOLL_CTL_ADD);
    *out = m;
    return RF_OK;
}

static void
drop_keys(struct ua_media *m)
{
    rf_srtp_ctx_free(m->tx);
    m->tx = NULL;
    for (size_t i = 0; i < m->rx_count; i++)
        rf_srtp_ctx_free(m->rx[i]);
    m->rx_count = 0;
    rf_wipe(&m->tx_key, sizeof m->tx_key);
    rf_wipe(m->rx_key, sizeof m->rx_key);
}

void
ua_media_stop(struct ua_media *m)
{
    if (m->rtp.fd >= 0)
        close(m->rtp.fd);
    if (m->rtcp.fd >= 0)
        close(m->rtcp.fd);
    m->rtp.fd = m->rtcp.fd = -1;
    m->may_send = m->may_receive = false;
    m->next_us = m->next_rtcp_us = UA_NEVER;
    drop_keys(m);
}

void
ua_media_free(struct ua_media *m)
{
    if (m == NULL)
        return;
    ua_media_stop(m);
    free(m->audio);
    free(m->record);
    free(m->datagram);
    free(m);
}

/* --- what was agreed --- */

static bool
key_eq(const struct rf_srtp_key *a, const struct rf_srtp_key *b)
{
    return a->suite == b->suite && a->mki_octets == b->mki_octets && memcmp(a->key, b->key, sizeof a->key) == 0 &&
           memcmp(a->salt, b->salt, sizeof a->salt) == 0 && memcmp(a->mki, b->mki, a->mki_octets) == 0;
}

static enum rf_err
set_tx(struct ua_media *m, const struct rf_srtp_key *key)
{
    enum rf_err err;

    if (m->tx != NULL && key != NULL && key_eq(&m->tx_key, key))
        return RF_OK;
    rf_srtp_ctx_free(m->tx);
    m->tx = NULL;
    m->count.tx_suite[0] = '\0';
    rf_wipe(&m->tx_key, sizeof m->tx_key);
    if (key == NULL)
        return RF_OK;
    err = rf_srtp_ctx_new(&m->tx, key, NULL);
    if (err != RF_OK)
        return err;
    m->tx_key = *key;
    rf_srtp_stream_rekey(&m->tx_stream);
    snprintf(m->count.tx_suite, sizeof m->count.tx_suite, "%s", rf_srtp_suite(key->suite)->name);
    return RF_OK;
}

static bool
same_rx(const struct ua_media *m, const struct rf_srtp_decision *d)
{
    bool same = m->rx_count == d->their_key_count;

    for (size_t i = 0; same && i < m->rx_count; i++)
        same = key_eq(&m->rx_key[i], &d->their_key[i]);
    return same;
}

static enum rf_err
set_rx(struct ua_media *m, const struct rf_srtp_decision *d)
{
    struct rf_srtp_options options = { .allow_quirks = 0, .keep_roc_try_zero = true };

    if (same_rx(m, d))
        return RF_OK;
    for (size_t i = 0; i < m->rx_count; i++)
        rf_srtp_ctx_free(m->rx[i]);
    m->rx_count = 0;
    m->count.rx_suite[0] = '\0';
    for (size_t i = 0; i < m->source_count; i++)
        rf_srtp_stream_rekey(&m->source[i].srtp);
    for (size_t i = 0; i < d->their_key_count; i++) {
        enum rf_err err = rf_srtp_ctx_new(&m->rx[i], &d->their_key[i], &options);

        if (err != RF_OK)
            return err;
        m->rx_key[i] = d->their_key[i];
        m->rx_count++;
    }
    if (d->suite != NULL)
        snprintf(m->count.rx_suite, sizeof m->count.rx_suite, "%s", d->suite->name);
    return RF_OK;
}

enum rf_err
ua_media_set(struct ua_media *m, const struct rf_srtp_key *tx, const struct rf_srtp_decision *d,
             const struct rf_sdp_media *theirs, enum rf_sdp_direction ours, bool muxed)
{
    enum rf_err err = set_tx(m, tx);
    uint64_t now = ua_now_us();
    uint32_t rtcp_ms = m->call->ua->conf.rtcp_ms;

    if (err == RF_OK)
        err = set_rx(m, d);
    if (err != RF_OK)
        return err;
    m->is_muxed = muxed;
    m->peer = theirs->connection;
    m->peer_rtcp = muxed ? theirs->connection : theirs->rtcp;
    m->may_send = rf_sdp_sends(ours) && rf_addr_is_set(&m->peer) &&
                  !rf_addr_is_any(&m->peer);
    m->may_receive = ours == RF_SENDRECV || ours == RF_RECVONLY;
    m->is_set = true;
    if (m->next_us == UA_NEVER) {
        m->next_us = now;
        m->next_rtcp_us = now + (uint64_t)(rtcp_ms != 0 ? rtcp_ms : 5000) * 1000 / 5;
    }
    return RF_OK;
}

/* --- sending --- */

/* Protects the packet where that is agreed. false: it must not leave. */
static bool
protect(struct ua_media *m, uint8_t *packet, size_t *n, bool is_rtcp)
{
    struct rf_srtp_job job = { .ctx = m->tx, .stream = &m->tx_stream, .packet = packet, .octets = *n,
                               .room = UA_PACKET_MAX, .is_rtcp = is_rtcp };

    if (m->tx == NULL)
        return true;
    rf_srtp_protect(&job, 1);
    *n = job.octets;
    return job.result == RF_OK;
}

static void
send_to(int fd, const struct rf_addr *to, const uint8_t *packet, size_t n)
{
    /* Lost when the kernel has no room: media is not repeated. */
    (void)!sendto(fd, packet, n, 0, &to->sa, rf_addr_len(to));
}

static size_t
put_frame(struct ua_media *m, uint8_t *packet, double *phase)
{
    struct rf_rtp h = { .payload_type = (uint8_t)m->payload_type, .seq = m->seq, .timestamp = m->timestamp,
                        .ssrc = m->ssrc, .is_marked = m->count.sent == 0 };
    int16_t sample[FRAME];

    rf_rtp_put_header(packet, &h);
    rf_tone_make(sample, FRAME, m->call->ua->conf.tone_hz, phase);
    for (size_t i = 0; i < FRAME; i++)
        packet[RF_RTP_HEADER_OCTETS + i] = rf_pcmu_encode(sample[i]);
    return RF_RTP_HEADER_OCTETS + FRAME;
}

/* A report of the telephone-event under way: it replaces the tone while it lasts (RFC 4733 2.5.1.2). */
static size_t
put_event(struct ua_media *m, uint8_t *packet)
{
    bool is_end = m->event_left <= EVENT_ENDS;
    struct rf_rtp h = { .payload_type = (uint8_t)m->event_type, .seq = m->seq, .timestamp = m->event_at,
                        .ssrc = m->ssrc, .is_marked = m->event_ms == 0 };
    uint8_t *p = packet + RF_RTP_HEADER_OCTETS;

    if (!is_end)
        m->event_ms = (uint16_t)(m->event_ms + 20);
    rf_rtp_put_header(packet, &h);
    p[0] = m->event_code;
    p[1] = (uint8_t)((is_end ? 0x80 : 0) | 10);
    rf_set16(p + 2, (uint16_t)(m->event_ms * (RF_TONE_RATE / 1000)));
    m->event_left--;
    return RF_RTP_HEADER_OCTETS + 4;
}

static void
send_frame(struct ua_media *m)
{
    uint8_t packet[UA_PACKET_MAX];
    size_t n = m->event_left > 0 ? put_event(m, packet) : put_frame(m, packet, &m->phase);

    m->timestamp += FRAME;
    m->seq++;
    if (!protect(m, packet, &n, false))
        return;
    send_to(m->rtp.fd, &m->peer, packet, n);
    memcpy(m->last, packet, n);
    m->last_n = n;
    m->count.sent++;
    m->count.sent_octets += n;
}

/* SR with one report block when somebody was heard, and SDES with CNAME (RFC 3550 6.4.1, 6.5). */
static size_t
put_report(struct ua_media *m, uint8_t *p)
{
    struct ua_source *s = m->source_count > 0 ? &m->source[0] : NULL;
    uint64_t now = ua_now_us();
    size_t n = s != NULL ? 52 : 28, cname = strlen(m->call->local_tag), pad;
    uint64_t lost;

    memset(p, 0, n);
    p[0] = (uint8_t)(0x80 | (s != NULL ? 1 : 0));
    p[1] = RF_RTCP_SR;
    rf_set16(p + 2, (uint16_t)(n / 4 - 1));
    rf_set32(p + 4, m->ssrc);
    rf_set32(p + 8, (uint32_t)(now / 1000000));
    rf_set32(p + 12, (uint32_t)((now % 1000000 << 32) / 1000000));
    rf_set32(p + 16, m->timestamp);
    rf_set32(p + 20, (uint32_t)m->count.sent);
    rf_set32(p + 24, (uint32_t)(m->count.sent * FRAME));
    if (s != NULL) {
        lost = rf_rtp_stats_lost(&s->stats);
        rf_set32(p + 28, s->srtp.ssrc);
        rf_set32(p + 32, (uint32_t)(lost < 0x7fffff ? lost : 0x7fffff));
        p[32] = rf_rtp_stats_fraction(&s->stats);
        rf_set32(p + 36, rf_rtp_stats_highest(&s->stats));
        rf_set32(p + 40, s->stats.jitter16 >> 4);
    }
    /* The text of an item needs no end of its own; the chunk ends in 1 to 4 zero octets on a word. */
    pad = 4 - (8 + 2 + cname) % 4;
    p[n] = 0x81;
    p[n + 1] = RF_RTCP_SDES;
    rf_set16(p + n + 2, (uint16_t)((8 + 2 + cname + pad) / 4 - 1));
    rf_set32(p + n + 4, m->ssrc);
    p[n + 8] = 1;
    p[n + 9] = (uint8_t)cname;
    memcpy(p + n + 10, m->call->local_tag, cname);
    memset(p + n + 10 + cname, 0, pad);
    return n + 10 + cname + pad;
}

static void
send_report(struct ua_media *m)
{
    uint8_t packet[UA_PACKET_MAX];
    size_t n = put_report(m, packet);

    if (!rf_addr_is_set(&m->peer_rtcp) || rf_addr_is_any(&m->peer_rtcp) || !protect(m, packet, &n, true))
        return;
    send_to(m->is_muxed ? m->rtp.fd : m->rtcp.fd, &m->peer_rtcp, packet, n);
    m->count.rtcp_sent++;
}

uint64_t
ua_media_tick(struct ua_media *m, uint64_t now)
{
    const struct rf_ua_call *call = m->call;
    uint32_t rtcp_ms = call->ua->conf.rtcp_ms;
    bool may_speak = m->is_set && m->rtp.fd >= 0 && (call->info.state == RF_UA_UP || call->has_early_media);

    if (!may_speak)
        return UA_NEVER;
    if (now > m->next_us + LATE_US)
        m->next_us = now;
    while (now >= m->next_us) {
        if (m->may_send && !m->is_muted)
            send_frame(m);
        else
            m->timestamp += FRAME;
        m->next_us += FRAME_US;
    }
    if (now >= m->next_rtcp_us) {
        if (!m->is_muted && m->count.sent > 0)
            send_report(m);
        m->next_rtcp_us = now + (uint64_t)(rtcp_ms != 0 ? rtcp_ms : 5000) * 1000;
    }
    return m->next_us < m->next_rtcp_us ? m->next_us : m->next_rtcp_us;
}

/* --- receiving --- */

static void
keep_datagram(struct ua_media *m, const uint8_t *p, size_t n, bool on_rtcp_port)
{
    size_t max = m->call->ua->conf.record_max;

    if (m->record_n + n > max)
        return;
    if (m->record == NULL) {
        m->record = malloc(max);
        m->record_cap = m->record != NULL ? max : 0;
    }
    if (m->datagram_n == m->datagram_cap) {
        size_t cap = m->datagram_cap == 0 ? 256 : 2 * m->datagram_cap;
        struct ua_datagram *more = realloc(m->datagram, cap * sizeof *more);

        if (more == NULL)
            return;
        m->datagram = more;
        m->datagram_cap = cap;
    }
    if (m->record_n + n > m->record_cap)
        return;
    memcpy(m->record + m->record_n, p, n);
    m->datagram[m->datagram_n++] = (struct ua_datagram){ m->record_n, n, on_rtcp_port, ua_now_us() };
    m->record_n += n;
}

static struct ua_source *
source_of(struct ua_media *m, uint32_t ssrc)
{
    for (size_t i = 0; i < m->source_count; i++)
        if (m->source[i].srtp.ssrc == ssrc)
            return &m->source[i];
    return NULL;
}

/* A source is kept once a packet of it was accepted; when all places are taken the last one gives way. */
static struct ua_source *
source_keep(struct ua_media *m, const struct ua_source *s)
{
    if (m->source_count < UA_SSRCS)
        m->source_count++;
    m->source[m->source_count - 1] = *s;
    return &m->source[m->source_count - 1];
}

/* Takes the protection off, with whichever key fits. */
static enum rf_err
unprotect(struct ua_media *m, struct rf_srtp_stream *stream, uint8_t *packet, size_t *n, bool is_rtcp)
{
    enum rf_err err = RF_ERR_AUTH;

    for (size_t i = 0; i < m->rx_count && err == RF_ERR_AUTH; i++) {
        struct rf_srtp_job job = { .ctx = m->rx[i], .stream = stream, .packet = packet, .octets = *n,
                                   .room = UA_PACKET_MAX, .is_rtcp = is_rtcp };

        rf_srtp_unprotect(&job, 1);
        err = job.result;
        if (err == RF_OK)
            *n = job.octets;
    }
    return err;
}

static void
count_refused(struct ua_media *m, enum rf_err err)
{
    if (err == RF_ERR_REPLAY || err == RF_ERR_STALE)
        m->count.replayed++;
    else if (err == RF_ERR_AUTH)
        m->count.auth_failed++;
    else
        m->count.malformed++;
}

static void
hear(struct ua_media *m, struct rf_span payload)
{
    if (m->audio == NULL && (m->audio = malloc(UA_AUDIO_MAX * sizeof *m->audio)) == NULL)
        return;
    for (size_t i = 0; i < payload.n; i++) {
        m->audio[m->audio_at] = rf_pcmu_decode((uint8_t)payload.p[i]);
        m->audio_at = (m->audio_at + 1) % UA_AUDIO_MAX;
    }
    m->audio_n += payload.n;
    m->count.audio_ms = m->audio_n / (RF_TONE_RATE / 1000);
}

static void
hear_event(struct ua_media *m, const struct rf_rtp *h, struct rf_span payload)
{
    static const char digit[] = "0123456789*#ABCD";
    struct rf_rtp_event e;
    size_t n = strlen(m->dtmf);

    /* One event has one timestamp, whatever number of reports it comes in. */
    if (rf_rtp_event_parse(payload, &e) != RF_OK || e.event >= sizeof digit - 1 ||
        (n > 0 && m->dtmf_at == h->timestamp) || n + 1 >= sizeof m->dtmf)
        return;
    m->dtmf[n] = digit[e.event];
    m->dtmf_at = h->timestamp;
}

static void
receive_rtp(struct ua_media *m, uint8_t *packet, size_t n)
{
    struct ua_source fresh = { 0 }, *s;
    struct rf_span payload;
    struct rf_rtp h;
    enum rf_err err;

    if (rf_rtp_parse(packet, n, &h) != RF_OK) {
        m->count.malformed++;
        return;
    }
    s = source_of(m, h.ssrc);
    if (m->rx_count > 0) {
        err = unprotect(m, s != NULL ? &s->srtp : &fresh.srtp, packet, &n, false);
        if (err != RF_OK) {
            count_refused(m, err);
            return;
        }
        m->count.authentic++;
    } else {
        m->count.clear++;
    }
    if (m->call->info.state < RF_UA_UP)
        m->count.early++;
    if (s == NULL) {
        fresh.srtp.ssrc = h.ssrc;
        s = source_keep(m, &fresh);
    }
    rf_rtp_stats_update(&s->stats, h.seq, h.timestamp, m->rx_count > 0, ua_now_us(),
                        rf_rtp_is_event(&h, m->event_type) ? 0 : RF_TONE_RATE);
    if (rf_rtp_payload(packet, n, &h, &payload) != RF_OK)
        return;
    if (rf_rtp_is_event(&h, m->event_type))
        hear_event(m, &h, payload);
    else if (h.payload_type == m->payload_type)
        hear(m, payload);
}

static void
receive_rtcp(struct ua_media *m, uint8_t *packet, size_t n)
{
    struct rf_srtp_stream fresh = { 0 };
    struct ua_source *s = n >= 8 ? source_of(m, rf_get32(packet + 4)) : NULL;
    struct rf_rtcp r;

    /* A report may come before the first packet of its sender; its index is then learnt with that. */
    if (m->rx_count > 0 && unprotect(m, s != NULL ? &s->srtp : &fresh, packet, &n, true) != RF_OK) {
        m->count.rtcp_refused++;
        return;
    }
    if (rf_rtcp_parse(packet, n, &r) != RF_OK) {
        m->count.rtcp_refused++;
        return;
    }
    m->count.rtcp_received++;
    for (size_t i = 0; i < r.report_count; i++)
        m->count.reports += r.report[i].ssrc == m->ssrc;
}

static void
receive(struct ua_media *m, int fd, bool on_rtcp_port)
{
    uint8_t packet[UA_PACKET_MAX];

    for (int i = 0; i < 64 && fd >= 0; i++) {
        ssize_t n = recv(fd, packet, sizeof packet, MSG_TRUNC);

        if (n < 0)
            return;
        if (!on_rtcp_port)
            m->count.received++;
        if ((size_t)n > sizeof packet) {
            m->count.malformed++;
            continue;
        }
        keep_datagram(m, packet, (size_t)n, on_rtcp_port);
        if (!m->is_set) /* nothing was agreed, so nothing can be judged */
            continue;
        if (on_rtcp_port || rf_packet_kind(packet, (size_t)n) == RF_PACKET_RTCP)
            receive_rtcp(m, packet, (size_t)n);
        else
            receive_rtp(m, packet, (size_t)n);
    }
}

static void
rtp_ready(struct ua_handle *h, uint32_t events)
{
    receive(rf_container(h, struct ua_media, rtp), h->fd, false);
}

static void
rtcp_ready(struct ua_handle *h, uint32_t events)
{
    receive(rf_container(h, struct ua_media, rtcp), h->fd, true);
}

/* --- what people ask --- */

/* The last n samples in order. */
static size_t
last_audio(const struct ua_media *m, int16_t *out, size_t n)
{
    size_t have = m->audio_n < UA_AUDIO_MAX ? m->audio_n : UA_AUDIO_MAX;

    if (n > have)
        n = have;
    for (size_t i = 0; i < n; i++)
        out[i] = m->audio[(m->audio_at + UA_AUDIO_MAX - n + i) % UA_AUDIO_MAX];
    return n;
}

/*
 * The mean over windows of 100 ms. A lost packet, a hold or a digit shifts the tone's phase: over the whole second two
 * halves could cancel each other, here one window is spoilt.
 */
static double
mean_purity(const int16_t *sample, size_t n, double hz)
{
    const size_t window = RF_TONE_RATE / 10;
    double sum = 0;
    size_t windows = n / window;

    for (size_t i = 0; i < windows; i++)
        sum += rf_tone_purity(sample + i * window, window, hz);
    return windows > 0 ? sum / (double)windows : 0;
}

void
rf_ua_media(const struct rf_ua_call *call, struct rf_ua_media_info *out)
{
    const struct ua_media *m = call->media;
    int16_t last[RF_TONE_RATE];
    size_t n;

    memset(out, 0, sizeof *out);
    if (m == NULL)
        return;
    *out = m->count;
    out->local = m->local;
    out->peer = m->peer;
    for (size_t i = 0; i < m->source_count; i++) {
        uint64_t jitter = rf_rtp_stats_jitter_us(&m->source[i].stats, RF_TONE_RATE);

        out->lost += rf_rtp_stats_lost(&m->source[i].stats);
        out->jitter_us = jitter > out->jitter_us ? jitter : out->jitter_us;
    }
    n = last_audio(m, last, RF_TONE_RATE);
    out->hz = rf_tone_hz(last, n);
    out->purity = out->hz > 0 ? mean_purity(last, n, out->hz) : 0;
}

static bool
is_sending(const struct rf_ua_call *call)
{
    return call->media != NULL && call->media->rtp.fd >= 0 && call->media->is_set &&
           rf_addr_is_set(&call->media->peer);
}

enum rf_err
rf_ua_send_forged(struct rf_ua_call *call)
{
    uint8_t packet[UA_PACKET_MAX];
    struct ua_media *m = call->media;
    double phase = 0;
    size_t n;

    if (!is_sending(call))
        return RF_ERR_STATE;
    n = put_frame(m, packet, &phase);
    if (m->tx != NULL) {
        /* Octets where ciphertext and tag would be: with 10 octets of tag or more, right by chance in 2^80. */
        size_t tag = rf_srtp_suite(m->tx_key.suite)->srtp_tag;

        rf_rand_fill(&rf_rand_system, packet + RF_RTP_HEADER_OCTETS, FRAME + tag);
        n += tag;
    } else {
        rf_set32(packet + 8, ~m->ssrc);
    }
    send_to(m->rtp.fd, &m->peer, packet, n);
    m->count.forged_sent++;
    return RF_OK;
}

enum rf_err
rf_ua_send_replay(struct rf_ua_call *call)
{
    struct ua_media *m = call->media;

    if (!is_sending(call) || m->last_n == 0)
        return RF_ERR_STATE;
    send_to(m->rtp.fd, &m->peer, m->last, m->last_n);
    m->count.replays_sent++;
    return RF_OK;
}

enum rf_err
rf_ua_send_clear(struct rf_ua_call *call)
{
    uint8_t packet[UA_PACKET_MAX];
    struct ua_media *m = call->media;
    double phase = 0;
    size_t n;

    if (!is_sending(call) || m->tx == NULL)
        return RF_ERR_STATE;
    n = put_frame(m, packet, &phase);
    send_to(m->rtp.fd, &m->peer, packet, n);
    m->count.clear_sent++;
    return RF_OK;
}

void
rf_ua_mute(struct rf_ua_call *call, bool is_muted)
{
    if (call->media != NULL)
        call->media->is_muted = is_muted;
}

enum rf_err
rf_ua_send_dtmf(struct rf_ua_call *call, char digit)
{
    static const char digits[] = "0123456789*#ABCD";
    const char *at = digit != '\0' ? strchr(digits, digit) : NULL;
    struct ua_media *m = call->media;

    if (at == NULL)
        return RF_ERR_RANGE;
    if (!is_sending(call) || m->event_type < 0 || m->event_left > 0)
        return RF_ERR_STATE;
    m->event_code = (uint8_t)(at - digits);
    m->event_at = m->timestamp;
    m->event_ms = 0;
    m->event_left = EVENT_PACKETS + EVENT_ENDS;
    return RF_OK;
}

const char *
rf_ua_dtmf(const struct rf_ua_call *call)
{
    return call->media != NULL ? call->media->dtmf : "";
}

bool
rf_ua_datagram(const struct rf_ua_call *call, size_t i, struct rf_ua_datagram *out)
{
    const struct ua_media *m = call->media;

    if (m == NULL || i >= m->datagram_n)
        return false;
    out->octets = rf_span(m->record + m->datagram[i].at, m->datagram[i].octets);
    out->on_rtcp_port = m->datagram[i].on_rtcp_port;
    out->at_us = m->datagram[i].at_us;
    return true;
}

size_t
rf_ua_clear_datagrams(const struct rf_ua_call *call, double hz)
{
    struct rf_ua_datagram d;
    size_t count = 0;

    for (size_t i = 0; rf_ua_datagram(call, i, &d); i++) {
        int16_t sample[UA_PACKET_MAX];
        struct rf_rtp h;
        size_t n = 0;

        if (d.on_rtcp_port || rf_rtp_parse((const uint8_t *)d.octets.p, d.octets.n, &h) != RF_OK)
            continue;
        for (size_t k = h.header_octets; k < d.octets.n && n < FRAME; k++)
            sample[n++] = rf_pcmu_decode((uint8_t)d.octets.p[k]);
        count += n >= FRAME / 2 && rf_tone_purity(sample, n, hz) > 0.5;
    }
    return count;
}

size_t
rf_ua_audio(const struct rf_ua_call *call, const int16_t **samples)
{
    struct ua_media *m = call->media;

    if (m == NULL || m->audio == NULL)
        return 0;
    if (m->audio_n > UA_AUDIO_MAX && m->audio_at != 0) {
        /* Turn the ring so that the oldest sample comes first. */
        int16_t *turned = malloc(UA_AUDIO_MAX * sizeof *turned);

        if (turned == NULL)
            return 0;
        last_audio(m, turned, UA_AUDIO_MAX);
        free(m->audio);
        m->audio = turned;
        m->audio_at = 0;
    }
    *samples = m->audio;
    return m->audio_n < UA_AUDIO_MAX ? m->audio_n : UA_AUDIO_MAX;
}
