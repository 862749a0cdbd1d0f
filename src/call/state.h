/*
 * call/state.h - what a call, its legs and a worker's layer of calls are; included by call/layer.h alone
 *
 * Invariants of a call:
 * (I1) All legs hold the same call, and the call lasts until no leg, transaction or path under way points at it.
 * (I2) At most one offer is pending in a call (RFC 3264 4): `exchange`; glare is answered 491 (RFC 3261 14.2).
 * (I3) Media never leaves in clear on a leg whose policy says required: each CHANGE of such a leg bears
 *      require_srtp, and no CHANGE is sent before its keys are known; before a CHANGE nothing is relayed.
 * (I4) What a peer may make us keep is bounded: attempts, ladder, relayed INFO, texts of a dialog, recent calls.
 * (I5) A function that may end the call (call_end, call_settle) is the last thing its caller does with it.
 */
#ifndef RF_CALL_STATE_H
#define RF_CALL_STATE_H

#include "base/tally.h"
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

/* The relay's counters of one leg, as plain numbers (relay/map.h says what each means). What is in_unencrypted is
 * counted in in_authentic and in_clear too: it is both. */
struct media_numbers {
    uint64_t in_packets, in_authentic, in_clear, in_auth_failed, in_replayed, in_malformed, in_foreign,
        in_clear_refused, in_other, in_kernel_dropped, in_rtcp, in_lost, in_jitter_us, in_dtmf, out_packets,
        in_unencrypted, out_encrypted, out_clear, out_refused, out_failed, clear_us, far_lost, far_jitter_us,
        far_reports;
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

/* Of the relay's counters, what was added to the metrics already; and the gauge that the leg stands in. */
struct leg_tally {
    uint64_t authentic, encrypted, clear_in, clear_out, auth, replay, clear_refused, foreign, malformed, lost, far_lost;
    struct rf_tally_connection *row; /* of its connection; NULL: not looked up yet */
    rf_cell *stream;                 /* NULL: it is in none */
    uint8_t suite;                   /* that was agreed last; 0: none */
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
    struct rf_sdp_face *invite_offer; /* leg B: its INVITE's, while `offer` is that of an UPDATE (earlyoffer.c) */
    struct leg_media *asked;        /* leg A: its offer of which leg B is asked before the call is up; NULL: none */
    struct rf_timer asked_timer;    /* for its answer */
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
    bool early_updated;             /* it did, or we did: what its 200 repeats is old */
    bool early_told;                /* leg B: it knows leg A's early_news, by an UPDATE of ours */
    struct rf_client_txn *refresh;  /* an UPDATE of ours, unanswered; NULL: none */
    /* the last sample of the relay's counters */
    uint64_t seen_clear, seen_encrypted;
    struct leg_tally tally;         /* what the metrics know of it (tally.c) */
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
    uint8_t held_count;
    struct rf_link held;       /* 2xx of legs B that cannot be heard yet: held.c */
    struct ladder_entry *ladder;
    uint16_t ladder_n, ladder_cap, ladder_more;
    uint64_t began_us, answered_us, ended_us;
    int64_t began_wall_s, answered_wall_s, ended_wall_s;
    uint8_t verdict_now, verdict_min;
    bool verdict_seen;
    rf_cell *verdict_cell;         /* of the metrics, where the call stands by its verdict now; NULL: it is over */
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
    struct {
        char *record; /* JSON text */
        uint64_t began_us;
    } recent[RECENT_MAX];
    char *record_mem;              /* where a record is written */
    size_t record_cap;
    char *save_mem;                /* where call_save writes; NULL until then */
    size_t recent_next;
    struct rf_link unwanted;       /* BYEs of dialogs that no call has: unwanted.c */
    size_t unwanted_count;
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

#endif
