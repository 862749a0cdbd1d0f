/*
 * main/worker.h - one signal worker: a thread with its own loop, connections, transactions and calls
 *
 * Everything a worker has is its own; what workers share is in struct rf_signal and is read-only, counted, or
 * locks for a few instructions inside (location, auth, store, guard, quotas, folded refusals).
 *
 * Who handles a message: REGISTER, and OPTIONS outside of a dialog, the worker that received it. Everything else
 * belongs to the worker of its Call-ID (rf_call_owner); it is posted there, with a remote flow for the way back.
 *
 * Invariants:
 * (W1) A request that cannot be posted is answered 503 with Retry-After; a response or ACK is dropped and counted,
 *      because its sender repeats it.
 * (W2) A REGISTER that changes anything is answered after its commit.
 */
#ifndef RF_MAIN_WORKER_H
#define RF_MAIN_WORKER_H

#include <pthread.h>

#include "call/call.h"
#include "event/event.h"
#include "flow/guard.h"
#include "flow/remote.h"
#include "flow/transport.h"
#include "loop/mailbox.h"
#include "main/devices.h"
#include "main/fold.h"
#include "main/launch.h"
#include "main/letters.h"
#include "main/path.h"
#include "main/pulse.h"
#include "main/refused.h"
#include "main/site.h"
#include "relay/client.h"
#include "store/store.h"

/* What the threads of signal share. */
struct rf_signal {
    const struct rf_launch *launch;
    struct rf_store *store;
    struct rf_auth *auth;
    struct rf_location *location;
    const struct rf_media_map *map;
    struct rf_tls_tickets *tickets;
    struct rf_refused *refused;    /* chains of peers that were refused */
    struct rf_hash_key owner_key;
    struct rf_guard *guard;
    struct rf_ban_memory *bans;    /* the guard's, which outlives us */
    struct rf_fold *fold;
    struct rf_board *board;        /* what is known of SIP connections */
    struct rf_event_board *lamps;  /* what is known of users: their dialogs, their mailboxes */
    struct rf_call_guests *guests; /* dialogs at another worker than their Call-ID says */
    struct rf_quota *connections, *calls, *subscriptions; /* of addresses, of users, and of all */
    struct rf_mailbox *desk;       /* of the first thread */
    struct rf_mailbox *slow, *web; /* of those threads (main/slow.h, main/web.h) */
    struct rf_acme_shown *shown;   /* what an authority may look at */
    struct rf_pulse pulse[RF_PULSE_COUNT]; /* of the threads beside the workers */
    struct rf_ocsp_cache *ocsp;    /* what authorities say of peers' certificates */
    struct rf_self *self;          /* what the kernel says of this process (main/self.h) */
    _Atomic bool reload_failed;    /* the last change of the configuration was refused */
    _Atomic int64_t configured_s;  /* when the one in force was taken over */
    _Atomic unsigned sites_under_way; /* in mailboxes of who accepts connections: the last change does not hold there yet */
    struct rf_worker *worker[RF_WORKERS_MAX];
    unsigned workers;
};

/** Who accepts at listeners of this interface: each worker, or the web thread for all of them. */
struct rf_mailbox *rf_acceptor(const struct rf_signal *s, const char *interface, unsigned worker);

/* Plain numbers that other threads may read relaxed. */
struct rf_worker_numbers {
    _Atomic uint64_t beat_us;      /* its loop went round */
    _Atomic uint64_t calls;        /* as of its last tick, a fifth of a second ago at most */
    _Atomic bool lamp_missed;      /* a letter of news did not fit into its mailbox */
    _Atomic uint64_t strangers;    /* messages of nobody's peers that got no answer */
    _Atomic uint64_t malformed, dropped, posted, guarded, post_refused, registers, store_late;
};

struct rf_worker {
    struct rf_signal *shared;
    uint16_t index;
    pthread_t thread;
    struct rf_loop *loop;
    struct rf_mailbox *letters;    /* for messages, sites, questions */
    struct rf_mailbox *stored;     /* for the store's answers: never full (register.c) */
    struct rf_transport_layer *transport;
    struct rf_remote_flows *remotes;
    struct rf_tls_server *tls[RF_IFACE_COUNT]; /* of interfaces that have a TLS listener */
    struct rf_tls_client *client;  /* for devices to which we connect as sip-trunks; NULL: not made yet */
    struct rf_tls_client **clients;/* for servers of connections, by their index; each NULL until it is needed */
    size_t client_count;
    struct rf_tls_ring *handshakes;
    struct rf_devices *devices;
    struct rf_txn_layer *txn;
    struct rf_call_layer *calls;
    struct rf_event_layer *events;
    struct rf_mailbox *kept;       /* for the store's answers about subscriptions: never full (eventenv.c) */
    size_t kept_open;              /* of these, how many are waited for */
    uint64_t mailboxes_at_us;      /* worker 0: the next look for publications that are over */
    struct rf_paths *paths;
    struct rf_keeper *keeper;
    struct rf_media_client *media;
    struct rf_site *site;
    uint32_t judgement;            /* how many sites there were before this one: rf_flow.proven_by */
    struct rf_register *registers;
    struct rf_timer tick;
    struct rf_worker_numbers numbers;
    bool runs;
    char out[RF_SIP_MESSAGE_MAX];  /* scratch: an answer being written */
    struct rf_sip_msg msg;         /* scratch: the message being handled */
};

/** What the configuration says about registrations and sign-in. */
void rf_signal_limits(const struct rf_conf *c, struct rf_location_limits *limits, struct rf_auth_settings *auth);

/** Make it: nothing runs yet, and it listens nowhere until it is told (RF_LETTER_LISTEN). Takes the site over. */
RF_MUST_CHECK enum rf_err rf_worker_new(struct rf_worker **out, struct rf_signal *shared, uint16_t index,
                                        struct rf_site *site);
/** Start its thread. */
RF_MUST_CHECK enum rf_err rf_worker_start(struct rf_worker *w);
/** Stop its loop and wait for it. */
void rf_worker_stop(struct rf_worker *w);
void rf_worker_free(struct rf_worker *w);

/* --- for the files of this folder, on the worker's thread --- */

/** TLS towards a server of the configuration; borrowed. NULL: it cannot be made, which was logged. */
struct rf_tls_client *rf_worker_client(struct rf_worker *w, const struct rf_call_server *server);
/** Contexts for w->site's interfaces that listen, or none of them, which was logged: the old ones stay then. */
RF_MUST_CHECK enum rf_err rf_worker_make_tls(struct rf_worker *w);
/** Forget those that rf_worker_client made: the next of each is made of w->site. */
void rf_worker_drop_clients(struct rf_worker *w);

/** What w->site says about connections. */
void rf_worker_transport_limits(const struct rf_worker *w, struct rf_transport_limits *out);
/** The interface whose listener has this name. */
enum rf_iface rf_listener_iface(const char *listener);

/** What `status` shows of a worker; an object of numbers. */
json_t *rf_worker_numbers_json(struct rf_worker *w);

/* receive.c: what arrives */

/** The functions that transport and transactions call; they are receive.c's. */
void rf_worker_transport_user(struct rf_worker *w, struct rf_transport_user *out);
void rf_worker_txn_user(struct rf_worker *w, struct rf_txn_user *out);
/** RF-513: what came from there cannot be used; folded by its source. */
void rf_worker_say_unusable(struct rf_worker *w, const struct rf_addr *from, int status, const char *detail,
                            uint64_t now_us);
/** Who has it next: the worker of its Call-ID, and from there the one whose call its dialog was transferred into. */
uint16_t rf_worker_next(const struct rf_worker *w, const struct rf_sip_msg *m, bool is_posted);
/** The message in w->msg to that worker; (W1) its sender is answered 503 when the mailbox is full. */
void rf_worker_post_message(struct rf_worker *w, uint16_t to, struct rf_flow *flow, uint64_t now_us);
/** The message in w->msg, on the worker that owns it. */
void rf_worker_received(struct rf_worker *w, struct rf_flow *flow, uint64_t now_us);
/** An answer without a transaction: to what cannot have one, or should not cost one. `headers` is not in w->out. */
void rf_worker_answer_bare(struct rf_worker *w, const struct rf_sip_msg *msg, struct rf_flow *flow, int status,
                           struct rf_span headers);

/* post.c: letters (main/letters.h) */

/** Post a letter of this head and octets; false: the reader's mailbox is full. */
bool rf_worker_post(struct rf_mailbox *to, const void *head, size_t head_octets, struct rf_span octets);
/** `post` of remote flows (flow/remote.h); ctx is the worker. */
RF_MUST_CHECK enum rf_err rf_worker_post_flow(void *ctx, uint16_t worker, const struct rf_span *parts, size_t n);
/** A letter for this worker; ctx is the worker. */
void rf_worker_letter(void *ctx, struct rf_span letter, uint64_t now_us);

/* shares.c: who asks too much */

/** What the configuration says about sources. */
void rf_signal_guard_limits(const struct rf_conf *c, struct rf_guard_limits *out);
/** May its source send the message in w->msg? false: it was answered, or its connection was closed. */
bool rf_worker_guards(struct rf_worker *w, struct rf_flow *flow, uint64_t now_us);
/** The same for one that names a dialog or a transaction, and none of ours: it counts, whatever credentials it bears. On
 *  the worker that owns its Call-ID. */
bool rf_worker_guards_stray(struct rf_worker *w, struct rf_flow *flow, uint64_t now_us);
/** `admit` of the transport (flow/transport.h): may this source connect? ctx is the worker. */
bool rf_worker_admits(void *ctx, const struct rf_addr *source, enum rf_transport t, uint64_t now_us);
/** Sign-in of a request failed or worked: logged, repeats folded, and counted for bans. */
void rf_worker_sign_in_failed(struct rf_worker *w, const struct rf_flow *flow, const struct rf_auth_result *who,
                              uint64_t now_us);
void rf_worker_signed_in(struct rf_worker *w, const struct rf_flow *flow);

/* callenv.c: what calls need of the outside (call/call.h) */
void rf_worker_call_env(struct rf_worker *w, struct rf_call_env *env);

/* eventenv.c: subscriptions and messages */
/** After w->calls was made. */
RF_MUST_CHECK enum rf_err rf_worker_make_events(struct rf_worker *w, const struct rf_call_env *call);
/** Five times a second: publications and news that did not fit a mailbox. */
void rf_worker_tick_events(struct rf_worker *w, uint64_t now_us);
/** `changed` of the board; ctx is the struct rf_signal. */
void rf_signal_lamp_changed(void *ctx, const char *user, uint16_t worker);

/* strangers.c: who gets no answer where only trunks are expected */

/** true: this sender is nobody's peer and gets nothing; counted, logged, its connection is closed. */
bool rf_worker_ignores(struct rf_worker *w, struct rf_flow *flow, const char *what, uint64_t now_us);
/** The same for the request in w->msg, but for an ACK. One that names a dialog belongs to the owner of its Call-ID. */
bool rf_worker_ignores_request(struct rf_worker *w, struct rf_flow *flow, uint64_t now_us);

/* trunks.c: certificates of peers, where more than a handshake decides */

/** A connection is open: may its peer speak? Marks or closes the flow when not, and says why. */
void rf_worker_judge_peer(struct rf_worker *w, struct rf_flow *flow, uint64_t now_us);
/** A message came by it: what its certificate proves is judged anew when the configuration is another one by now, since
 *  pins, authorities and names of connections may have changed. Flows of this worker alone. */
void rf_worker_prove_again(struct rf_worker *w, struct rf_flow *flow);
/** Keep the chain that the peer of this flow showed. */
void rf_worker_keep_refused(struct rf_worker *w, const struct rf_flow *flow, enum rf_refusal why, const char *detail,
                            uint8_t passes_level);
/** Is this an address of a trunk (sip-trunks.peer-addresses)? */
bool rf_site_is_trunk(const struct rf_site *s, const struct rf_addr *a);

/* register.c: REGISTER requests */
struct rf_register;
/** RF_ERR_NOMEM. The worker outlives it. */
RF_MUST_CHECK enum rf_err rf_register_new(struct rf_register **out, struct rf_worker *w);
void rf_register_free(struct rf_register *r);
/**
 * Challenge a REGISTER without credentials, without a transaction (RFC 3261 26.3.2.4): a stranger's requests cost
 * no memory, and one that is repeated is challenged anew. False: it is none, or needs another answer.
 */
bool rf_register_challenge(struct rf_register *r, const struct rf_sip_msg *msg, struct rf_flow *flow, uint64_t now_us);
/** A REGISTER with its transaction: signed in, bound, answered after the commit (W2). */
void rf_register_request(struct rf_register *r, struct rf_server_txn *txn, const struct rf_sip_msg *msg,
                         uint64_t now_us);

#endif
