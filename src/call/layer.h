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
#define INFO_MAX      8   /* INFO and MESSAGE under way at once in a call: keypad presses of both sides */
#define INFO_BODY_MAX 4096
#define FAILED_WAYS_MAX 4 /* that one request in a dialog tries in vain; each costs 32 s by UDP */
#define FORKS_MAX     8   /* forks of one attempt whose 2xx we remember to have answered with BYE */
#define ID_OCTETS     8
#define FORWARDS_MAX  5  /* users that one call is forwarded by; more is a circle, or a joke */
#define MEDIA_WAIT_US (3 * RF_S)      /* the relay answers in a millisecond; later means that it is not there */
#define SAMPLE_US     RF_S            /* how often a call's counters are looked at, for verdict and one-way audio */
#define ONEWAY_US     (3 * RF_S)      /* RF-401: so long packets reach one party and none the other */
#define ONEWAY_LOG_MAX 3              /* times a leg that its log and ladder are told: a phone with a mute key */

#define ALLOW                                                                                                          \
    "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REGISTER, REFER, NOTIFY, UPDATE, PRACK, MESSAGE, SUBSCRIBE, PUBLISH"
/* RFC 4028, 3891, 4488; and in an INVITE of ours RFC 3262, unless prack.c says otherwise */
#define SUPPORTED "timer, replaces, norefersub"
#define SUPPORTED_100REL SUPPORTED ", 100rel"

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
    bool was_offer; /* nobody chose from it: an answer with its codecs has those alone that its offer has, too */
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
        out_encrypted, out_clear, out_refused, out_failed, clear_us, far_lost, far_jitter_us, far_reports;
    uint32_t rtt_us;
    uint32_t quirks; /* RF_SRTP_QUIRK_* that the peer was seen to have */
    uint32_t roc;    /* highest rollover counter of what it sends */
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

/* What whoever may take a call that rings is told instead of its dialog's name: pickup.c. */
struct leg_alias {
    char call_id[48], our_tag[17], their_tag[17];
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
    char told_id[RF_CALL_DIALOG_ID]; /* its dialog's id for them, kept when it moves; empty: nothing was told yet */
    char early_tag[64];          /* leg B: To tag of its last 18x; empty: it does not ring */
    bool early_tag_is_none;      /* that had none, or a longer one: it rings, and its dialog cannot be named */
    struct leg_alias alias;      /* while by_alias is in layer.aliases */
    struct rf_hash_node by_alias;
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
    uint8_t places_incompatible; /* of those before the present one (TEL-35) */
    uint16_t former_status;      /* what the place before said; 0: nothing */
    enum rf_refusal former_refusal;
    bool is_unreachable;         /* no server of its connection could be reached: nobody has answered 503 */
    bool status_is_former;       /* the present place said nothing, so that of the one before is the answer */
    uint8_t challenges, update_challenges, bye_challenges; /* answered, for our INVITE, UPDATE, BYE that is open */
    char *credentials;           /* header line for the request that goes out next; wiped */
    char *shown_credentials;     /* what our last INVITE bore: its ACK bears it too (RFC 3261 13.2.2.4); wiped */
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
    bool is_guest;                  /* its Call-ID is another worker's (guests.h) */
    char *passed_branch;            /* of its INVITE, when another worker passed it here; else NULL */
    uint16_t refers;                /* REFERs accepted in its dialog */
    bool allows_update;             /* its Allow says so: refreshes go by UPDATE (RFC 4028 7.4) */
    struct rf_server_txn *update;   /* an UPDATE of theirs with an offer, unanswered; NULL: none (update.c) */
    struct reliable *reliable;      /* leg A whose INVITE takes reliable 1xx (prack.c); NULL: it does not */
    bool wants_reliable;            /* the next 1xx of ours: leg B's was reliable */
    struct prack_fork *prack_forks; /* leg B: FORKS_MAX; NULL: no reliable 1xx came */
    struct rf_client_txn *prack;    /* our last one, while it has no answer */
    uint32_t prack_rseq;            /* that it acknowledges */
    bool prack_has_sdp;
    uint8_t prack_challenges;       /* answered */
    uint8_t prack_last;             /* the fork that spoke last ... */
    struct rf_dialog early;         /* ... and its dialog, until there is one that lasts */
    bool early_answered;            /* it has answered our offer reliably, so it may make one (RFC 3311 5.1) */
    bool early_news;                /* leg A: its direction changed before the call was up; then leg B is told */
    bool early_updated;             /* and did: what its 200 repeats is old */
    struct rf_client_txn *refresh;  /* an UPDATE of ours, unanswered; NULL: none */
    /* the last sample of the relay's counters */
    uint64_t seen_clear, seen_encrypted;
    struct leg_oneway oneway;       /* of what this leg's party sends */
    struct media_numbers end;       /* of the map, taken before CLOSE */
    bool has_end;
    struct media_numbers base;      /* of the map when the leg came into this call: they are another call's */
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
    EXCHANGE_JOIN,     /* a transfer: `to` is told of the leg it speaks with from now on */
    EXCHANGE_ANSWERED  /* `from` has our 2xx and owes its ACK */
};

/* What is left to do until the legs of a call that a transfer made hear each other: transfer.c. */
enum join {
    JOIN_NONE,
    JOIN_ASKED,  /* its legs are still in their calls, or the new one rings */
    JOIN_B,      /* both are here: leg B gets a re-INVITE with what leg A can ... */
    JOIN_A,      /* ... and leg A one with what leg B has answered; without a transfer: early_news, another fork's */
    JOIN_INVITE  /* leg A's INVITE replaces another leg: its offer goes to leg B, which is here */
};

enum transfer_kind { TRANSFER_BLIND, TRANSFER_ATTENDED, TRANSFER_REPLACES, TRANSFER_KINDS };

/* A call whose leg moves into another one. Serials, not pointers: either may end meanwhile. */
struct moving {
    uint64_t call;             /* 0: none, or it has moved */
    uint8_t side;              /* of the leg in its call */
    char id[2 * ID_OCTETS + 1];
};

/* A dialog of another worker (errand.c). */
struct far {
    uint16_t worker;
    bool is_seen;              /* it was looked at, and may be had */
    bool early_only;           /* as Replaces says */
    char call_id[256], to_tag[128], from_tag[128];
};

/* Of a call that a transfer made: who asked for it, by whose rights it goes out, and which legs it takes. */
struct origin {
    uint8_t kind;              /* enum transfer_kind */
    struct moving moving[2];   /* what becomes leg A and leg B */
    struct leg_media *abilities; /* what leg A's phone can, until it has agreed on media here; NULL then */
    struct far *far;           /* leg B is at another worker; NULL: it is not */
    char user[64], display[96];
    char connection[RF_CONNECTION_NAME_MAX];
    bool is_private;
};

/* A REFER that was accepted, and the subscription that it implies (RFC 3515 2.4.4): refer.c. */
struct refer {
    struct call *call;
    struct leg *from;
    struct rf_client_txn *notify; /* without its answer; NULL: none */
    uint64_t made;                /* serial of the call it made; 0: none (any more) */
    uint32_t cseq;                /* of the REFER: names the subscription */
    bool has_id;                  /* the second REFER of the dialog, and later ones (2.4.6) */
    bool is_quiet;                /* no NOTIFY is wanted (RFC 4488) */
    uint16_t status, told;        /* of the new call: now, and in the last NOTIFY */
    uint8_t challenges;           /* answered, for the NOTIFY that is open */
};

struct exchange {
    enum exchange_kind kind;
    struct leg *from, *to;
    bool is_offerless;      /* the INVITE of `from` had no offer: `to` offers in its 2xx, `from` answers in its ACK */
    bool is_cancelled;      /* `from` sent CANCEL */
    bool is_update;         /* it was an UPDATE: `from` owes no ACK */
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
    bool borrows_media;        /* of the call that leg A or B comes from; taken over when that leg moves (transfer.c) */
    bool is_swapped;           /* leg A is leg 1 of the media session: it was a leg B when that was opened */
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
    struct rf_call_trail trail; /* where it has been before it came in: marker.c */
    struct rf_quota_share *share; /* of its caller's calls; NULL: it is not admitted */
    struct leg *a, *b;         /* b: who answered */
    struct rf_link attempts;   /* legs B before one answers, and those that lost */
    char called[64];           /* user part that was dialled */
    int q850;                  /* what leg A hears when no refusal says it; 0: nothing */
    bool is_bypass;            /* media goes from leg to leg without us (TEL-33) */
    struct exchange exchange;
    uint8_t join;              /* enum join */
    bool early_agreed;         /* an INVITE without an offer, agreed upon by PRACK before the answer */
    bool old_keys_end;         /* at the next sample: of an UPDATE, whose 200 nobody acknowledges */
    uint8_t join_tries;
    struct refer *refer;       /* a transfer under way that one of its legs asked for; NULL: none */
    struct origin *origin;     /* of a call that a transfer made; NULL: somebody called */
    char moved_to[2 * ID_OCTETS + 1]; /* the call that has a leg of this one now */
    uint64_t picks;            /* serial of the call that rings and that leg A's INVITE takes; 0: none (pickup.c) */
    uint64_t picker;           /* and of that call: serial of this one, while it waits; 0: none */
    char picked_by[64];        /* who took it, while others rang */
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
    struct rf_hash legs, calls, medias, aliases;
    struct rf_quota *own_quota;    /* NULL: env.quota is shared */
    struct rf_link all;
    size_t count;
    uint64_t serial;
    char *recent[RECENT_MAX];      /* records as JSON text */
    char *record_mem;              /* where a record is written */
    size_t record_cap;
    char *save_mem;                /* where call_save writes; NULL until then */
    size_t recent_next;
    struct rf_link unwanted;       /* BYEs of dialogs that no call has: unwanted.c */
    struct rf_link closing;        /* media sessions whose CLOSE the relay did not take: media.c */
    struct rf_timer closing_timer;
    struct rf_link past_guests;    /* names of INVITEs passed here whose legs are gone: passed.c */
    struct rf_timer past_guests_timer;
    size_t past_guest_count;
    bool is_stopping;              /* records wait for nobody */
    const struct rf_call_passed *passed; /* another worker knows who sends the INVITE that is handed in; else NULL */
    bool passed_is_taken;          /* and it began a call */
    struct prelude prelude[PRELUDES_MAX];
    char out[RF_SIP_MESSAGE_MAX];  /* scratch: a message being built */
    char sdp[RF_SDP_MAX];          /* scratch: a description being built */
};

/* --- layer.c --- */
const struct rf_call_settings *call_settings(const struct call *c);
/** At once, with its legs and without a word to anybody: call_settle is for calls that end. */
void call_free(struct call *c);
/** A call without legs, in the layer's tables. NULL: no memory. */
struct call *call_new(struct rf_call_layer *l, uint64_t now_us);
/** (I1) Free it when nothing is left to wait for. */
void call_settle(struct call *c);
/** Nobody else is waited for: whatever was said until now is the whole ladder. */
void call_close_record(struct call *c, uint64_t now_us);
/** Monotonic time, microseconds. */
uint64_t call_now(const struct call *c);
/** NULL: it is no more. */
struct call *call_by_serial(struct rf_call_layer *l, uint64_t serial);

/** Call-ID for a leg B: it carries the hash of leg A's, so that both have one owner. */
void call_own_id(struct call *c, struct rf_buf *b);

/* --- leg.c --- */
struct leg *leg_new(struct call *c, uint8_t side);
void leg_free(struct leg *leg);
void leg_enter(struct leg *leg); /* into the table, when Call-ID and our tag are known */
struct leg *leg_find(struct rf_call_layer *l, struct rf_span call_id, struct rf_span our_tag);
void leg_set_flow(struct leg *leg, struct rf_flow *flow); /* takes a new reference */
struct leg *leg_other(const struct leg *leg);
/** In the table: is its Call-ID another worker's? Then all workers are to know. */
void leg_be_guest(struct leg *leg);
/** By which all workers know it, when it is a guest. */
struct rf_call_guest_name leg_guest_name(const struct leg *leg);
/** How our requests go out by its flow; `hop` points to `ours`. */
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
/** The ACK that leg_send_ack sent, octet for octet. */
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
/** Our 2xx is not repeated any more; a BYE that waited for its ACK goes out. */
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
/** A copy for a record or an offer: without keys. NULL: no memory. */
struct leg_media *leg_media_dup(const struct leg_media *m);
/** An offer of the leg's peer: checked by its policy; our answer's key is chosen. */
enum rf_refusal leg_offer_in(struct leg *leg, struct rf_span sdp, struct leg_media **out);
/** An answer to leg->offer. Both log a refusal, in words about the leg. */
enum rf_refusal leg_answer_in(struct leg *leg, struct rf_span sdp, struct leg_media **out);
/** Our offer to the leg with the codecs of `codecs`; in layer.sdp. leg->offer is set. */
struct rf_span leg_offer_out(struct leg *leg, const struct leg_media *codecs);
/** Why leg_offer_out gave nothing, to the log. */
void leg_say_unoffered(struct leg *leg);
/** Our answer to the leg's offer `mine` with the codecs of `codecs`; in layer.sdp. */
struct rf_span leg_answer_out(struct leg *leg, struct leg_media *mine, const struct leg_media *codecs);
/** Does this offer of the leg's peer say anything that the other leg does not know? */
bool leg_offer_is_news(struct leg *leg, const struct leg_media *offered);
/** Has this offer all codecs that the other side was told it may send? Then it can be answered without asking anybody. */
bool leg_offer_covers(const struct leg_media *offered, const struct leg_media *told);
/** Our offer to the leg is over; its keys are wiped. */
void leg_offer_drop(struct leg *leg);
/** leg->next becomes what is agreed. */
void leg_media_agree(struct leg *leg);
/** The offer that is pending came to nothing: what was agreed before holds. */
void leg_media_disagree(struct leg *leg);
/** "RTP/SAVP 3 suites" for the ladder. */
void leg_describe(struct rf_span sdp, char *note, size_t size);

/* --- media.c --- */
/** family_b: AF_INET or AF_INET6, of the first leg B's port. */
bool call_media_open(struct call *c, int family_b, uint64_t now_us);
/** What a leg B of this call is to be told of our media, by its flow's family: RF_OK, RF_ERR_AGAIN (call_ring and
 *  pickup_go_on come again), RF_ERR_NOT_FOUND (no port of that family). */
RF_MUST_CHECK enum rf_err leg_media_place(struct call *c, struct leg *leg);
/** (I3) One leg's state to the relay; keep_old: the key before is still taken for packets on their way. */
void call_media_change(struct call *c, struct leg *leg, const struct leg_media *old);
/** Give the ports back; a CLOSE that the relay does not take now is sent again until it does. */
void call_media_close(struct call *c);
/** After a restart: the session that the relay still has is this call's. */
void call_media_adopt(struct call *c);
/** The list of media sessions whose CLOSE is to be sent again. */
void layer_closing_init(struct rf_call_layer *l);
void layer_closing_fini(struct rf_call_layer *l);
/** The relay's name of the call's session is known: its events find the call. */
void call_media_named(struct call *c, struct rf_media_name name);
/** Which leg of the media session it is. */
uint8_t leg_slot(const struct leg *leg);
/** The session of `from`, whose leg 0 or 1 has moved here, is this call's from now on; the other one's keys stay until
 *  its CHANGE. */
void call_media_take(struct call *c, struct call *from);
/** The leg's numbers count from now on. */
void leg_media_base(struct leg *leg);
/** Encoding name of the first codec of a description, "PCMU"; empty: it has none that is known. */
void call_codec(const struct leg_media *m, char *out, size_t size);
/** The relay's numbers of a leg now (or at the end); false: none. */
bool call_media_numbers(const struct call *c, const struct leg *leg, struct media_numbers *out);

/* --- passed.c: INVITEs that another worker has judged --- */

void layer_passed_init(struct rf_call_layer *l);
/** Also of a layer that is zeroed. */
void layer_passed_fini(struct rf_call_layer *l);
/** Leg A of an INVITE that was passed here: its dialog and its branch are guests. Of any other nothing happens. */
void leg_was_passed(struct leg *leg, const struct rf_sip_msg *invite);
/** The leg ends; its INVITE's branch leads here as long as repeats of it and its ACK may come. */
void leg_passed_over(struct leg *leg);

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
/** NULL: a reload took it away. */
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
/** P-Asserted-Identity and Privacy, towards a connection that may have them, and the marker of loops. */
void leg_put_identity(struct leg *leg, struct rf_buf *extra);
/** User part of our Contact towards this leg. */
struct rf_span leg_contact_user(const struct leg *leg);
/**
 * The header line that answers the 401 or 407 of a connection to a request for `uri`; wiped and freed by the caller.
 * NULL: it is none, or cannot be answered. @param answered  how often that was done for this request; counted on
 */
char *call_credentials(struct rf_call_layer *l, const char *connection, const char *uri, const struct rf_sip_msg *msg,
                       uint8_t *answered);
/**
 * 401 or 407 to a request of ours that this leg's connection can answer: leg->credentials is set, for the same request
 * once more.
 */
bool leg_answers_challenge(struct leg *leg, const struct rf_sip_msg *msg, uint8_t *answered);
/** A request with leg->credentials has left: they are for no other (its nonce count would be a replay). */
void leg_credentials_sent(struct leg *leg, enum rf_sip_method method);
/** Wipe what answers a challenge. */
void leg_credentials_drop(struct leg *leg);
/** It is no call of its connection any more. */
void leg_uncount(struct leg *leg);

/* --- unwanted.c --- */
/** End a dialog that no call wants; it is taken over. connection: who answers a challenge; "": nobody. false: unsent. */
bool unwanted_bye(struct rf_call_layer *l, struct rf_dialog *dialog, struct rf_flow *flow, const char *connection,
                  enum rf_refusal why, uint64_t now_us);
/** The layer ends. */
void unwanted_forget(struct rf_call_layer *l);

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
/** 3xx of an attempt: its contacts at our own domain become attempts, REDIRECTS_MAX in all; others are passed over. */
void call_redirect(struct call *c, struct leg *leg, const struct rf_sip_msg *msg);
/** Our domain, or an address at which this flow reaches us. */
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
/** "always", "busy" and so on, as the record has it. */
const char *forward_reason_name(unsigned reason);

/* --- watch.c --- */
/** Whoever watches learns of the leg's state, or of all legs', when it is a new one. */
void leg_tell(struct leg *leg);
/** Its dialog is over, for whoever watches. */
void leg_tell_gone(struct leg *leg);
void call_tell(struct call *c);
/** A 1xx of leg B came. */
void leg_note_early(struct leg *leg, const struct rf_sip_msg *msg);

/* --- ring.c --- */
void call_paths_ask(struct call *c, uint64_t now_us);
/** INVITE to each attempt whose path and media are there. */
void call_ring(struct call *c, uint64_t now_us);
/** Seconds of Retry-After; 0: it has none that can be read. */
uint32_t retry_after_of(const struct rf_sip_msg *msg);
/** CANCEL, with this Reason, to all attempts but this one (NULL: to all). */
void call_cancel_attempts(struct call *c, const struct leg *but, const char *reason, uint64_t now_us);
/** One attempt is over; Reason of a policy refusal goes with its CANCEL. */
void leg_cancel(struct leg *leg, enum rf_refusal why, uint64_t now_us);
/** All attempts failed? Then leg A gets the best of their answers. */
void call_choose_failure(struct call *c, uint64_t now_us);

/* --- answer.c --- */
void call_answered(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us);
/**
 * This leg B, one of c->attempts, is the one: the others are cancelled, and leg A gets its 200.
 * @param sdp  of a leg that has sent the INVITE itself (pickup.c): our answer for its 200, empty when leg A's INVITE had
 *             no offer; else empty
 */
void call_won(struct call *c, struct leg *leg, struct rf_span sdp, uint64_t now_us);
/** A 1xx of an attempt, with what media it brings, towards leg A. */
void call_early(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us);
void call_ack_received(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us);

/* --- exchange.c --- */
void exchange_invite(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                     uint64_t now_us);
/** Our session refresh (RFC 4028) as a re-INVITE; later when another exchange is pending. */
void exchange_refresh(struct call *c, struct leg *leg, uint64_t now_us);
/** The path that the re-INVITE to `leg` waited for is there, or is not (leg_has_way). */
void exchange_path(struct call *c, struct leg *leg, uint64_t now_us);
/** ACK for our 2xx to a re-INVITE: the old key ends, and an answer in it goes to the other leg. */
void exchange_ack(struct call *c, struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us);
/** The call ends: whoever waits is answered. */
void exchange_stop(struct call *c, int status, uint64_t now_us);
void exchange_timer_init(struct call *c);
extern const struct rf_client_txn_events exchange_events;
/** An UPDATE with an offer, in a call that is up. */
void exchange_update(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                     uint64_t now_us);
/** true: another offer is pending, and it was answered 491 or 500. */
bool exchange_is_in_the_way(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                            uint64_t now_us);
/** Session-Expires of a request into leg->session; false: answered 400 or 422. */
bool exchange_session(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                      uint64_t now_us);
/** The next step of c->join; it comes again when something is in its way. */
void exchange_join(struct call *c, uint64_t now_us);

/* --- indialog.c --- */
void indialog_request(struct rf_call_layer *l, struct leg *leg, struct rf_server_txn *txn,
                      const struct rf_sip_msg *msg, uint64_t now_us);
/** The call ends: INFO under way is answered 481. */
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
/** Look at the relay's numbers: what each leg has proven by now, and the worst verdict so far. */
void evidence_sample(struct call *c);
/** The last look, before the media session ends; the record has these numbers. */
void evidence_freeze(struct call *c);
void evidence_put_signalling(const struct leg *leg, struct rf_buf *b);
void evidence_put_media(const struct call *c, const struct leg *leg, struct rf_buf *b);
/** "ENCRYPTED" and so on. */
const char *verdict_name(enum verdict v);
/** NULL: no memory. */
json_t *record_make(struct call *c, uint64_t now_us, bool with_ladder);
/** The record of a call that ended, to the store and among the recent ones. */
void record_keep(struct call *c, uint64_t now_us);

/* --- oneway.c --- */
/** Both sides said sendrecv, so silence from one of them is a fault. */
bool call_flows_both_ways(const struct call *c);
/** Each SAMPLE_US: does audio flow one way alone (RF-401)? */
void oneway_sample(struct call *c, uint64_t now_us);
/** Audio flows one way now, or did when the call ended. */
bool oneway_is_told(const struct call *c);
/** The sentence of RF-401; oneway_is_told must hold. */
void oneway_put_sentence(const struct call *c, struct rf_buf *b);
/** The member "no_audio" of a leg's media, when it ever happened. */
void oneway_put(const struct call *c, const struct leg *leg, struct rf_buf *b);

/* --- refer.c --- */
void refer_request(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                   uint64_t now_us);
/** SUBSCRIBE in a dialog: to what became of a REFER (RFC 3515 2.4.4), nothing else. */
void refer_subscribe(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                     uint64_t now_us);
/** What became of the call that the REFER made; a final status ends the subscription and the transfer. */
void refer_tell(struct call *c, int status, uint64_t now_us);
/** A NOTIFY waits for its answer, which may be a challenge: BYE has ended the call, and not the subscription (RFC 5057). */
bool refer_is_open(const struct call *c);
void refer_free(struct call *c);

/* --- update.c --- */
void update_request(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                    uint64_t now_us);
/** Our session refresh: by UPDATE when the peer takes it, else by re-INVITE. */
void update_refresh(struct leg *leg, uint64_t now_us);
/** An offer of leg A after its first one was answered reliably, before the call is up. true: answered 200. */
bool update_early(struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us);
/** The UPDATE that waits for our answer; the one before is let go. */
void update_own(struct leg *leg, struct rf_server_txn *txn);
void update_disown(struct leg *leg);
/** Does it take UPDATE? From a message that may have Allow. */
void leg_learn_allow(struct leg *leg, const struct rf_sip_msg *msg);
/** Response to another request of the leg's dialog than INVITE, with Contact and SDP when there is one. */
void leg_reply(struct leg *leg, struct rf_server_txn *txn, int status, struct rf_span extra, struct rf_span sdp,
               uint64_t now_us);

/* --- prack.c --- */
/** Of leg A's INVITE: does it take reliable 1xx? */
void prack_learn(struct leg *leg, const struct rf_sip_msg *invite);
void prack_free(struct leg *leg);
/** Header lines for a 1xx of ours; false: it waits for the PRACK of the one before. */
bool prack_put(struct leg *leg, int status, struct rf_span sdp, struct rf_buf *b);
/** A final response goes out: nothing is repeated any more. */
void prack_final(struct leg *leg);
/** Our answer reached leg A for sure. */
bool prack_answer_is_known(const struct leg *leg);
/** Leg A has an answer that holds, or is being told it: no other one may follow. */
bool prack_is_bound(const struct leg *leg);
/** Leg A owes a PRACK, and no 2xx may be sent before it (R2). */
bool prack_is_owed(const struct leg *leg);
/** true: leg A owes a PRACK first; the 2xx was kept and comes again by itself. */
bool prack_holds_2xx(struct leg *leg, struct leg *from, const struct rf_sip_msg *msg);
void prack_request(struct call *c, struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                   uint64_t now_us);
/** Shall leg B's INVITE say that we take them? */
bool prack_is_offered(const struct leg *leg);
/** A 1xx of leg B: acknowledged when it is reliable. false: pass it over; leg and call may be gone. */
bool prack_response(struct leg *leg, const struct rf_sip_msg *msg, uint64_t now_us);
/** A request of leg B before its 2xx, in the dialog of a reliable 1xx: UPDATE, or 481. */
void prack_early_request(struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us);
/** What the leg was told and what it said is of no worth with the next target. */
void prack_forget(struct leg *leg);

/* --- transfer.c --- */
/** The new call of a blind transfer: `stays` is called with `number`, with the rights of `by`. NULL: no memory. */
struct call *transfer_blind(struct leg *stays, struct leg *by, const char *number, uint64_t now_us);
/** A blind transfer by a REFER that was accepted. */
void refer_blind(struct call *c, struct leg *leg, const char *number, uint64_t now_us);
/** Let it ring. The new call may have ended when this returns. */
void transfer_ring(struct call *c, uint64_t now_us);
/** The new call of `a` and `b`, which are up in other calls; b NULL: at another worker. NULL: no memory. */
struct call *transfer_attended(struct leg *a, struct leg *b, struct leg *by, const struct far *far, uint64_t now_us);
/** Ask for its media. It may have ended when this returns. */
void transfer_open(struct call *c, uint64_t now_us);
/** INVITE with Replaces (RFC 3891): leg B is to be the one that spoke with the replaced one. 0, or a status. */
int transfer_replaces(struct call *c, const struct rf_sip_msg *msg, const struct caller *who);
/** The ports of a call that waits for its legs are there. */
void transfer_opened(struct call *c, uint64_t now_us);
/** Media of the call that a leg comes from, when a leg B of this family fits; true: there are ports. */
bool transfer_borrow(struct call *c, int family);
/** A 2xx of the new leg B came and its answer holds. */
void transfer_answered(struct call *c, uint64_t now_us);
/** 1xx of the new leg B. */
void transfer_early(struct call *c, int status, uint64_t now_us);
/** A BYE of `leg`: who asked for a transfer hangs up before it is done. */
void transfer_left(struct call *c, struct leg *leg, uint64_t now_us);
/** The call ends: whoever waits for it is told. */
void transfer_over(struct call *c, int status, uint64_t now_us);
/** A second has passed. */
void transfer_tick(struct call *c, uint64_t now_us);
/** Whose rights the dial plan is asked with. */
const char *call_payer(const struct call *c, const char **connection);
/** Referred-By, towards whom it may be shown (RFC 3892). */
void transfer_put_referred_by(const struct leg *leg, struct rf_buf *b);
/** Members of a record. */
void transfer_put(const struct call *c, struct rf_buf *b);

/** What a leg is in a record, without its dialog and keys. NULL: no memory. */
struct leg *stand_in(struct call *c, const struct leg *of, uint8_t side);
/** The leg leaves its call, where `ghost` takes its place with its evidence; `to`: id of the call that has it then. */
void leave_behind(struct leg *leg, struct leg *ghost, const char *to, uint64_t now_us);
struct leg *leg_named(struct rf_call_layer *l, struct rf_span call_id, struct rf_span to_tag, struct rf_span from_tag);
/**
 * A connection that replaces its own leg `was` by an INVITE: where SRTP was asked more strictly of that leg, the other direction's
 * setting, it stays so. true: the policy of `a` has changed.
 */
bool transfer_keep_srtp(struct leg *a, const struct rf_srtp_policy *was);
#define TRANSFER_RINGS 180 /* of transfer_judge: it rings, and its call may be taken (pickup.c) */
/**
 * May the other leg of this one (NULL: there is none) be had? connection: of who asks, "" for a user.
 * @return 0, or a status; 300: it rings, and the asker may call the same number; or TRANSFER_RINGS
 */
int transfer_judge(const struct leg *leg, enum transfer_kind kind, const char *user, const char *connection,
                   bool early_only);
/** Leg B came from another worker. */
void transfer_taken(struct call *c, struct leg *leg, uint64_t now_us);
/** Or it does not come: a status of transfer_judge there; number: what was dialled in the call that rings (300). */
void transfer_far_refused(struct call *c, int status, const char *number, uint64_t now_us);
/** Who asked for this call (Replaces, or a REFER) is refused: 403 with RF-503 and why, whichever worker found so. */
void transfer_refuse(struct call *c, int status, uint64_t now_us);
void origin_free(struct call *c);

/* --- pickup.c --- */
/** It begins to ring: give it a name for whoever may take the call. And it rings no more. */
void pickup_name(struct leg *leg);
void pickup_unname(struct leg *leg);
/** The leg whose alias this is, or whose early dialog; it may ring no more. NULL: there is none. */
struct leg *pickup_named(struct rf_call_layer *l, struct rf_span call_id, struct rf_span to_tag,
                         struct rf_span from_tag);
/** It is a phone that rings, and its call may be taken. */
bool pickup_rings(const struct leg *leg);
/** The caller of `by` takes the call that by->picks names. `by` may have ended when this returns. */
void pickup_begin(struct call *by, uint64_t now_us);
/** What whoever takes this call waited for has come. The call may be gone when this returns. */
void pickup_go_on(struct call *c, uint64_t now_us);
/** The call ends, or somebody else has answered it. */
void pickup_over(struct call *c, uint64_t now_us);

/* --- errand.c --- */
struct rf_sip_replaces;
/** true: the dialog is another worker's. */
bool far_named(struct rf_call_layer *l, const struct rf_sip_replaces *r, struct far *out);
/** The answer comes as transfer_open or transfer_far_refused; and as transfer_taken. */
void errand_look(struct call *c, uint64_t now_us);
/** The leg of the other worker may be had: let it come. */
void errand_take(struct call *c, uint64_t now_us);
/** It rings there: its caller goes on by another call. */
void errand_give_up(struct call *c);

/* --- save.c --- */
/** The octets of a leg, valid until the next call_save; empty: too large. */
struct rf_span leg_put(struct leg *leg);
/** Into a fresh leg, with suspicion. RF_ERR_SYNTAX, RF_ERR_RANGE, RF_ERR_NOMEM: the leg is to be freed. */
RF_MUST_CHECK enum rf_err leg_get(struct leg *leg, struct rf_span octets);
/** Its row for a restart, when it is up; also tells whoever watches. */
void call_save(struct call *c);
/** The call is over: its row goes. */
void call_forget(struct call *c);

#endif
