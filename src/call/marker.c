/*
 * call/marker.c - a call that comes back through somebody else's B2BUA (docs/design/0020-loops.md)
 *
 * Behind another B2BUA nothing of an INVITE is what we sent: Call-ID, tags, Via and often Max-Forwards are its own.
 * What is made to go through is Session-ID (RFC 7989 6), so calls over connections bear one that is ours: how often
 * this call has left us so far, random bits, and a MAC of both under the daemon's key, in the shape of a UUID of
 * version 4. It tells nobody anything, needs no memory, and cannot be made up to have somebody's calls refused. A
 * Session-ID that is not ours goes nowhere: it would let two companies compare whose calls they have.
 */
#include <string.h>

#include "base/codec.h"
#include "call/layer.h"

#define UUID_OCTETS   16
#define MAC_AT        9  /* the first octet behind those that the UUID's version and variant stand in */
#define MAC_OCTETS    (UUID_OCTETS - MAC_AT)

/*
 * A user may dial a number of ours the long way round, over a carrier, and it may be forwarded over a carrier again: a
 * call that has left twice is not in a circle. Each more costs two legs here and a minute of somebody's money.
 */
#define PASSES_MAX 3

static void
mac_of(const struct rf_call_layer *l, const uint8_t *uuid, uint8_t out[static MAC_OCTETS])
{
    uint8_t text[8 + MAC_AT] = "session"; /* not what the key's other use hashes: Call-IDs */
    uint64_t mac;

    memcpy(text + 8, uuid, MAC_AT);
    mac = rf_siphash(&l->env.owner_key, text, sizeof text);
    for (size_t i = 0; i < MAC_OCTETS; i++)
        out[i] = (uint8_t)(mac >> (8 * i));
}

void
marker_put(struct call *c, struct rf_buf *b)
{
    uint8_t uuid[UUID_OCTETS];

    rf_rand_fill(c->l->env.rand, uuid, sizeof uuid);
    uuid[0] = (uint8_t)(c->passes + 1);
    uuid[6] = (uint8_t)(0x40 | (uuid[6] & 0x0f)); /* RFC 4122 4.4: version 4, variant 10 */
    uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
    mac_of(c->l, uuid, uuid + MAC_AT);
    rf_put_str(b, "Session-ID: ");
    rf_put_hex(b, uuid, sizeof uuid);
    rf_put_str(b, ";remote=00000000000000000000000000000000\r\n");
}

uint8_t
marker_read(const struct rf_call_layer *l, const struct rf_sip_msg *msg)
{
    struct rf_span value = rf_sip_value(msg, RF_HDR_SESSION_ID);
    uint8_t uuid[UUID_OCTETS], mac[MAC_OCTETS];
    size_t n = 0;

    value = rf_span_trim(rf_span_sub(value, 0, rf_span_find(value, ';')));
    if (value.n != 2 * UUID_OCTETS || rf_hex_decode(value, uuid, sizeof uuid, &n) != RF_OK || n != UUID_OCTETS)
        return 0;
    mac_of(l, uuid, mac);
    return rf_octets_eq(mac, uuid + MAC_AT, MAC_OCTETS) ? uuid[0] : 0;
}

bool
marker_is_loop(const struct call *c)
{
    return c->passes >= PASSES_MAX;
}
