#include "net/dns_msg.h"

#define TYPE_CNAME 5
#define TYPE_SOA   6
#define CLASS_IN   1
#define CNAMES_MAX 8
/* Compression pointers in one name: each must lead back, so they end; more than this is an attack. */
#define JUMPS_MAX 32

/* Walks the message; the first failure stays and every later read gives 0. */
struct reader {
    const uint8_t *p;
    size_t n, at;
    bool is_broken;
};

static uint32_t
take(struct reader *r, unsigned octets)
{
    uint32_t v = 0;

    if (r->is_broken || octets > r->n - r->at) {
        r->is_broken = true;
        return 0;
    }
    while (octets-- > 0)
        v = v << 8 | r->p[r->at++];
    return v;
}

static bool
is_name_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/*
 * RFC 1035 4.1.4: labels, ended by the root or by a pointer to an earlier place. A name with other octets than
 * host and service names have is decoded as *is_odd: its record is passed over, the message is not broken.
 */
static void
take_name(struct reader *r, char out[static RF_DNS_NAME_MAX], bool *is_odd)
{
    size_t at = r->at, n = 0, end = 0;
    int jumps = 0;

    *is_odd = false;
    out[0] = '\0';
    while (!r->is_broken) {
        uint8_t len;

        if (at >= r->n)
            break;
        len = r->p[at++];
        if (len >= 0xc0) {
            size_t to;

            if (at >= r->n)
                break;
            to = (size_t)(len & 0x3f) << 8 | r->p[at++];
            if (end == 0)
                end = at;
            if (to >= at - 2 || ++jumps > JUMPS_MAX)
                break;
            at = to;
            continue;
        }
        if (len == 0) {
            out[n > 0 ? n - 1 : 0] = '\0'; /* the last dot */
            r->at = end != 0 ? end : at;
            return;
        }
        if (len > 63 || len > r->n - at || n + len + 1 > 254)
            break;
        for (; len > 0; len--, at++) {
            uint8_t c = r->p[at];

            *is_odd = *is_odd || !is_name_char(c);
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        }
        out[n++] = '.';
    }
    r->is_broken = true;
    out[0] = '\0';
}

/* <character-string>: what does not fit, or is not printable, makes the record odd. */
static void
take_string(struct reader *r, char *out, size_t size, bool *is_odd)
{
    uint32_t len = take(r, 1);

    out[0] = '\0';
    if (r->is_broken || len > r->n - r->at) {
        r->is_broken = true;
        return;
    }
    if (len >= size) {
        *is_odd = true;
    } else {
        for (uint32_t i = 0; i < len; i++) {
            uint8_t c = r->p[r->at + i];

            *is_odd = *is_odd || c < 0x20 || c > 0x7e;
            out[i] = (char)c;
        }
        out[len] = '\0';
    }
    r->at += len;
}

bool
rf_dns_name_is_fit(struct rf_span name)
{
    size_t label = 0;

    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n == 0 || name.n > 253)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '.') {
            if (label == 0)
                return false;
            label = 0;
        } else if (!is_name_char((uint8_t)name.p[i]) || ++label > 63) {
            return false;
        }
    }
    return label > 0;
}

/* A resource record's fixed part (RFC 1035 3.2.1). */
struct rr {
    char owner[RF_DNS_NAME_MAX];
    bool is_odd;
    uint16_t type, class;
    uint32_t ttl_s;
    size_t data, data_end; /* places in the message */
};

static bool
take_rr(struct reader *r, struct rr *rr)
{
    uint32_t len;

    take_name(r, rr->owner, &rr->is_odd);
    rr->type = (uint16_t)take(r, 2);
    rr->class = (uint16_t)take(r, 2);
    rr->ttl_s = take(r, 4);
    if (rr->ttl_s > INT32_MAX) /* RFC 2181 8: as if zero */
        rr->ttl_s = 0;
    len = take(r, 2);
    if (r->is_broken || len > r->n - r->at) {
        r->is_broken = true;
        return false;
    }
    rr->data = r->at;
    rr->data_end = r->at += len;
    return true;
}

/* The record's data; false when it is odd or does not fill its length. */
static bool
read_record(const struct reader *message, const struct rr *rr, struct rf_dns_record *out)
{
    struct reader r = { message->p, rr->data_end, rr->data, false };
    bool is_odd = false;
    char regexp[256];

    memset(out, 0, sizeof *out);
    switch (rr->type) {
    case RF_DNS_A:
        if (rr->data_end - rr->data != 4)
            return false;
        out->addr.v4.sin_family = AF_INET;
        memcpy(&out->addr.v4.sin_addr, r.p + r.at, 4);
        return true;
    case RF_DNS_AAAA:
        if (rr->data_end - rr->data != 16)
            return false;
        out->addr.v6.sin6_family = AF_INET6;
        memcpy(&out->addr.v6.sin6_addr, r.p + r.at, 16);
        return true;
    case RF_DNS_SRV:
        out->srv.priority = (uint16_t)take(&r, 2);
        out->srv.weight = (uint16_t)take(&r, 2);
        out->srv.port = (uint16_t)take(&r, 2);
        take_name(&r, out->srv.target, &is_odd);
        break;
    case RF_DNS_NAPTR:
        out->naptr.order = (uint16_t)take(&r, 2);
        out->naptr.preference = (uint16_t)take(&r, 2);
        take_string(&r, out->naptr.flags, sizeof out->naptr.flags, &is_odd);
        take_string(&r, out->naptr.service, sizeof out->naptr.service, &is_odd);
        take_string(&r, regexp, sizeof regexp, &is_odd);
        take_name(&r, out->naptr.replacement, &is_odd);
        break;
    default:
        return false;
    }
    return !r.is_broken && !is_odd && r.at == rr->data_end;
}

/* RFC 2308 5: the smaller of the SOA's own TTL and its MINIMUM, its last field. */
static uint32_t
negative_ttl(struct reader *r, uint32_t authorities)
{
    struct rr rr;

    while (authorities-- > 0 && take_rr(r, &rr)) {
        struct reader last = { r->p, rr.data_end, rr.data_end - 4, false };
        uint32_t minimum;

        if (rr.type != TYPE_SOA || rr.class != CLASS_IN || rr.data_end - rr.data < 22)
            continue;
        minimum = take(&last, 4);
        if (minimum > rr.ttl_s)
            minimum = rr.ttl_s;
        return minimum < RF_DNS_NEGATIVE_MAX_S ? minimum : RF_DNS_NEGATIVE_MAX_S;
    }
    return RF_DNS_NEGATIVE_S;
}

/* Where the CNAMEs of the answer section lead from `name`, which is replaced. */
static void
follow_cnames(struct reader r, uint32_t answers, char name[static RF_DNS_NAME_MAX], uint32_t *ttl_s)
{
    size_t begin = r.at;

    for (int hop = 0; hop < CNAMES_MAX; hop++) {
        bool moved = false;
        struct rr rr;

        r.at = begin;
        r.is_broken = false;
        for (uint32_t i = 0; i < answers && !moved && take_rr(&r, &rr); i++) {
            struct reader data = { r.p, rr.data_end, rr.data, false };
            char target[RF_DNS_NAME_MAX];
            bool is_odd;

            if (rr.type != TYPE_CNAME || rr.class != CLASS_IN || strcmp(rr.owner, name) != 0)
                continue;
            take_name(&data, target, &is_odd);
            if (data.is_broken || is_odd)
                return;
            memcpy(name, target, RF_DNS_NAME_MAX);
            if (rr.ttl_s < *ttl_s)
                *ttl_s = rr.ttl_s;
            moved = true;
        }
        if (!moved)
            return;
    }
}

static void
lower(struct rf_span s, char out[static RF_DNS_NAME_MAX])
{
    size_t n = s.n < RF_DNS_NAME_MAX ? s.n : RF_DNS_NAME_MAX - 1;

    if (n > 0 && s.p[n - 1] == '.')
        n--;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + ('a' - 'A') : s.p[i]);
    out[n] = '\0';
}

enum rf_err
rf_dns_decode(struct rf_span message, enum rf_dns_type type, struct rf_span name, struct rf_dns_answer *out)
{
    struct reader r = { (const uint8_t *)message.p, message.n, 0, false };
    char wanted[RF_DNS_NAME_MAX], asked[RF_DNS_NAME_MAX];
    uint32_t flags, questions, answers, authorities, ttl_s = RF_DNS_TTL_MAX_S, rcode;
    struct rr rr;
    bool is_odd;

    memset(out, 0, offsetof(struct rf_dns_answer, record));
    out->status = RF_DNS_FAILED;
    out->type = type;
    take(&r, 2); /* the identifier: the resolver library has compared it */
    flags = take(&r, 2);
    questions = take(&r, 2);
    answers = take(&r, 2);
    authorities = take(&r, 2);
    take(&r, 2);
    rcode = flags & 15;
    take_name(&r, asked, &is_odd);
    lower(name, wanted);
    if (take(&r, 2) != type || take(&r, 2) != CLASS_IN || r.is_broken || questions != 1 ||
        (flags & 0x8000) == 0 || strcmp(asked, wanted) != 0)
        return RF_ERR_SYNTAX;
    if (rcode != 0 && rcode != 3)
        return RF_OK; /* a server's failure is an answer: RF_DNS_FAILED */

    follow_cnames(r, answers, wanted, &ttl_s);
    for (uint32_t i = 0; i < answers && take_rr(&r, &rr); i++) {
        if (rr.type != (uint16_t)type || rr.class != CLASS_IN || rr.is_odd || strcmp(rr.owner, wanted) != 0 ||
            out->count == RF_DNS_RECORDS_MAX || !read_record(&r, &rr, &out->record[out->count]))
            continue;
        out->count++;
        if (rr.ttl_s < ttl_s)
            ttl_s = rr.ttl_s;
    }
    if (r.is_broken) {
        out->count = 0;
        return RF_ERR_SYNTAX;
    }
    if (out->count > 0) {
        out->status = RF_DNS_FOUND;
        out->ttl_s = ttl_s;
        return RF_OK;
    }
    out->status = rcode == 3 ? RF_DNS_NO_NAME : RF_DNS_NO_DATA;
    out->ttl_s = negative_ttl(&r, authorities);
    return RF_OK;
}
