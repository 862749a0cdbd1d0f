/*
 * tests/play/stage.h - a stage for plays: ringfence's call layer in virtual time, phones made of memory around it
 *
 * Everything that is real in the daemon is real here but sockets, clock, randomness, disk and the relay: transactions,
 * dialogs, sign-in, locations, policy, calls. What leaves to a phone lands in its inbox; what the relay is told is
 * checked at once: never a state in which a leg that requires SRTP could send in clear (I3).
 */
#ifndef RF_TESTS_PLAY_STAGE_H
#define RF_TESTS_PLAY_STAGE_H

#include "call/call.h"
#include "event/event.h"
#include "sip/digest.h"

#define DOMAIN     "pbx.example"
#define PASSWORD   "secret" /* of every user */
#define PHONES_MAX 12
#define INBOX_MAX  256
#define SLOTS      64
#define SAVED_MAX  32
#define WAYS_MAX   4
#define ITEMS_MAX  64
#define NEWS_MAX   64
#define LETTERS_MAX 32

struct wire {
    struct rf_flow flow;
    struct phone *phone; /* NULL: the phone has left */
};

struct phone {
    char name[24], user[24];
    char from[24]; /* user of From when it is another one */
    enum rf_transport transport;
    struct rf_addr addr;
    struct wire *wire;
    bool registered, is_mute; /* mute: sends no ACK for refusals and answers nothing by itself */
    char *inbox[INBOX_MAX];
    int inbox_n;
    /* its one dialog */
    bool is_caller;
    char call_id[80], our_tag[32], their_tag[64], target[512], local[256], remote[256];
    uint32_t cseq, register_cseq;
    char *invite;      /* the last INVITE we sent: for CANCEL and ACK */
    char branch[64];
    bool authorized, keeps; /* keeps: the next request that is sent may be sent again with credentials */
    int want_auth;     /* answers challenges left */
    char *request;     /* the last request that came in */
    char *invite_in;   /* the last INVITE that came in */
    char *notify_in;   /* the last NOTIFY that came in */
    char *sdp_in;      /* the last description that came in */
    unsigned rseq;     /* of its last reliable response */
    char rack[64];     /* RAck for the last reliable response */
    char crypto_seen[160]; /* the first a=crypto line of the message before that had one, as `expects` read it */
    int worker;        /* that its Call-IDs belong to; -1: whichever it happens to be */
    char lamp[160];    /* the last dialog that a NOTIFY told it by name, as Replaces says it */
    int port, key, version;
    /* where its binding leads when it does not serve, and for a large request before that */
    struct phone *way[WAYS_MAX], *large_way;
    int ways;
    struct rf_path *is_way_of; /* that gave it last */
    int asides;                /* how often it was set aside, and the last Retry-After */
    uint32_t retry_after_s;
};

struct media_slot {
    bool used, is_adopted;
    struct rf_media_name name;
    struct rf_media_leg leg[2];
    bool has[2];
};

/* From worker to worker: what `post` or `pass` sends, or a message that came in where its call is not. */
struct stage_letter {
    uint16_t from, to;
    struct wire *wire; /* of a message; NULL: a letter */
    bool is_passed;
    struct rf_call_passed who;
    char *octets;
    size_t n;
};

struct stage {
    uint64_t now, seed;
    struct rf_wheel *wheel;
    struct rf_txn_layer *txn;
    struct rf_auth *auth;
    struct rf_location *location;
    struct rf_call_layer *calls;
    /* the second worker: it has calls, and everything else is the first one's */
    int workers;
    struct rf_txn_layer *txn2;
    struct rf_call_layer *calls2;
    struct rf_call_guests *guests;
    struct stage_letter letter[LETTERS_MAX];
    int letters, letters_due; /* due: so many are delivered; -1: all */
    struct rf_rand rand;
    struct rf_call_settings settings;
    struct rf_call_user user[8];
    int users;
    char kept[512]; /* texts that users point at: stage_keep */
    size_t kept_n;
    char conf_text[8192]; /* sip-connections, numbers, routes; users are added */
    struct rf_conf *conf;
    struct rf_connections *connections;
    struct rf_board *board;
    struct rf_call_routing routing;
    struct phone phone[PHONES_MAX];
    int phones;
    uint64_t flow_ids;
    /* the relay */
    struct media_slot slot[SLOTS];
    struct rf_media_map *map;
    struct rf_media_reply reply[64];
    uint8_t reply_to[64]; /* worker */
    uint8_t asks_media;   /* worker that speaks with it now */
    int replies;
    int changes; /* CHANGE since the last OPEN: without one nothing is relayed */
    bool relay_full, relay_silent, relay_away, relay_one_family;
    bool all_required; /* every user requires SRTP: then every leg must say so to the relay */
    /* what was kept */
    struct { char id[40]; char *value; size_t n; } saved[SAVED_MAX];
    /* subscriptions and mailboxes */
    struct rf_event_layer *events;
    struct rf_event_board *lamps;
    struct rf_quota *subscriptions;
    struct rf_event_settings event_settings;
    char watched_by[8][64];   /* of each user; empty: all */
    struct rf_conf *rules;    /* made of these when somebody asks; NULL: not yet */
    char voice_mail[64];      /* user that may set mailboxes */
    struct { char kind[16], name[80]; char *value; size_t n; } item[ITEMS_MAX];
    struct { uint64_t cookie; enum rf_err err; } stored[ITEMS_MAX]; /* answers of the disk on their way */
    int stored_n;
    char news[NEWS_MAX][64];
    int news_n;
    bool news_lost;
    bool disk_fails, disk_is_slow;
    char *record; /* of the last call that ended, as JSON text */
    int records;
    bool slow_paths;
    struct rf_link paths; /* struct rf_path */
    size_t udp_max;
    bool strict_keys; /* security.strict-keys, for connections that are configured from now on */
    char wrong[400]; /* the first broken invariant; empty: none */
};

/** More lines of a configuration with connections; why: what is wrong with it, or NULL. */
const char *stage_configure(struct stage *s, const char *lines);
/** The first `was` of what was configured gives way to `is`, which is not longer; stage_configure puts it in force. */
bool stage_rewrite(struct stage *s, const char *was, const char *is);
struct stage *stage_open(uint64_t seed);
void stage_close(struct stage *s);
/** A new signal process: every connection is closed, calls come back from what was saved. */
void stage_restart(struct stage *s);

/** A second worker; before everything else in a play. */
void stage_second_worker(struct stage *s);
/** Do requests with this Call-ID go to this worker (-1: any)? */
bool stage_is_owner(const struct stage *s, int worker, const char *call_id);
/** What watched_by says has changed. */
void stage_new_rules(struct stage *s);
/** A copy that lasts as long as the stage. */
const char *stage_keep(struct stage *s, const char *text);
struct rf_call_user *stage_user(struct stage *s, const char *name, enum rf_srtp_mode mode);
struct phone *stage_phone(struct stage *s, const char *name, const char *user, enum rf_transport t, bool is_v6);
struct phone *phone_named(struct stage *s, const char *name);
void phone_register(struct stage *s, struct phone *p);
/** Its connection closes. */
void phone_leave(struct stage *s, struct phone *p);
/** A new connection and a REGISTER. */
void phone_return(struct stage *s, struct phone *p);
/** Octets from the phone to ringfence. */
void phone_send(struct stage *s, struct phone *p, const char *text);
/** Oldest message of the inbox, which the caller frees; NULL when it is empty. */
char *phone_take(struct phone *p);

/* What phones say; sdp NULL: none. extra: header lines. */
void phone_invite(struct stage *s, struct phone *p, const char *target, const char *sdp, const char *extra);
void phone_reinvite(struct stage *s, struct phone *p, const char *sdp, const char *extra);
void phone_asks(struct stage *s, struct phone *p, const char *method, const char *user);
/** The same with headers and a body, answering a challenge; type and body may be NULL. */
void phone_requests(struct stage *s, struct phone *p, const char *method, const char *user, const char *extra,
                    const char *type, const char *body);
void phone_ack(struct stage *s, struct phone *p, const char *sdp);
void phone_cancel(struct stage *s, struct phone *p);
void phone_indialog(struct stage *s, struct phone *p, const char *method, const char *extra, const char *type,
                    const char *body);
/** Answer the last request (or the last INVITE). */
void phone_answer(struct stage *s, struct phone *p, bool invite, int status, const char *tag, const char *sdp,
                  const char *extra);

/** Answer this one, as it came; NULL: nothing happens. */
void phone_answer_to(struct stage *s, struct phone *p, const char *request, int status, const char *tag,
                     const char *sdp, const char *extra);

/** A phone reads a message: its dialog, and the ACK for a refusal. */
void phone_hears(struct stage *s, struct phone *p, const char *text);
/** Is it a challenge that the phone answers? Then it was. */
bool phone_signs_in(struct stage *s, struct phone *p, const char *text);

/** The play shows a fault: the first one is kept. */
void stage_wrong(struct stage *s, const char *what);
int64_t stage_wall_s(const struct stage *s);
/** Deliver what is under way: answers of the relay, challenges, ACKs for refusals. */
void stage_pump(struct stage *s);
void stage_elapse(struct stage *s, uint64_t us);
int stage_media_count(const struct stage *s);
struct media_slot *stage_media(struct stage *s);

#endif
