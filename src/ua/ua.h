/*
 * ua/ua.h - a SIP phone of our own, for self-calls, tests and load
 *
 * It registers, calls and is called, sends a tone and measures the one it hears, and counts what it sees: packets
 * that authenticated, came in clear, were refused. It stands on sip, sdp, policy, srtp and rtp, but has its own
 * sockets, transactions, dialogs and TLS client, so that a proof made with it does not rest on the daemon's code
 * for these.
 *
 * A set holds phones; rf_ua_poll moves all of them. The rf_ua_wait_... functions poll until something has happened
 * or the time is over. Every wait has a limit.
 *
 * Threads: a set and its phones belong to one thread; several threads may have a set each. Time and randomness are the system's.
 * Memory:  about 4 kB a phone (plus its TLS connection), 12 kB a call, 16 kB a second of recorded audio.
 */
#ifndef RF_UA_UA_H
#define RF_UA_UA_H

#include "policy/srtp_policy.h"
#include "sip/digest.h"
#include "sip/msg.h"

struct rf_ua_set;
struct rf_ua;
struct rf_ua_call;

enum rf_ua_transport { RF_UA_UDP, RF_UA_TCP, RF_UA_TLS };

/** "udp", "tcp", "tls". */
const char *rf_ua_transport_name(enum rf_ua_transport t);

/* What a phone does with a call that comes in. */
enum rf_ua_reply {
    RF_UA_ANSWER, /* rings as `ring` says and answers after answer_after_ms */
    RF_UA_RING,   /* rings and leaves the rest to rf_ua_call_answer, rf_ua_call_reject */
    RF_UA_REJECT, /* refuses with reject_status, after answer_after_ms */
};

/* Strings and files are the caller's and must stay as long as the phone. Zeroed members mean what stands there. */
struct rf_ua_conf {
    const char *user, *password;    /* "201" */
    const char *display;            /* name shown with it; NULL: none */
    const char *domain;             /* host of our address of record; NULL: the server's address */
    struct rf_addr server;          /* requests outside dialogs go there; not set: to the address in the URI */
    enum rf_ua_transport transport;
    struct rf_addr local;           /* where to bind; not set: 127.0.0.1, any port */
    bool listen;                    /* TCP, TLS: also accept connections on `local` (calls without a server) */
    const char *cert_file, *key_file; /* PEM, for connections that are accepted */

    const char *trust_file;         /* TLS: PEM of the authorities that are trusted; NULL: the system's */
    const char *server_name;        /* host name or IP that the certificate must name; NULL: the address */
    bool tls_unverified;            /* take any certificate (what many real phones do) */
    int tls_max;                    /* 0x0301 to 0x0304 (TLS 1.0 to 1.3): highest version offered; 0: the newest */

    unsigned digests;               /* bits 1 << RF_DIGEST_...: algorithms that are answered; 0: all */
    const char *instance;           /* "urn:uuid:...": register as RFC 5626 has it; NULL: plainly */

    enum rf_srtp_mode srtp;
    const char *suites;             /* names in the order of preference; NULL: those for phones */
    bool offer_avp;                 /* required, yet offered as RTP/AVP with a=crypto (TEL-23) */
    bool answer_savp;               /* RTP/AVP with a=crypto is answered RTP/SAVP */
    bool rtcp_mux;                  /* offer it, and take it when offered */
    uint32_t tone_hz;               /* what we send; 0: silence */
    uint32_t rtcp_ms;               /* between sender reports; 0: 5000, the first after a fifth of it */
    size_t record_max;              /* octets of received datagrams that are kept; 0: none */

    enum rf_ua_reply reply;
    int reject_status;              /* 0: 486 */
    int ring;                       /* 180, 183 (early media: an answer and the tone before the call is answered),
                                       or 0 for nothing */
    uint32_t answer_after_ms;
};

/* --- life --- */

RF_MUST_CHECK enum rf_err rf_ua_set_new(struct rf_ua_set **out);
/** Frees its phones and their calls too, without a word to anyone. */
void rf_ua_set_free(struct rf_ua_set *set);

/**
 * A phone with its socket bound; a connection is made by the first request.
 * @return RF_OK; RF_ERR_NOMEM; RF_ERR_IO a socket could not be bound (errno); RF_ERR_RANGE a suite or a TLS version
 *         that does not exist; RF_ERR_CRYPTO a certificate or key file could not be used
 */
RF_MUST_CHECK enum rf_err rf_ua_new(struct rf_ua **out, struct rf_ua_set *set, const struct rf_ua_conf *conf);
/** Ends it at once: no BYE, no unregistering. NULL is fine. */
void rf_ua_free(struct rf_ua *ua);

/** Handle what arrived and what is due, at most timeout_ms. */
void rf_ua_poll(struct rf_ua_set *set, int timeout_ms);
/** rf_ua_poll for so long. */
void rf_ua_run(struct rf_ua_set *set, uint32_t ms);

/** Where it receives SIP: the bound address, or that of its connection. */
struct rf_addr rf_ua_addr(const struct rf_ua *ua);
/** Changes a phone between calls: the settings of media and of answering; transport and addresses stay. */
void rf_ua_set_conf(struct rf_ua *ua, const struct rf_ua_conf *conf);

/* What its connection to the server is like. */
struct rf_ua_link_info {
    bool is_up;
    char tls_version[16], tls_cipher[64]; /* "TLSv1.3"; "" without TLS */
    bool is_verified;                     /* chain and name of the certificate are good */
    char error[200];                      /* why the last connection failed or ended; "" when none did */
    uint64_t pongs;                       /* answers to rf_ua_ping */
};
void rf_ua_link(const struct rf_ua *ua, struct rf_ua_link_info *out);
/** CRLF CRLF on the connection (RFC 5626 4.4.1). RF_ERR_STATE: there is none. */
RF_MUST_CHECK enum rf_err rf_ua_ping(struct rf_ua *ua);
/** Close the connection as a phone does that loses its network: no goodbye. */
void rf_ua_drop_link(struct rf_ua *ua);

/* --- registration --- */

/** Send REGISTER; 0 seconds takes the binding away. RF_ERR_IO: no connection could be begun. */
RF_MUST_CHECK enum rf_err rf_ua_register(struct rf_ua *ua, uint32_t expires_s);
/** Until the last REGISTER was answered. RF_OK: with 200; RF_ERR_REFUSED: otherwise (rf_ua_register_status);
 *  RF_ERR_TIMEOUT; RF_ERR_CLOSED: the connection failed (rf_ua_link). */
RF_MUST_CHECK enum rf_err rf_ua_wait_registered(struct rf_ua *ua, uint32_t timeout_ms);
/** Status of the last REGISTER; 0: none yet. */
int rf_ua_register_status(const struct rf_ua *ua);
/** Digest algorithm that was used last; RF_DIGEST_COUNT: none was needed. */
enum rf_digest_algorithm rf_ua_digest_used(const struct rf_ua *ua);
/** Bindings that the last 200 listed, ours included. */
unsigned rf_ua_bindings(const struct rf_ua *ua);

/** OPTIONS outside a dialog, to a user or URI. Its status: rf_ua_options_status, 0 until answered. */
RF_MUST_CHECK enum rf_err rf_ua_options(struct rf_ua *ua, const char *target);
int rf_ua_options_status(const struct rf_ua *ua);

/* --- calls --- */

enum rf_ua_state {
    RF_UA_CALLING,  /* INVITE sent, nothing but 100 came */
    RF_UA_RINGING,  /* 101 to 199 came, or an INVITE came in */
    RF_UA_UP,       /* answered */
    RF_UA_ENDED,    /* refused, cancelled, BYE, or no answer in time */
};

/** "calling", ... */
const char *rf_ua_state_name(enum rf_ua_state s);

/**
 * Call a user of our domain ("202") or a URI ("sip:202@192.0.2.1:5060"). The call is the phone's; it may be freed
 * with rf_ua_call_free once ended. `offerless`: the INVITE has no SDP, the offer comes in the 200.
 */
RF_MUST_CHECK enum rf_err rf_ua_call(struct rf_ua *ua, const char *target, bool offerless, struct rf_ua_call **out);
void rf_ua_call_free(struct rf_ua_call *call);

/** The latest call that came in and is not freed; NULL: none. */
struct rf_ua_call *rf_ua_incoming(struct rf_ua *ua);

/** For a call that rings here (RF_UA_RING). RF_ERR_STATE otherwise. */
RF_MUST_CHECK enum rf_err rf_ua_call_answer(struct rf_ua_call *call);
RF_MUST_CHECK enum rf_err rf_ua_call_reject(struct rf_ua_call *call, int status);
/** CANCEL before the answer, BYE after it; refuses a call that rings here with 486. */
RF_MUST_CHECK enum rf_err rf_ua_call_end(struct rf_ua_call *call);
/** re-INVITE with a=sendonly, and back to a=sendrecv. RF_ERR_STATE: not up, or another re-INVITE is under way. */
RF_MUST_CHECK enum rf_err rf_ua_call_hold(struct rf_ua_call *call, bool hold);
/** re-INVITE with a fresh key (and the old one no longer offered). */
RF_MUST_CHECK enum rf_err rf_ua_call_rekey(struct rf_ua_call *call);
/** INFO or another request within the dialog, with a body or none (type NULL). */
RF_MUST_CHECK enum rf_err rf_ua_call_request(struct rf_ua_call *call, enum rf_sip_method method, const char *type,
                                             struct rf_span body);

/* What is known of a call. Texts are "" when there is none. */
struct rf_ua_call_info {
    enum rf_ua_state state;
    bool is_incoming, ended_by_peer;
    int status;              /* outgoing: of the last response to INVITE; 408 when none came. Incoming: what we sent */
    char reason[160];        /* Reason header of the response, CANCEL or BYE that ended it */
    char warning[200];       /* Warning header of the final response */
    int reinvite_status;     /* of the last hold, resume or rekey; 0: not answered yet */
    int request_status;      /* of the last rf_ua_call_request; 0: not answered yet */
    unsigned provisional;    /* responses 101 to 199 */
    unsigned infos, reinvites; /* requests that came in */
    char last_body[256];     /* of the last INFO that came in */
    enum rf_sdp_direction their_direction; /* of their last offer or answer */
    enum rf_refusal refusal; /* ours, of their offer or answer */
    char detail[200];
};
void rf_ua_call_info(const struct rf_ua_call *call, struct rf_ua_call_info *out);

/** Until it is up. RF_OK; RF_ERR_REFUSED: it ended before; RF_ERR_TIMEOUT. */
RF_MUST_CHECK enum rf_err rf_ua_wait_up(struct rf_ua_call *call, uint32_t timeout_ms);
RF_MUST_CHECK enum rf_err rf_ua_wait_ended(struct rf_ua_call *call, uint32_t timeout_ms);
/** Until a call has come in that is not ended. */
RF_MUST_CHECK enum rf_err rf_ua_wait_incoming(struct rf_ua *ua, uint32_t timeout_ms, struct rf_ua_call **out);
/** Until the hold, resume or rekey was answered. RF_ERR_REFUSED: not with 2xx. */
RF_MUST_CHECK enum rf_err rf_ua_wait_reinvite(struct rf_ua_call *call, uint32_t timeout_ms);
/** Until so many more RTP packets have been accepted. */
RF_MUST_CHECK enum rf_err rf_ua_wait_media(struct rf_ua_call *call, uint64_t packets, uint32_t timeout_ms);

/* --- media --- */

struct rf_ua_media_info {
    char tx_suite[40], rx_suite[40];  /* "" : plain RTP */
    struct rf_addr local, peer;       /* RTP; peer: what their SDP says */
    uint64_t sent, sent_octets;       /* RTP */
    uint64_t received;                /* datagrams on the RTP port, of any kind */
    uint64_t authentic;               /* RTP: SRTP that authenticated */
    uint64_t clear;                   /* RTP in clear, accepted because no SRTP was agreed */
    uint64_t auth_failed, replayed, malformed; /* refused */
    uint64_t early;                   /* of authentic and clear: before the call was answered */
    uint64_t lost, jitter_us;
    uint64_t rtcp_sent, rtcp_received, rtcp_refused;
    uint64_t reports;                 /* of rtcp_received: with a report on our stream */
    uint64_t forged_sent, replays_sent, clear_sent; /* sent on demand, see below */
    uint64_t audio_ms;                /* how much audio was accepted */
    double hz, purity;                /* of the last second of it: frequency, and share of the energy at it, as a
                                         mean over 100 ms; a tone without loss has more than 0.95 */
};
void rf_ua_media(const struct rf_ua_call *call, struct rf_ua_media_info *out);

/* What a relay must drop. RF_ERR_STATE: no media, or (replay) nothing has been sent yet. */
/** A packet in sequence with a tag that is wrong (without SRTP: of a foreign SSRC). */
RF_MUST_CHECK enum rf_err rf_ua_send_forged(struct rf_ua_call *call);
/** The last packet, octet for octet, once more. */
RF_MUST_CHECK enum rf_err rf_ua_send_replay(struct rf_ua_call *call);
/** A packet in clear where SRTP was agreed. */
RF_MUST_CHECK enum rf_err rf_ua_send_clear(struct rf_ua_call *call);
/** Pause and resume sending (RTP and RTCP). */
void rf_ua_mute(struct rf_ua_call *call, bool is_muted);
/** One telephone-event of 100 ms (RFC 4733): 0-9 * # A-D. RF_ERR_RANGE; RF_ERR_STATE: none was agreed. */
RF_MUST_CHECK enum rf_err rf_ua_send_dtmf(struct rf_ua_call *call, char digit);
/** Digits that came in, as text. */
const char *rf_ua_dtmf(const struct rf_ua_call *call);

/* A datagram as it came, up to record_max octets of them in all. */
struct rf_ua_datagram {
    struct rf_span octets;
    bool on_rtcp_port;
    uint64_t at_us;
};
/** Number i, from 0. false: there are not so many. */
bool rf_ua_datagram(const struct rf_ua_call *call, size_t i, struct rf_ua_datagram *out);
/**
 * How many recorded RTP datagrams are audio in clear, whatever was agreed: their payload, read as PCMU, has most of
 * its energy at hz. What is encrypted has about a hundredth of it there.
 */
size_t rf_ua_clear_datagrams(const struct rf_ua_call *call, double hz);
/** Accepted audio, 8000 samples a second, the last minute of it. */
size_t rf_ua_audio(const struct rf_ua_call *call, const int16_t **samples);

#endif
