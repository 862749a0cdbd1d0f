/*
 * cli/prove.h - what ringfence claims, shown by real phones through real sockets
 *
 *   self_call.c  one call between two phones of ours: what they counted, and whether the daemon agrees
 *   prove.c      the claims of the demo, each with its own checks
 *   claim.c      a claim on the screen
 *
 * The phones are of src/ua, which shares no socket, TLS or dialog code with the daemon. Nothing here is a
 * constant: what is printed was measured just before.
 */
#ifndef RF_CLI_PROVE_H
#define RF_CLI_PROVE_H

#include "cli/demo.h"
#include "ua/ua.h"

/* --- claims --- */

enum rf_claim_state { RF_CLAIM_OPEN, RF_CLAIM_HELD, RF_CLAIM_FAILED, RF_CLAIM_SKIPPED };

#define RF_CLAIMS_MAX 16

/* A line of the screen, or two. */
struct rf_claim {
    const char *name; /* "call 201 -> 202" */
    enum rf_claim_state state;
    char seen[3][80];            /* what was measured; "" for none */
    char mark[24];               /* "encrypted", "RF-301": stands behind "ok" */
    unsigned checks;             /* comparisons that were made */
    char code[8], sentence[256]; /* failed: why */
};

/** On the screen; state_dir: for the command that says more when it failed. */
void rf_claim_print(const struct rf_cli *cli, const struct rf_claim *c, const char *state_dir);
json_t *rf_claim_json(const struct rf_claim *c);

/* --- one call --- */

/* Index 0 is the caller, 1 the callee. */
struct rf_self_call {
    struct rf_ua *phone[2];
    struct rf_ua_call *call[2];
    struct rf_ua_media_info media[2]; /* when it was measured last */
    json_t *record;                   /* what the daemon said of it then (call.show) */
    char id[64];                      /* the daemon's name for it */
    char why[256];                    /* a sentence, when something failed */
    char code[8];                     /* "RF-301", or "" */
};

/** Phone 0 calls the user of phone 1; both are signed in, and phone 1 is set to RF_UA_RING. On an error why and
 *  code say more. */
RF_MUST_CHECK enum rf_err rf_self_call_begin(struct rf_self_call *c, struct rf_ua_set *set,
                                             const char *target, uint32_t timeout_ms);
/** RTP packets that the ear which heard less has accepted. */
uint64_t rf_self_call_heard(const struct rf_self_call *c);
/**
 * Mute both, let what is on its way arrive, and take the numbers of the phones and of the daemon.
 * The daemon is asked for the call whose caller has this phone's address; once it is known, by its id.
 * @return RF_ERR_NOT_FOUND: the daemon does not know the call
 */
RF_MUST_CHECK enum rf_err rf_self_call_measure(struct rf_self_call *c, struct rf_ua_set *set,
                                               const char *state_dir);
/** Both send again. */
void rf_self_call_talk(struct rf_self_call *c);
/**
 * Every packet that a phone sent was heard by the other and counted by the daemon on both legs, with the
 * protection that each leg agreed on: nothing lost, refused or in clear where SRTP was agreed.
 * @param odd  packets sent by phone 0 on purpose that had to be dropped
 * @return how many comparisons were made; 0: one failed, and why says which
 */
unsigned rf_self_call_agrees(struct rf_self_call *c, uint64_t odd);
/** Each ear hears the other's tone: its frequency within 1 % and little besides. As above. */
unsigned rf_self_call_sounds(struct rf_self_call *c, const uint32_t tone_hz[2]);
/** Number at legs[leg].media.DIRECTION.KEY of the record; -1: it is not there. */
int64_t rf_self_call_count(const struct rf_self_call *c, int leg, const char *direction, const char *key);
/** Text of the record's leg: part "signalling" or "media". */
const char *rf_self_call_text(const struct rf_self_call *c, int leg, const char *part, const char *key);
/** What protected the legs, how many packets went each way, which tones were heard: the lines of a claim. */
void rf_self_call_describe(const struct rf_self_call *c, const uint32_t tone_hz[2], struct rf_claim *out);
/** Hang up and free; both phones stay. */
void rf_self_call_end(struct rf_self_call *c, struct rf_ua_set *set);

/* --- the proof --- */

struct rf_prove_conf {
    struct rf_demo_daemon *daemon;
    const struct rf_demo_site *site;
    /** Asked again and again: true ends the proof. */
    bool (*is_over)(void *ctx);
    /** Told when a claim is being looked at, for a screen that shows it; may be NULL. */
    void (*progress)(void *ctx, const char *name);
    void *ctx;
};

/**
 * Prove everything. What comes after a claim that failed is skipped.
 * @return true when every claim held
 */
bool rf_prove(const struct rf_prove_conf *conf, struct rf_claim claim[static RF_CLAIMS_MAX], size_t *count);

#endif
