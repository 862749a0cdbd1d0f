/*
 * call/layer.h - what the files of this folder share; nobody else includes it
 *
 * Invariants of a call:
 * (I1) All legs hold the same call, and the call lasts until no leg, transaction or path under way points at it.
 * (I2) At most one offer is pending in a call (RFC 3264 4): `exchange`; glare is answered 491 (RFC 3261 14.2).
 * (I3) Media never leaves in clear on a leg whose policy says required: each CHANGE of such a leg bears
 *      require_srtp, and no CHANGE is sent before its keys are known; before a CHANGE nothing is relayed.
 * (I4) What a peer may make us keep is bounded: attempts, ladder, relayed INFO, texts of a dialog, recent calls.
 * (I5) A function that may end the call (call_end, call_settle) is the last thing its caller does with it.
 */
#ifndef RF_CALL_LAYER_H
#define RF_CALL_LAYER_H

#include "call/call.h"
#include "dialog/dialog.h"
#include "dialog/session_timer.h"
#include "route/hunt.h"

#define ATTEMPTS_MAX  16  /* phones one call rings in all, redirections included: the bindings of an AOR and room */
#define REDIRECTS_MAX 3   /* 3xx answers one call follows */
#define LADDER_MAX    64  /* messages shown of a call; the first ones matter, later ones are counted */
#define PRELUDES_MAX  256 /* first INVITEs whose challenge is remembered for the ladder; about 50 kB a worker */
#define PRELUDE_ROWS  6   /* INVITE, challenge and ACK, twice: the second one after a nonce that was too old */
#define PRELUDE_US    (32 * RF_S)     /* later an INVITE with the same Call-ID is another matter (64 * T1) */
#define RECORD_WAIT_US (2 * RF_S) /* so long the record of a call that ended waits for answers to our BYE and CANCEL */
#define RECENT_MAX    200 /* calls that ended, kept for `call show` and `ladder last` */
#define INFO_MAX      8   /* INFO under way at once in a call: keypad presses of both sides */
#define INFO_BODY_MAX 4096
#define FAILED_WAYS_MAX 4 /* that one request in a dialog tries in vain; each costs 32 s by UDP */
#define FORKS_MAX     8   /* forks of one attempt whose 2xx we remember to have answered with BYE */
#define ID_OCTETS     8
#define FORWARDS_MAX  5  /* users that one call is forwarded by; more is a circle, or a joke */
#define MEDIA_WAIT_US (3 * RF_S)      /* the relay answers in a millisecond; later means that it is not there */
#define SAMPLE_US     RF_S            /* how often a call's counters are looked at, for verdict and one-way audio */
#define ONEWAY_US     (3 * RF_S)      /* RF-401: so long packets reach one party and none the other */
#define ONEWAY_LOG_MAX 3              /* times a leg that its log and ladder are told: a phone with a mute key */

#define ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REGISTER, MESSAGE, SUBSCRIBE, NOTIFY, PUBLISH"

enum call_state {
    CALL_OPENING, /* paths to the phones and the relay's ports are asked for */
    CALL_RINGING,
    CALL_UP,      /* answered; leg A may still owe its ACK */
    CALL_ENDING   /* all is said; crossing answers and paths under way are waited for */
};

enum leg_state {
    LEG_NEW,      /* leg B: no INVITE sent; leg A: its INVITE has no final response */
    LEG_INVITED,  /* leg B: INVITE sent */
    LEG_CANCELLED,/* leg B: CANCEL sent, the final response is waited for */
    LEG_UP,       /* a dialog that lasts */
    LEG_DONE
};

enum verdict { VERDICT_UNPROVEN, VERDICT_CLEAR, VERDICT_PARTLY, VERDICT_ENCRYPTED };

/* What was agreed about media with one peer. */
struct leg_media {
    char *raw; /* bypass: their description as it came, with keys; wiped; NULL otherwise */
    size_t raw_n;
    char *sdp; /* their description without its keys: codecs for the other leg, shape for our answer */
    size_t sdp_n;
    int stream;
    bool is_encrypted, is_weak, keys_in_clear;
    bool rtcp_mux;
    enum rf_sdp_direction theirs; /* as they see it */
    enum rf_sdp_direction ours;   /* what we told them */
    enum rf_sdp_profile profile;  /* what our description says */
    uint32_t tag;
    uint8_t rx_count;
    struct rf_addr peer, peer_rtcp;
    struct rf_srtp_key rx[RF_MEDIA_KEYS_MAX], tx; /* wiped by leg_media_free */
};

/* The relay's counters of one leg, as plain numbers (relay/map.h says what each means). */
struct media_numbers {
    uint64_t in_packets, in_authentic, in_clear, in_auth_failed, in_replayed, in_malformed, in_foreign,
        in_clear_refused, in_other, in_kernel_dropped, in_rtcp, in_lost, in_jitter_us, in_dtmf, out_packets,
        out_encrypted, out_clear, out_refused, out_failed;
    uint32_t rtt_us;
    struct rf_addr learnt;
};

/* Why packets of one leg do not reach the other: oneway.c. */
enum oneway_cause {
    ONEWAY_NOTHING,   /* nothing ever arrived */
    ONEWAY_STOPPED,   /* nothing arrives any more */
    ONEWAY_REPORTS,   /* RTCP arrives: the path is open, the phone sends no audio */
    ONEWAY_AUTH,      /* refused: not authentic */
    ONEWAY_CLEAR,     /* refused: in clear where SRTP is required */
    ONEWAY_FOREIGN,   /* refused: not from the address that was signalled or learnt */
    ONEWAY_REPLAYED,  /* refused: repeats */
    ONEWAY_NO_RTP,    /* refused: something else than RTP */
    ONEWAY_QUEUE,     /* lost in the queue of our socket */
    ONEWAY_HELD_BACK, /* accepted; must not leave to the other leg (no key, index used up) */
    ONEWAY_UNSENT,    /* accepted; the network did not take it for the other leg */
    ONEWAY_NO_TARGET, /* accepted; nobody knows where the other leg is */
    ONEWAY_CAUSES
};

struct leg_oneway {
    bool is_told;      /* it lasts, or did when the call ended */
    uint8_t cause;     /* enum oneway_cause, of the last sample while it lasted */
    uint16_t times;
    uint64_t since_us; /* when it began, the last time */
    uint64_t total_us; /* of the times before */
    uint64_t packets;  /* that arrived or were refused since then */
    struct rf_addr learnt;
    char detail[160];
};

struct call;

/* One place of a route: whom leg B looks for when the place before did not serve (route/hunt.h). */
struct leg_place {
    char connection[RF_CONNECTION_NAME_MAX];
    char number[RF_NUMBER_MAX];
};

/* Where a request in a dialog did not get through: way.c. */
struct leg_failed_way {
    enum rf_transport transport;
    struct rf_addr addr;
    uint32_t retry_after_s; /* of its 503; 0: it asked for nothing */
};

struct leg {
    struct call *call;
    struct rf_link link;         /* in call.attempts; not for leg A and the leg that won */
    struct rf_hash_node node;    /* layer.legs, by Call-ID and our tag */
    uint8_t side;                /* 0: A, 1: B */
    uint8_t stage;               /* leg B: when it is tried */
    uint8_t told;                /* enum rf_call_dialog_state: what whoever watches was told last (watch.c) */
    uint16_t told_id;            /* its number among the call's; 0: nothing was told yet */
    char early_tag[64];          /* leg B: To tag of its last 18x; empty: it does not ring */
    uint8_t state;               /* enum leg_state */
    bool path_wanted;            /* path_next is under way: the leg must stay */
    bool is_large;               /* an INVITE did not fit UDP: the flow is what the path gave for that, TCP or not */
    bool bye_waits_for_ack;      /* RFC 3261 15: no BYE before the ACK for our 2xx */
    bool bye_wanted;             /* BYE as soon as there is a path */
    bool answer_in_ack;          /* our 2xx bore an offer */
    bool is_registered;          /* leg B: reached by a binding */
    char user[64], display[96];  /* of a connection's leg: the number that calls or is called */
    char connection[RF_CONNECTION_NAME_MAX]; /* empty: a user's phone, or a device */
    char device[64];             /* leg B: a block `dn` that may be reached by TLS; empty: none */
    bool is_private;             /* leg A: its number is not to be shown (RFC 3323) */
    bool is_counted;             /* among the connection's calls */
    struct leg_place *places;    /* leg B by a route: all of them; NULL otherwise */
    uint8_t place_count, place_next;
    uint8_t challenges;          /* answered, for the INVITE that is open */
    char *credentials;           /* header line for the next INVITE; wiped */
    char setting[96];
    char instance[80];
    struct rf_binding *binding;  /* that the path leads to */
    struct rf_path *path;        /* leg B until its hunt is over; any leg that lost its flow; NULL: none */
    struct rf_hunt hunt;         /* leg B: its INVITE from target to target (route/hunt.h) */
    uint32_t retry_after_s;      /* of the 503 that came last */
    struct leg_failed_way failed_way[FAILED_WAYS_MAX]; /* of the request that looks for another one */
    uint8_t failed_ways;
    uint32_t session_ask_s;      /* Session-Expires of our INVITE; larger after a 422 */
    char listener[24];
    const char *sign_in;         /* "SHA-256", "registered"; a constant string */
    struct rf_srtp_policy policy;
    enum rf_transport transport;
    struct rf_addr remote;
    struct rf_addr media_addr;   /* what we announce to it */
    struct rf_flow_facts facts;
    struct rf_flow *flow;        /* NULL: no path now */
    struct rf_flow_watch watch;
    struct rf_dialog dialog;
    struct rf_server_txn *server; /* an INVITE of theirs without its final response, or with a 2xx until timer L */
    bool server_is_open;          /* no final response given */
    struct rf_client_txn *client; /* an INVITE of ours, until timer M */
    bool client_is_open;          /* no final response came */
    struct rf_client_txn *bye;    /* our BYE until its transaction ends; NULL: none, or nobody waits for its answer */
    char *ack;                    /* our last ACK for a 2xx, for repeats of it */
    size_t ack_n;
    uint32_t ack_cseq;
    bool awaits_ack;              /* our 2xx is repeated until their ACK */
    struct rf_timer ack_timer;
    uint64_t ack_interval_us, ack_until_us;
    struct rf_session_timer session;
    struct rf_timer session_timer;
    struct leg_media *media, *next; /* agreed / of the exchange that runs */
    struct rf_sdp_face *offer;      /* our offer that is pending: fresh keys are in it */
    uint64_t sdp_id, sdp_version;
    char *sent;                     /* our last description, to know what changed; keys are in it */
    size_t sent_n;
    int status;                     /* leg B: why it failed */
    enum rf_refusal refusal;
    size_t fork_count;
    char fork_tag[FORKS_MAX][48];
    /* the last sample of the relay's counters */
    uint64_t seen_clear, seen_encrypted;
    struct leg_oneway oneway;       /* of what this leg's party sends */
    struct media_numbers end;       /* of the map, taken before CLOSE */
    bool has_end;
};

enum prelude_kind { PRELUDE_INVITE, PRELUDE_RESPONSE, PRELUDE_ACK };

struct prelude_row {
    uint64_t at_us;
    const char *note; /* a constant string */
    uint16_t status;
    uint8_t kind;     /* enum prelude_kind */
    bool has_sdp;
};

/* What was said with one Call-ID and From tag before there was a call: prelude.c. */
struct prelude {
    uint64_t name; /* hash of both */
    uint8_t n;     /* 0: free */
    struct prelude_row row[PRELUDE_ROWS];
};

struct ladder_entry {
    uint64_t at_us;
    uint8_t side;      /* 0: A, 1: B */
    bool is_out;
    bool has_sdp;
    uint16_t status;   /* 0: a request */
    char method[12];
    char note[72];
};

enum exchange_kind {
    EXCHANGE_NONE,
    EXCHANGE_RELAY,    /* `from` sent a re-INVITE, `to` gets ours */
    EXCHANGE_REFRESH,  /* session timer: `to` gets one, nobody asked */
    EXCHANGE_ANSWERED  /* `from` has our 2xx and owes its ACK */
};

struct exchange {
    enum exchange_kind kind;
    struct leg *from, *to;
    bool is_offerless;      /* the INVITE of `from` had no offer: `to` offers in its 2xx, `from` answers in its ACK */
    bool is_cancelled;      /* `from` sent CANCEL */
    uint16_t failed_status; /* our re-INVITE failed so, and looks for another way; 0: it does not */
    struct rf_timer glare;  /* our re-INVITE got 491 and is sent again; or it waits too long for an answer */
    uint8_t tries;
};

enum forward_reason { FORWARD_ALWAYS, FORWARD_BUSY, FORWARD_DO_NOT_DISTURB, FORWARD_NO_ANSWER, FORWARD_UNREACHABLE,
                      FORWARD_REASONS };

/* A call was forwarded: forward.c. */
struct forward {
    char user[64], to[64];
    uint8_t reason; /* enum forward_reason */
};

struct relay_info; /* an INFO on its way through: indialog.c */

struct call {
    struct rf_call_layer *l;
    struct rf_link all;
    struct rf_hash_node by_serial, by_media;
    uint64_t serial;
    char id[2 * ID_OCTETS + 1];
    uint8_t state;
    bool is_offerless; /* leg A's INVITE had no offer */
    bool answered, restored, record_made;
    uint16_t told_ids;           /* legs that were told of */
    bool media_opening, media_open;
    bool media_extending;      /* a port of the other family for legs B is asked for */
    uint8_t redirects, attempt_count;
    uint8_t stage, stage_new;    /* forward.c: attempts up to this one ring; and that of attempts being made */
    uint8_t forward_count;
    struct forward *forwards;    /* forward_count of them; NULL: none */
    uint8_t diverted;            /* times others forwarded it before it came to us */
    char forwarder[64];          /* the user whose settings say what comes next; empty: nobody's do */
    struct rf_call_forward forward; /* these settings */
    uint32_t stage_s;            /* so long a stage of a ring-group rings; 0: as long as any call */
    struct rf_timer stage_timer;
    uint16_t early_status; /* last 1xx that leg A got */
    uint16_t paths_wanted;
    uint8_t max_forwards;
    struct rf_quota_share *share; /* of its caller's calls; NULL: it is not admitted */
    struct leg *a, *b;         /* b: who answered */
    struct rf_link attempts;   /* legs B before one answers, and those that lost */
    char called[64];           /* user part that was dialled */
    bool is_bypass;            /* media goes from leg to leg without us (TEL-33) */
    struct exchange exchange;
    struct rf_timer timer;     /* media answer, then ring time, then samples */
    struct rf_timer media_timer;
    uint8_t media_tries;
    struct rf_media_name media;
    uint16_t port[2];          /* of leg A; of legs B, whose family is that of the first phone found ... */
    uint16_t port_other;       /* ... and of those of the other one; 0: not asked for yet */
    int family_b, family_none; /* AF_INET, AF_INET6: of port[1]; and of which there is no port to be had. 0: none */
    struct rf_link infos;
    uint8_t info_count;
    struct ladder_entry *ladder;
    uint16_t ladder_n, ladder_cap, ladder_more;
    uint64_t began_us, answered_us, ended_us;
    int64_t began_wall_s, answered_wall_s, ended_wall_s;
    uint8_t verdict_now, verdict_min;
    bool verdict_seen;
    bool auth_bad_logged[2];
    uint64_t window_us;            /* when the window of oneway.c began; 0: there is none */
    struct media_numbers window[2]; /* counters of both legs then */
    uint64_t window_sent[2];       /* out_packets of both legs at the last sample */
    const char *ended_by;      /* a constant string */
    int status;                /* what leg A got; 200 for a call that was up */
    enum rf_refusal refusal;
    char sentence[320];
};

struct rf_call_layer {
    struct rf_call_env env;
    struct rf_hash legs, calls, medias;
    struct rf_quota *own_quota;    /* NULL: env.quota is shared */
    struct rf_link all;
    size_t count;
    uint64_t serial;
    char *recent[RECENT_MAX];      /* records as JSON text */
    char *record_mem;              /* where a record is written */
    size_t record_cap;
    char *save_mem;                /* where call_save writes; NULL until then */
    size_t recent_next;
    struct rf_link closing;        /* media sessions whose CLOSE the relay did not take: media.c */
    struct rf_timer closing_timer;
    bool is_stopping;              /* records wait for nobody */
    struct prelude prelude[PRELUDES_MAX];
    char out[RF_SIP_MESSAGE_MAX];  /* scratch: a message being built */
    char sdp[RF_SDP_MAX];          /* scratch: a description being built */
};

/* --- layer.c --- */
const struct rf_call_settings *call_settings(const struct call *c);
void call_free(struct call *c);
struct call *call_new(struct rf_call_layer *l, uint64_t now_us);
/** (I1) Free it when nothing is left to wait for. */
void call_settle(struct call *c);
/** Nobody else is waited for: whatever was said until now is the whole ladder. */
void call_close_record(struct call *c, uint64_t now_us);
uint64_t call_now(const struct call *c);

void call_put_id(const struct rf_hash_key *key, const struct rf_rand *rand, struct rf_span first, struct rf_buf *b);
/** Call-ID for a leg B: it carries the hash of leg A's, so that both have one owner. */
void call_own_id(struct call *c, struct rf_buf *b);

/* --- leg.c --- */
struct leg *leg_new(struct call *c, uint8_t side);
void leg_free(struct leg *leg);
void leg_enter(struct leg *leg); /* into the table, when Call-ID and our tag are known */
struct leg *leg_find(struct rf_call_layer *l, struct rf_span call_id, struct rf_span our_tag);
void leg_set_flow(struct leg *leg, struct rf_flow *flow); /* takes a new reference */
struct leg *leg_other(const struct leg *leg);
void leg_hop(struct leg *leg, struct rf_hop *hop, struct rf_addr *ours);
/** Whom sentences are about: the connection, or the user. */
const char *leg_who(const struct leg *leg);
/** Settings of its user into the leg; false: no such user. */
bool leg_set_user(struct leg *leg, struct rf_span name);
/** Policy of the leg with what its path is now. */
const struct rf_srtp_policy *leg_policy(struct leg *leg);
/** Final or provisional response to the INVITE that is open, with SDP when there is one. */
void leg_respond(struct leg *leg, int status, struct rf_span extra, struct rf_span sdp, uint64_t now_us);
/** Start repeating our 2xx until the ACK (RFC 3261 13.3.1.4). */
void leg_repeat_2xx(struct leg *leg, uint64_t now_us);
/** ACK a 2xx; repeats of it get the same octets. */
void leg_send_ack(struct leg *leg, struct rf_span sdp);
void leg_repeat_ack(struct leg *leg);
/** A leg that lost its path: look for a new one. false: there is none. It ends in leg_way_known. */
bool leg_ask_path(struct leg *leg);
/** The same for a leg that has one, by which a large request does not go. */
bool leg_ask_large_path(struct leg *leg);
/** The same for one by which a request failed: leg_next_way of way.c. */
bool leg_ask_other_path(struct leg *leg);
/** leg->path to leg->binding. */
struct rf_path *leg_path_new(struct leg *leg, void (*ready)(void *owner, struct rf_flow *flow, enum rf_err why));
/** No way is needed any more. */
void leg_path_end(struct leg *leg);
/** A request in its dialog, with events or nobody to hear of its answer. */
enum rf_err leg_send(struct leg *leg, enum rf_sip_method method, struct rf_span extra, const char *type,
                     struct rf_span body, const struct rf_client_txn_events *events, void *owner,
                     struct rf_client_txn **out, uint64_t now_us);
/** BYE, now, after the ACK or when there is a path again; the leg is then done. The caller settles the call. */
void leg_bye(struct leg *leg, uint64_t now_us);
/** The path that BYE waited for is there, or is not; the caller settles the call. */
void leg_bye_path(struct leg *leg, enum rf_err why, uint64_t now_us);
void leg_ack_received(struct leg *leg, uint64_t now_us);
/** RFC 4028: (re)start its timer. */
void leg_session_start(struct leg *leg, uint64_t now_us);
/** ACK and BYE for a 2xx that nobody wants (another fork, a crossing CANCEL). */
void leg_drop_2xx(struct leg *leg, const struct rf_sip_msg *msg, struct rf_flow *flow, enum rf_refusal why,
                  uint64_t now_us);
extern const struct rf_server_txn_events leg_server_events;

/* --- way.c --- */
/**
 * A request in the leg's dialog failed on this flow: look for the next way (RFC 3263 4.3). Ends in leg_way_known, now
 * or later, so whoever waits must have said so before.
 */
void leg_next_way(struct leg *leg, const struct rf_flow *failed, uint32_t retry_after_s, uint64_t now_us);
/** A path was looked for and this is what there is: whoever waits for it goes on. Last thing its caller does (I5). */
void leg_way_known(struct leg *leg, enum rf_err why, uint64_t now_us);
/** Its flow is there, and is none of those that failed. */
bool leg_has_way(const struct leg *leg);
/** Of those that failed; NULL: it is none. */
const struct leg_failed_way *leg_failed_on(const struct leg *leg, const struct rf_flow *flow);
/** A request got its answer, so nothing looks for a way any more. */
void leg_way_works(struct leg *leg);

/* --- offer.c --- */
void leg_media_free(struct leg_media *m);
/** An offer of the leg's peer: checked by its policy; our answer's key is chosen. */
enum rf_refusal leg_offer_in(struct leg *leg, struct rf_span sdp, struct leg_media **out);
/** An answer to leg->offer. Both log a refusal, in words about the leg. */
enum rf_refusal leg_answer_in(struct leg *leg, struct rf_span sdp, struct leg_media **out);
/** Our offer to the leg with the codecs of `codecs`; in layer.sdp. leg->offer is set. */
struct rf_span leg_offer_out(struct leg *leg, const struct leg_media *codecs);
/** Our answer to the leg's offer `mine` with the codecs of `codecs`; in layer.sdp. */
struct rf_span leg_answer_out(struct leg *leg, struct leg_media *mine, const struct leg_media *codecs);
/** Does this offer of the leg's peer say anything that the other leg does not know? */
bool leg_offer_is_news(struct leg *leg, const struct leg_media *offered);
void leg_offer_drop(struct leg *leg);
/** leg->next becomes what is agreed. */
void leg_media_agree(struct leg *leg);
void leg_media_disagree(struct leg *leg);
/** "RTP/SAVP 3 suites" for the ladder. */
void leg_describe(struct rf_span sdp, char *note, size_t size);

/* --- media.c --- */
/** family_b: AF_INET or AF_INET6, of the first leg B's port. */
bool call_media_open(struct call *c, int family_b, uint64_t now_us);
/** What a leg B is to be told of our media, by its flow's family: RF_OK, RF_ERR_AGAIN (call_ring comes again),
 *  RF_ERR_NOT_FOUND (no port of that family). */
RF_MUST_CHECK enum rf_err leg_media_place(struct leg *leg);
/** (I3) One leg's state to the relay; keep_old: the key before is still taken for packets on their way. */
void call_media_change(struct call *c, struct leg *leg, const struct leg_media *old);
void call_media_close(struct call *c);
void call_media_adopt(struct call *c);
void layer_closing_init(struct rf_call_layer *l);
void layer_closing_fini(struct rf_call_layer *l);
void call_media_named(struct call *c, struct rf_media_name name);
/** The relay's numbers of a leg now (or at the end); false: none. */
bool call_media_numbers(const struct call *c, const struct leg *leg, struct media_numbers *out);

/* --- admit.c --- */
void call_invite(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                 uint64_t now_us);
/** Checks that every request gets; false: it was answered. */
bool request_check(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                   uint64_t now_us);
/** Digest: the signed-in user, or false: it was challenged or refused. */
bool request_sign_in(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                     struct rf_call_user *user, const struct rf_connection **connection, const char **algorithm,
                     uint64_t now_us);
/** Body is SDP: 1; no body: 0; answered 415 or 406: -1. */
int request_sdp(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                uint64_t now_us);

/* --- connection.c --- */
/* Who sent a request that starts something. */
struct caller {
    struct rf_call_user user;               /* of a connection: the calling number, and its settings */
    const struct rf_connection *connection; /* NULL: a user */
    const char *sign_in;                    /* a constant string */
    bool is_private;
};
/** Find out; false: it was challenged or refused. */
bool request_caller(struct rf_call_layer *l, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                    struct caller *out, uint64_t now_us);
/** What was dialled, of a connection's INVITE. */
void caller_dialled(const struct caller *who, const struct rf_sip_msg *msg, char *out, size_t size);
/** Limits, transport and loops of a connection's call; false: it was refused. */
bool check_connection(struct call *c, const struct caller *who, const struct rf_sip_msg *msg, uint64_t now_us);
const struct rf_connection *connection_of(struct call *c, const char *name);
/** A peer that registers here: its best binding (TEL-16). c: whose sentence a refusal is; NULL: nobody's. */
enum rf_refusal connection_registered(struct rf_call_layer *l, struct call *c, const struct rf_connection *k,
                                      struct rf_binding *out);
/** The server of a connection as a binding for this number. */
enum rf_refusal connection_server(struct rf_call_layer *l, const struct rf_connection *k, const char *number,
                                  struct rf_binding *out);
/** The next of leg->places into the leg: policy, number, binding. false: there is none left. */
bool leg_take_place(struct leg *leg, uint64_t now_us);
/** From, To and what else names the caller; RF_ERR_RANGE. */
enum rf_err leg_put_parties(struct leg *leg, struct rf_buf *from, struct rf_buf *to);
void leg_put_identity(struct leg *leg, struct rf_buf *extra);
/** User part of our Contact towards this leg. */
struct rf_span leg_contact_user(const struct leg *leg);
/** A challenge to our INVITE that this leg's connection can answer: leg->credentials is set. */
bool leg_answers_challenge(struct leg *leg, const struct rf_sip_msg *msg);
void leg_uncount(struct leg *leg);

/* --- prelude.c --- */
/** An INVITE without a call was challenged; the note is a constant string. */
void prelude_challenged(struct rf_call_layer *l, const struct rf_sip_msg *m, int status, const char *note,
                        uint64_t now_us);
/** The call of this INVITE begins: what was said before becomes the beginning of its ladder. */
void prelude_take(struct call *c, const struct rf_sip_msg *m);

/* --- targets.c --- */
/** Attempts for a block `dn`. */
bool call_find_device(struct call *c, const struct rf_call_routing *r, struct rf_span name);
/** One attempt for all connections of this plan. */
bool call_find_connections(struct call *c, const struct rf_plan *plan, enum rf_refusal *why);
/** Attempts for a dialled user; false with *why when there is none. */
bool call_find_targets(struct call *c, struct rf_span user, enum rf_refusal *why);
/** Attempts for a dialled number, by the dial plan; false with *why when there is none. */
bool call_find_places(struct call *c, struct rf_span number, enum rf_refusal *why);
void call_redirect(struct call *c, struct leg *leg, const struct rf_sip_msg *msg);
bool call_host_is_ours(struct rf_call_layer *l, const struct rf_sip_uri *uri, struct rf_flow *flow);
/** The binding by which a leg that lost its path may be reached again. */
bool leg_find_binding(struct leg *leg, struct rf_binding *out);
/** The binding of the phone that the leg speaks with, or what is known of it like one. */
void leg_own_binding(struct leg *leg, struct rf_binding *out);

/* --- forward.c --- */
/** What `number` leads to for this user or connection, as attempts of stages from now on; false with *why. */
bool call_find_stages(struct call *c, struct rf_span number, const char *user,
                      const struct rf_connection *connection, enum rf_refusal *why);
/** Attempts for a user by its own settings: forwarded, not to be disturbed, or its phones. */
bool call_find_user(struct call *c, struct rf_span name, bool is_alone, enum rf_refusal *why);
/** All attempts of this stage failed, the best of them so: is there another stage, or is the call forwarded? Then it
 *  goes on, and may be gone. */
bool call_goes_on(struct call *c, const struct leg *best, uint64_t now_us);
/** The first stage rings, or the next one. */
void call_stage_begin(struct call *c, uint64_t now_us);
void forward_timer_init(struct call *c);
/** Before the plan: who forwarded it already? */
void forward_count_before(struct call *c, const struct rf_sip_msg *invite);
/** Diversion (RFC 5806) and History-Info (RFC 7044) as far as this leg's peer may know. */
void leg_put_forwarded(struct leg *leg, struct rf_buf *extra);
/** Member "forwarded" of the record, when it was. */
void forward_put(const struct call *c, struct rf_buf *b);
const char *forward_reason_name(unsigned reason);

/* --- watch.c --- */
/** Whoever watches learns of the leg's state, or of all legs', when it is a new one. */
void leg_tell(struct leg *leg);
void leg_tell_gone(struct leg *leg);
void call_tell(struct call *c);
/** A 1xx of leg B came. */
void leg_note_early(struct leg *leg, const struct rf_sip_msg *msg);

/* --- ring.c --- */
void call_paths_ask(struct call *c, uint64_t now_us);
void call_ring(struct call *c, uint64_t now_us);
/** Seconds of Retry-After; 0: it has none that can be read. */
uint32_t retry_after_of(const struct rf_sip_msg *msg);
void call_cancel_attempts(struct call *c, const struct leg *but, const char *reason, uint64_t now_us);
/** One attempt is over; Reason of a policy refusal goes with its CANCEL. */
void leg_cancel(struct leg *leg, enum rf_refusal why, uint64_t now_us);
/** All attempts failed? Then leg A gets the best of their answers. */
void call_choose_failure(struct call *c, uint64_t now_us);

/* --- answer.c --- */
void call_answered(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us);
void call_early(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us);
void call_ack_received(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us);

/* --- exchange.c --- */
void exchange_invite(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                     uint64_t now_us);
void exchange_refresh(struct call *c, struct leg *leg, uint64_t now_us);
/** The path that the re-INVITE to `leg` waited for is there, or is not (leg_has_way). */
void exchange_path(struct call *c, struct leg *leg, uint64_t now_us);
void exchange_ack(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us);
/** The call ends: whoever waits is answered. */
void exchange_stop(struct call *c, int status, uint64_t now_us);
void exchange_timer_init(struct call *c);
extern const struct rf_client_txn_events exchange_events;

/* --- indialog.c --- */
void indialog_request(struct rf_call_layer *l, struct leg *leg, struct rf_server_txn *txn,
                      const struct rf_sip_msg *msg, uint64_t now_us);
void infos_stop(struct call *c, uint64_t now_us);
/** The path that INFO to `leg` waited for is there, or is not. */
void infos_path(struct call *c, struct leg *leg, uint64_t now_us);

/* --- end.c --- */
/**
 * End the call: leg A gets `status` when it has no final response, everybody else CANCEL or BYE; the record is
 * made. The call may be gone when this returns.
 */
void call_end(struct call *c, const char *by, int status, enum rf_refusal why, uint64_t now_us);
/** Refuse leg A's INVITE with a row of the refusal table and end. status 0: the row's. */
void call_refuse(struct call *c, enum rf_refusal why, int status, const struct rf_log_field *fields,
                 uint64_t now_us);
/** Header lines Reason and Warning for a refusal. */
void put_refusal_headers(struct call *c, struct rf_buf *b, enum rf_refusal why);
/** Count and log a refusal once, and keep its sentence for the wire and the record. */
void call_say(struct call *c, enum rf_refusal why, const struct rf_log_field *fields);

/* --- ladder.c, evidence.c, record.c --- */
void ladder_msg(struct call *c, uint8_t side, bool is_out, const struct rf_sip_msg *m, uint64_t now_us);
/** A message of ours that bears this description, or none. */
void ladder_sdp(struct call *c, uint8_t side, const char *method, int status, struct rf_span sdp, uint64_t now_us);
/** Another message, or with an empty method an event. */
void ladder_add(struct call *c, uint8_t side, bool is_out, const char *method, int status, const char *note,
                uint64_t now_us);
/* Members of a JSON object that is open. */
void ladder_put(const struct call *c, struct rf_buf *b);
void evidence_sample(struct call *c);
void evidence_freeze(struct call *c);
void evidence_put_signalling(const struct leg *leg, struct rf_buf *b);
void evidence_put_media(const struct call *c, const struct leg *leg, struct rf_buf *b);
const char *verdict_name(enum verdict v);
/** NULL: no memory. */
json_t *record_make(struct call *c, uint64_t now_us, bool with_ladder);
void record_keep(struct call *c, uint64_t now_us);

/* --- oneway.c --- */
/** Both sides said sendrecv, so silence from one of them is a fault. */
bool call_flows_both_ways(const struct call *c);
void oneway_sample(struct call *c, uint64_t now_us);
/** Audio flows one way now, or did when the call ended. */
bool oneway_is_told(const struct call *c);
/** The sentence of RF-401; oneway_is_told must hold. */
void oneway_put_sentence(const struct call *c, struct rf_buf *b);
/** The member "no_audio" of a leg's media, when it ever happened. */
void oneway_put(const struct call *c, const struct leg *leg, struct rf_buf *b);

/* --- save.c --- */
void call_save(struct call *c);
void call_forget(struct call *c);

#endif
