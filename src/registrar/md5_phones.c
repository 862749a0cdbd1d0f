#include "registrar/md5_phones.h"

#define ASKED_S 120          /* a phone that failed tries again within this time, or is as good as new */
#define KNOWN_S (24 * 3600u) /* then it is asked with the list again: it may have new firmware */

/* A cell: 40 bits that name its owner, 24 bits of seconds. 0: empty. */
static uint64_t
cell_of(uint64_t name, uint64_t now_s)
{
    return (name & ~0xffffffull) | (now_s & 0xffffff);
}

static bool
cell_is(uint64_t cell, uint64_t name, uint64_t now_s, uint64_t life_s)
{
    return cell != 0 && (cell ^ name) >> 24 == 0 && ((now_s - cell) & 0xffffff) <= life_s;
}

static size_t
place(uint64_t name)
{
    return name & (RF_MD5_CELLS - 1);
}

void
rf_md5_phones_init(struct rf_md5_phones *p, const struct rf_rand *rand)
{
    memset(p, 0, sizeof *p);
    rf_rand_fill(rand, &p->key, sizeof p->key);
}

static uint64_t
name_of_kind(const struct rf_md5_phones *p, const struct rf_sip_msg *req, const struct rf_addr *source)
{
    char text[256];
    struct rf_buf b = rf_buf(text, sizeof text);

    rf_put_host(&b, source, false);
    rf_put_char(&b, ' ');
    rf_put(&b, rf_span_sub(rf_sip_value(req, RF_HDR_USER_AGENT), 0, 160));
    return rf_siphash(&p->key, text, b.n);
}

static uint64_t
name_of_call(const struct rf_md5_phones *p, const struct rf_sip_msg *req)
{
    return rf_siphash(&p->key, req->call_id.p, req->call_id.n);
}

static uint64_t
seconds_of(uint64_t now_us)
{
    return now_us / 1000000 + 1; /* so that a cell is never 0 */
}

static bool
is_known(const struct rf_md5_phones *p, uint64_t kind, uint64_t now_s)
{
    return cell_is(atomic_load_explicit(&p->known[place(kind)], memory_order_relaxed), kind, now_s, KNOWN_S);
}

bool
rf_md5_phones_is_known(const struct rf_md5_phones *p, const struct rf_sip_msg *req, const struct rf_addr *source,
                       uint64_t now_us)
{
    return is_known(p, name_of_kind(p, req, source), seconds_of(now_us));
}

bool
rf_md5_phones_challenge(struct rf_md5_phones *p, const struct rf_sip_msg *req, const struct rf_addr *source,
                        uint64_t now_us)
{
    uint64_t now_s = seconds_of(now_us);
    uint64_t kind = name_of_kind(p, req, source), call = name_of_call(p, req);
    uint64_t asked = atomic_load_explicit(&p->asked[place(call)], memory_order_relaxed);

    if (is_known(p, kind, now_s))
        return true;
    if (!cell_is(asked, call, now_s, ASKED_S)) {
        atomic_store_explicit(&p->asked[place(call)], cell_of(call, now_s), memory_order_relaxed);
        return false;
    }
    atomic_store_explicit(&p->known[place(kind)], cell_of(kind, now_s), memory_order_relaxed);
    return true;
}

void
rf_md5_phones_answered(struct rf_md5_phones *p, const struct rf_sip_msg *req)
{
    uint64_t call = name_of_call(p, req);

    if (atomic_load_explicit(&p->asked[place(call)], memory_order_relaxed) >> 24 == call >> 24)
        atomic_store_explicit(&p->asked[place(call)], 0, memory_order_relaxed);
}
