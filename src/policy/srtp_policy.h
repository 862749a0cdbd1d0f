/*
 * policy/srtp_policy.h - which offers and answers are accepted, and how they are encrypted
 *
 * Pure functions: facts in, decision and reason out. Requirements TEL-12, TEL-20 to TEL-39, IPC-25;
 * tests/data/sdp/srtp-policy.json is the table test. The setting `srtp` means:
 *   required  we offer RTP/SAVP with suites; an offer or answer without a usable one is refused
 *   optional  we offer RTP/AVP with suites (RFC 8643); with a suite it becomes SRTP, without one plain RTP
 *   off       we offer plain RTP; an offer with suites is honoured (TEL-36), an answer with suites refused (TEL-32)
 */
#ifndef RF_POLICY_SRTP_POLICY_H
#define RF_POLICY_SRTP_POLICY_H

#include "base/rand.h"
#include "base/refusal.h"
#include "sdp/write.h"

enum rf_srtp_mode { RF_SRTP_OFF, RF_SRTP_OPTIONAL, RF_SRTP_REQUIRED };

struct rf_srtp_policy {
    enum rf_srtp_mode mode;
    uint8_t suite[RF_CRYPTO_LINES_MAX]; /* ids of rf_srtp_suite that may be used, in the order we offer them */
    size_t suite_count;
    bool answer_savp;      /* answer-profile savp: RTP/AVP with a=crypto is answered RTP/SAVP (TEL-23) */
    bool allow_null_auth;  /* AES_CM_128_NULL_AUTH may be chosen, last (TEL-30) */
    bool allow_unencrypted; /* lines with UNENCRYPTED_SRTP or ..._SRTCP may be chosen, after all others (TEL-29) */
    /* A suite that encrypts nothing (NULL_HMAC_...) is never offered or chosen, whatever the list says (TEL-29). */
    bool offerer_order;    /* take the first common suite of the offer, not the strongest (TEL-22) */
    bool hosted;           /* platform hosted: as required, keys in clear refused */
    bool transport_secure; /* the SDP came (goes) by TLS; keys over a clear transport: RF-309 */
    bool strict_transport; /* keys over a clear transport are refused, not only reported (TEL-12) */
};

struct rf_srtp_decision {
    enum rf_refusal refusal;      /* RF_REFUSE_NONE: accepted */
    char detail[200];             /* what was wrong, for a person; "" when the refusal says it all */
    char theirs[160], ours[160];  /* suites, for NO_COMMON_SUITE; "" otherwise */
    char profile[48];             /* transport profile of their stream */
    bool encrypted;               /* SRTP was agreed; what `clear` names is authenticated alone */
    uint8_t clear;                /* RF_SRTP_CLEAR_*: session parameters of the chosen line */
    uint32_t tag;                 /* of the chosen line */
    const struct rf_srtp_suite *suite;
    size_t their_key_count;       /* keys we receive with: one, or several with MKI */
    struct rf_srtp_key their_key[RF_CRYPTO_KEYS_MAX];
    enum rf_sdp_profile answer_profile; /* offers only */
    bool keys_in_clear;           /* accepted, but report RF-309 (TEL-12) */
    bool weak;                    /* NULL_AUTH, a 32-bit tag, something in clear: flagged in the record */
    size_t skipped;               /* lines passed over (unknown suite, unencrypted...) */
};

/** Decide on an offer that came in; stream as of rf_sdp_first_audio (-1: no audio, refused BAD_SDP). */
void rf_srtp_offer_in(const struct rf_srtp_policy *p, const struct rf_sdp *offer, int stream,
                      struct rf_srtp_decision *out);

/**
 * Fresh keys for an offer of ours: fills face->profile and face->crypto by the policy.
 * @return RF_REFUSE_NONE; KEYS_IN_CLEAR when SRTP is required and the offer would go over a clear transport that
 *         may not carry keys, or NO_COMMON_SUITE when it is required and no suite may be used: do not send it
 *         (face then has no keys and a secure profile, so that even a sent offer could not lead to clear media)
 */
enum rf_refusal rf_srtp_offer_out(const struct rf_srtp_policy *p, const struct rf_rand *rand, struct rf_sdp_face *face);

/** The answer's crypto for an accepted offer: same tag and session parameters, a fresh key that differs from theirs;
 *  none when plain. */
void rf_srtp_answer_out(const struct rf_srtp_decision *d, const struct rf_rand *rand, struct rf_sdp_face *face);

/** Decide on an answer to our offer `ours`. out->suite with our own key is ours->crypto[] with out->tag. */
void rf_srtp_answer_in(const struct rf_srtp_policy *p, const struct rf_sdp_face *ours,
                       const struct rf_sdp *answer, int stream, struct rf_srtp_decision *out);

/**
 * A description that is to pass us by, with its keys and addresses, because both sides send their media to each other
 * (media-handling-mode bypass, TEL-33). Nothing of it is chosen or changed, and its encryption is nobody's to prove, so that
 * `required` cannot be met and is not asked. Refused: BYPASS_UNPROVEN on platform hosted; KEYS_IN_CLEAR when it bears keys,
 * of whatever keying (rf_sdp_has_keys), and the transport is clear, since there they would be worth nothing; BAD_SDP.
 * out->encrypted is never set.
 */
void rf_srtp_bypass(const struct rf_srtp_policy *p, const struct rf_sdp *sdp, int stream, struct rf_srtp_decision *out);

/**
 * May a description that passes us by reach this leg, or come from it, although nobody said bypass of it: a call was
 * forwarded there? Where SRTP is required each stream that is on must have keys under a secure profile, and no a=crypto
 * line that leaves packets open or that we do not know: the other side may choose any of them.
 */
bool rf_srtp_bypass_may(const struct rf_srtp_policy *p, const struct rf_sdp *sdp);

/**
 * What a caller hears when every place refused for incompatibility (488, 606, cause 88): the only place's own status, or 503
 * when there were several (TEL-35). Its Reason is Q.850 cause 88.
 */
int rf_srtp_incompatible_status(int status, size_t places);

#define RF_SRTP_REFUSAL_FIELDS 9

/**
 * The words of a refusal's sentence (base/refusal.h): {who}, {setting}, {transport} as given, {profile}, {detail},
 * {tag}, {theirs}, {ours} of the decision. The fields point into *d; keys are never among them.
 */
void rf_srtp_refusal_fields(const struct rf_srtp_decision *d, const char *who, const char *setting,
                            const char *transport, struct rf_log_field field[static RF_SRTP_REFUSAL_FIELDS]);

/** Suites offered by default to phones. Returns how many. */
size_t rf_srtp_suites_for_phones(uint8_t suite[static RF_CRYPTO_LINES_MAX]);
/** Suites offered by default to SIP connections (TEL-20, TEL-21). Returns how many. */
size_t rf_srtp_suites_for_connections(uint8_t suite[static RF_CRYPTO_LINES_MAX]);

/** A list such as "AEAD_AES_256_GCM AES_CM_128_HMAC_SHA1_80" (spaces or commas). RF_ERR_NOT_FOUND: an unknown
 *  name, which *unknown then shows; RF_ERR_SYNTAX: the list is empty. A name that stands twice counts once. */
RF_MUST_CHECK enum rf_err rf_srtp_suites_parse(struct rf_span list, uint8_t suite[static RF_CRYPTO_LINES_MAX],
                                               size_t *n, struct rf_span *unknown);

#endif
