/*
 * call/layer.h - what the files of this folder do for each other, file by file; nobody else includes it
 */
#ifndef RF_CALL_LAYER_H
#define RF_CALL_LAYER_H

#include "call/state.h"

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
/** The same before the call is up, with the keys that the leg's 18x has agreed to. */
struct rf_span leg_offer_early(struct leg *leg, const struct leg_media *codecs);
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
/** Is it a repeat of an INVITE that was passed here and whose transaction has ended? Nobody answers it. */
bool request_comes_again(struct rf_call_layer *l, const struct rf_sip_msg *msg);
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
/** Is the BYE of this 2xx under way? */
bool unwanted_is_told(struct rf_call_layer *l, const struct rf_sip_msg *msg);
/** For the BYE of a 2xx that no call of ours explains. false: it gets no answer, and its sender gives up by itself. */
bool unwanted_has_room(const struct rf_call_layer *l);
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
/** Its audio can be read by whoever is on the way: plain RTP, or SRTP without encryption (TEL-29). */
bool leg_is_in_clear(const struct leg *leg);
void evidence_put_media(const struct call *c, const struct leg *leg, struct rf_buf *b);
/** "ENCRYPTED" and so on. */
const char *verdict_name(enum verdict v);
/** NULL: no memory. */
json_t *record_make(struct call *c, uint64_t now_us, bool with_ladder);
/** The record of a call that ended, to the store and among the recent ones. */
void record_keep(struct call *c, uint64_t now_us);

/* --- tally.c: what calls add to the metrics (base/tally.h) --- */
/** It counts among those with its verdict of now. At its end: among none. */
void tally_verdict(struct call *c);
void tally_no_verdict(struct call *c);
/** Each sample: what the relay has counted of each leg since the last one. */
void tally_sample(struct call *c);
/** The last one of a leg, which has its final numbers. */
void tally_leg_over(struct call *c, struct leg *leg);
/** The leg's numbers begin anew: it came into another call. @param base  the relay's, as of now */
void tally_leg_anew(struct leg *leg, const struct media_numbers *base);
void tally_leg_free(struct leg *leg);
/** Its record is made. */
void tally_ended(const struct call *c);
/** Audio of a leg flows one way for the first time. */
void tally_one_way(void);

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
/** An offer of leg A after its first one was answered reliably, before the call is up. true: answered 200, or leg B is
 *  asked (earlyoffer.c). */
bool update_early(struct leg *leg, struct rf_server_txn *txn, const struct rf_sip_msg *msg, uint64_t now_us);
/** Answer leg A's offer `m`, which is taken over, without asking anybody, or 488. true: 200. */
bool update_answer_here(struct leg *leg, struct rf_server_txn *txn, struct leg_media *m, uint64_t now_us);
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
/** true: leg A owes a PRACK first; the 2xx was kept (held.c). */
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
/** Leg B: all its 18x came from one fork, reliably. */
bool prack_is_only_fork(const struct leg *leg);
/** What waited while leg B was asked of an offer: 2xx, or an 18x. Last thing its caller does (I5). */
void prack_go_on(struct call *c, uint64_t now_us);

/* --- held.c --- */
/** A 2xx that cannot be heard yet is kept, unless it is a repeat or one too many. */
void held_keep(struct leg *by, const struct rf_sip_msg *msg);
/** Now it can: the first that serves has the call. Last thing its caller does (I5). */
void held_hear(struct call *c, uint64_t now_us);
/** Somebody else has the call, or it ends: all that wait get ACK and BYE. */
void held_drop(struct call *c, uint64_t now_us);
/** Without a word: we stop, or the call never rang. */
void held_forget(struct call *c);

/* --- earlyoffer.c --- */
/**
 * An offer of leg A in an UPDATE before the call is up goes to leg B, and `m` with it. false: it cannot, nothing
 * happened.
 */
bool early_offer_pass(struct call *c, struct rf_server_txn *txn, struct leg_media *m, uint64_t now_us);
/** Leg A's UPDATE that waits is answered so; nothing has changed. Fine when there is none. */
void early_offer_stop(struct call *c, int status, uint64_t now_us);
/** Leg B rings no more: nobody waits for what it says to our UPDATE. */
void early_offer_leg_over(struct leg *b, uint64_t now_us);
/** Another fork of leg B has the early dialog: what the one before was asked, or has agreed to, holds for it alone. It
 *  is told again what holds when it answers after all. */
void early_offer_other_fork(struct leg *b, uint64_t now_us);
/** For leg_free. */
void early_offer_free(struct leg *leg);

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
 * A connection that replaces its own leg by an INVITE: where SRTP was asked more strictly of that leg (policy `was`, the
 * other direction's setting) it stays so, and what its settings allow by way of exception both must allow. true: the
 * policy of `a` has changed.
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
