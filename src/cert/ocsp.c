#include "cert/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "cert/part.h"

/* --- the question --- */

bool
rf_ocsp_url(X509 *x, char *out, size_t size)
{
    AUTHORITY_INFO_ACCESS *aia = X509_get_ext_d2i(x, NID_info_access, NULL, NULL);
    bool found = false;

    for (int i = 0; !found && i < sk_ACCESS_DESCRIPTION_num(aia); i++) {
        const ACCESS_DESCRIPTION *d = sk_ACCESS_DESCRIPTION_value(aia, i);
        struct rf_span url;
        bool is_plain = true;

        if (OBJ_obj2nid(d->method) != NID_ad_OCSP || d->location->type != GEN_URI)
            continue;
        url = rf_span(ASN1_STRING_get0_data(d->location->d.ia5),
                      (size_t)ASN1_STRING_length(d->location->d.ia5));
        for (size_t k = 0; k < url.n; k++)
            is_plain &= url.p[k] > ' ' && url.p[k] < 0x7f;
        found = is_plain && url.n > 7 && rf_span_ieq(rf_span_sub(url, 0, 7), RF_SPAN_LIT("http://")) &&
                rf_span_copy(url, out, size) == RF_OK;
    }
    AUTHORITY_INFO_ACCESS_free(aia);
    ERR_clear_error();
    return found;
}

enum rf_err
rf_ocsp_request(X509 *x, X509 *issuer, const uint8_t *nonce, struct rf_buf *out)
{
    OCSP_REQUEST *req = OCSP_REQUEST_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), x, issuer);
    enum rf_err err = RF_ERR_CRYPTO;
    unsigned char *der = NULL;
    int n;

    if (req == NULL || id == NULL || OCSP_request_add0_id(req, id) == NULL)
        goto done;
    id = NULL; /* the request's */
    if (nonce != NULL && OCSP_request_add1_nonce(req, (unsigned char *)(uintptr_t)nonce, RF_OCSP_NONCE) != 1)
        goto done;
    n = i2d_OCSP_REQUEST(req, &der);
    if (n <= 0)
        goto done;
    err = RF_ERR_RANGE;
    if ((size_t)n <= RF_OCSP_REQUEST_MAX && !out->overflow) {
        rf_put(out, rf_span(der, (size_t)n));
        err = out->overflow ? RF_ERR_RANGE : RF_OK;
    }

done:
    OPENSSL_free(der);
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(req);
    ERR_clear_error();
    return err;
}

/* --- the answer --- */

static bool
is_weak_digest(int nid)
{
    return nid == NID_sha1 || nid == NID_md5 || nid == NID_md5_sha1 || nid == NID_md4 || nid == NID_md2 ||
           nid == NID_ripemd160;
}

/* RSASSA-PSS says its digest in its parameters; nothing said is SHA-1 (RFC 4055 3.1). */
static bool
is_pss_strong(int type, const ASN1_STRING *value)
{
    const unsigned char *p = type == V_ASN1_SEQUENCE ? ASN1_STRING_get0_data(value) : NULL;
    RSA_PSS_PARAMS *pss = p != NULL ? d2i_RSA_PSS_PARAMS(NULL, &p, ASN1_STRING_length(value)) : NULL;
    bool is = pss != NULL && pss->hashAlgorithm != NULL && !is_weak_digest(OBJ_obj2nid(pss->hashAlgorithm->algorithm));

    RSA_PSS_PARAMS_free(pss);
    return is;
}

/* MD5 and SHA-1 can be made to collide: an answer could then be moved to another question. */
static bool
is_strong(const X509_ALGOR *alg)
{
    int type = V_ASN1_UNDEF, digest = NID_undef, kind = NID_undef, nid;
    const void *value = NULL;
    const ASN1_OBJECT *oid;

    X509_ALGOR_get0(&oid, &type, &value, alg);
    nid = OBJ_obj2nid(oid);
    if (nid == NID_rsassaPss)
        return is_pss_strong(type, value);
    return OBJ_find_sigid_algs(nid, &digest, &kind) == 1 && !is_weak_digest(digest);
}

static bool
is_signed_by(const OCSP_BASICRESP *basic, EVP_PKEY *key)
{
    /* Encoded again from what was read: octets that are not DER do not verify, as they should not. */
    return key != NULL && ASN1_item_verify(ASN1_ITEM_rptr(OCSP_RESPDATA), OCSP_resp_get0_tbs_sigalg(basic),
                                           OCSP_resp_get0_signature(basic),
                                           (void *)(uintptr_t)OCSP_resp_get0_respdata(basic), key) == 1;
}

/* Does the answer name this certificate as the one who signs (RFC 6960 4.2.1, ResponderID)? */
static bool
is_named(const OCSP_BASICRESP *basic, X509 *signer)
{
    const ASN1_OCTET_STRING *hash = NULL;
    const X509_NAME *name = NULL;
    unsigned char sha1[20];

    if (OCSP_resp_get0_id(basic, &hash, &name) != 1)
        return false;
    if (name != NULL)
        return X509_NAME_cmp(name, X509_get_subject_name(signer)) == 0;
    return ASN1_STRING_length(hash) == (int)sizeof sha1 &&
           X509_pubkey_digest(signer, EVP_sha1(), sha1, NULL) == 1 &&
           memcmp(sha1, ASN1_STRING_get0_data(hash), sizeof sha1) == 0;
}

static bool
has_purpose(X509 *signer)
{
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(signer, NID_ext_key_usage, NULL, NULL);
    bool has = false;

    for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++)
        has |= OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i)) == NID_OCSP_sign;
    sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
    return has;
}

/* RFC 6960 4.2.2.2: named by the issuer itself, for this and by word: anyExtendedKeyUsage does not count. */
static const char *
why_not_delegated(const struct rf_ocsp_question *q, X509 *signer)
{
    struct rf_trust_revocation rev = { 0 };
    struct rf_part p;
    const char *why = NULL;

    rf_part_read(&p, signer, false);
    if (X509_NAME_cmp(X509_get_issuer_name(signer), X509_get_subject_name(q->issuer)) != 0)
        why = "its responder was not named by the certificate's issuer";
    else if (!p.has_times || p.not_before > q->now_s + RF_OCSP_SKEW_S || p.not_after < q->now_s - RF_OCSP_SKEW_S)
        why = "its responder's certificate is not in date";
    else if (!has_purpose(signer))
        why = "its responder's certificate is not meant for it (id-kp-OCSPSigning)";
    else if (p.has_key_usage && (p.key_usage & (X509v3_KU_DIGITAL_SIGNATURE | X509v3_KU_NON_REPUDIATION)) == 0)
        why = "its responder's key usage does not allow signatures";
    else if (p.is_malformed || p.unknown_critical[0] != '\0')
        why = "its responder's certificate has an extension that cannot be honoured";
    else if (!p.can_verify || p.has_weak_signature || p.key_strength < RF_STRENGTH_RSA_1024)
        why = "its responder's key or signature is too weak";
    else if (X509_verify(signer, X509_get0_pubkey(q->issuer)) != 1)
        why = "its responder was not named by the certificate's issuer";
    rf_part_fini(&p);
    if (why == NULL && q->trust != NULL)
        rf_trust_revoked(q->trust, signer, q->issuer, q->issuer, q->now_s, &rev);
    return rev.is_revoked ? "its responder's certificate was revoked" : why;
}

/* NULL: somebody signed it who may. */
static const char *
why_not_signed(const struct rf_ocsp_question *q, const OCSP_BASICRESP *basic)
{
    const STACK_OF(X509) *sent = OCSP_resp_get0_certs(basic);
    const char *why = "nobody signed it who speaks for the certificate's issuer";

    if (!is_strong(OCSP_resp_get0_tbs_sigalg(basic)))
        return "it is signed by MD5, SHA-1 or in a way that is not known here";
    if (is_named(basic, q->issuer))
        return is_signed_by(basic, X509_get0_pubkey(q->issuer)) ? NULL : "its signature is not its issuer's";
    for (int i = 0; i < sk_X509_num(sent) && i < RF_OCSP_SIGNERS_MAX; i++) {
        X509 *signer = sk_X509_value(sent, i);

        if (!is_named(basic, signer))
            continue;
        why = why_not_delegated(q, signer);
        if (why == NULL && !is_signed_by(basic, X509_get0_pubkey(signer)))
            why = "its signature is not its responder's";
        if (why == NULL)
            return NULL;
    }
    return why;
}

/* Hashes of what is asked about are made for each way of hashing that the answer uses: five at most. */
static const EVP_MD *
digest_of(const OCSP_CERTID *id)
{
    ASN1_OBJECT *oid = NULL;

    OCSP_id_get0_info(NULL, &oid, NULL, NULL, (OCSP_CERTID *)(uintptr_t)id);
    switch (OBJ_obj2nid(oid)) {
    case NID_sha1:
        return EVP_sha1();
    case NID_sha224:
        return EVP_sha224();
    case NID_sha256:
        return EVP_sha256();
    case NID_sha384:
        return EVP_sha384();
    case NID_sha512:
        return EVP_sha512();
    default:
        return NULL;
    }
}

static OCSP_SINGLERESP *
single_about(const struct rf_ocsp_question *q, OCSP_BASICRESP *basic)
{
    OCSP_SINGLERESP *found = NULL;

    for (int i = 0; found == NULL && i < OCSP_resp_count(basic) && i < RF_OCSP_SINGLES_MAX; i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
        ASN1_INTEGER *serial = NULL;
        OCSP_CERTID *wanted;
        const EVP_MD *md;

        OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)(uintptr_t)id);
        if (serial == NULL || ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(q->x)) != 0 ||
            (md = digest_of(id)) == NULL)
            continue;
        wanted = OCSP_cert_to_id(md, q->x, q->issuer);
        if (wanted != NULL && OCSP_id_cmp(wanted, id) == 0)
            found = single;
        OCSP_CERTID_free(wanted);
    }
    return found;
}

static bool
has_critical(const OCSP_SINGLERESP *single, OCSP_BASICRESP *basic)
{
    return OCSP_SINGLERESP_get_ext_by_critical((OCSP_SINGLERESP *)(uintptr_t)single, 1, -1) >= 0 ||
           OCSP_BASICRESP_get_ext_by_critical(basic, 1, -1) >= 0;
}

/* An answer may leave the nonce out: most are signed once for all who ask (RFC 5019 4). Another one is a replay. */
static bool
nonce_differs(const struct rf_ocsp_question *q, OCSP_BASICRESP *basic)
{
    int at = q->nonce != NULL ? OCSP_BASICRESP_get_ext_by_NID(basic, NID_id_pkix_OCSP_Nonce, -1) : -1;
    const ASN1_OCTET_STRING *s = at >= 0 ? X509_EXTENSION_get_data(OCSP_BASICRESP_get_ext(basic, at)) : NULL;
    const unsigned char *p;

    if (s == NULL)
        return false;
    p = ASN1_STRING_get0_data(s);
    /* An OCTET STRING within the extension's own. */
    return ASN1_STRING_length(s) != RF_OCSP_NONCE + 2 || p[0] != V_ASN1_OCTET_STRING || p[1] != RF_OCSP_NONCE ||
           memcmp(p + 2, q->nonce, RF_OCSP_NONCE) != 0;
}

static const char *
reason_name(int reason)
{
    static const char *const name[] = { "unspecified",    "keyCompromise", "cACompromise", "affiliationChanged",
                                        "superseded",     "cessationOfOperation", "certificateHold", "",
                                        "removeFromCRL",  "privilegeWithdrawn", "aACompromise" };

    return reason >= 0 && (size_t)reason < sizeof name / sizeof *name ? name[reason] : "";
}

/* Freshness (RFC 6960 4.2.2.1), then what it says. */
static const char *
take_single(const struct rf_ocsp_question *q, OCSP_SINGLERESP *single, struct rf_ocsp_verdict *out)
{
    ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *to = NULL;
    int reason = -1, status = OCSP_single_get0_status(single, &reason, &revoked, &from, &to);
    int64_t since = 0;

    if (!rf_part_time(from, &out->this_update) || (to != NULL && !rf_part_time(to, &out->next_update)))
        return "its dates cannot be read";
    if (to == NULL)
        out->next_update = out->this_update + RF_OCSP_NO_END_S;
    if (out->next_update < out->this_update)
        return "it ends before it begins";
    if (out->this_update > q->now_s + RF_OCSP_SKEW_S)
        return "it is from the future";
    if (out->next_update < q->now_s - RF_OCSP_SKEW_S)
        return "it has ended";
    switch (status) {
    case V_OCSP_CERTSTATUS_GOOD:
        out->status = RF_OCSP_GOOD;
        return NULL;
    case V_OCSP_CERTSTATUS_REVOKED:
        out->status = RF_OCSP_REVOKED;
        out->reason = reason_name(reason);
        out->since = rf_part_time(revoked, &since) ? since : 0;
        return NULL;
    case V_OCSP_CERTSTATUS_UNKNOWN:
        out->status = RF_OCSP_UNKNOWN;
        return NULL;
    default:
        return "its status is none";
    }
}

static const char *
refused_by(int status)
{
    switch (status) {
    case OCSP_RESPONSE_STATUS_MALFORMEDREQUEST:
        return "the responder did not understand the question";
    case OCSP_RESPONSE_STATUS_INTERNALERROR:
        return "the responder has a fault";
    case OCSP_RESPONSE_STATUS_TRYLATER:
        return "the responder is busy";
    case OCSP_RESPONSE_STATUS_SIGREQUIRED:
        return "the responder wants questions to be signed";
    case OCSP_RESPONSE_STATUS_UNAUTHORIZED:
        return "the responder does not speak for this authority";
    default:
        return "its status is none";
    }
}

static const char *
judge_basic(const struct rf_ocsp_question *q, OCSP_BASICRESP *basic, struct rf_ocsp_verdict *out)
{
    OCSP_SINGLERESP *single = single_about(q, basic);
    const char *why;

    if (single == NULL)
        return "it is not about this certificate";
    if (has_critical(single, basic))
        return "it has a critical extension that is not known here";
    why = why_not_signed(q, basic);
    if (why != NULL)
        return why;
    if (nonce_differs(q, basic))
        return "it answers another question (nonce)";
    return take_single(q, single, out);
}

void
rf_ocsp_judge(const struct rf_ocsp_question *q, struct rf_span answer, struct rf_ocsp_verdict *out)
{
    const unsigned char *p = (const unsigned char *)answer.p;
    OCSP_RESPONSE *resp = NULL;
    OCSP_BASICRESP *basic = NULL;

    *out = (struct rf_ocsp_verdict){ .reason = "", .why = "" };
    if (answer.n > RF_OCSP_ANSWER_MAX) {
        out->why = "it is too long";
        return;
    }
    resp = answer.n > 0 ? d2i_OCSP_RESPONSE(NULL, &p, (long)answer.n) : NULL;
    if (resp == NULL || p != (const unsigned char *)answer.p + answer.n)
        out->why = "it cannot be read";
    else if (OCSP_response_status(resp) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        out->why = refused_by(OCSP_response_status(resp));
    else if ((basic = OCSP_response_get1_basic(resp)) == NULL)
        out->why = "it cannot be read";
    else
        out->why = judge_basic(q, basic, out);
    if (out->why == NULL)
        out->why = "";
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(resp);
    ERR_clear_error();
}

int64_t
rf_ocsp_renew_at(const struct rf_ocsp_verdict *v)
{
    return v->this_update + (v->next_update - v->this_update) / 2;
}

const char *
rf_ocsp_status_name(enum rf_ocsp_status status)
{
    static const char *const name[] = { "no answer", "good", "revoked", "unknown" };

    return (unsigned)status < sizeof name / sizeof *name ? name[status] : "";
}
