/*
 * call/marker.c - what comes back to us through somebody else's B2BUA, or another ringfence (docs/design/0020-loops.md)
 *
 * Behind another B2BUA nothing of a request is what we sent: Call-ID, tags, Via and often Max-Forwards are its own.
 * What is made to go through is Session-ID (RFC 7989 6), so INVITE and MESSAGE over connections bear one of ours:
 *
 *   Session-ID: UUID;remote=0...0;passed=UUID.UUID
 *
 *   UUID     version 4 in shape: 8 bits how often it has left us; 32 bits a hash of the connection and number that it left
 *            for, under random bits of the same UUID; 26 random bits; 56 bits MAC of all that under the daemon's key
 *   passed   the markers that it came in with, the last first: a ringfence hands on those of others, for them to find
 *
 * It tells nobody anything, needs no memory, and cannot be made up to have somebody's calls refused. The Session-ID of
 * whoever does not write `passed` goes nowhere: it would let two companies compare whose calls they have.
 */
#include <string.h>

#include "base/codec.h"
#include "call/layer.h"

#define PLACE_AT  1 /* after how often */
#define SALT_AT   5
#define MAC_AT    9 /* the first octet behind those that the UUID's version and variant stand in */

/*
 * A user may dial a number of ours the long way round, over a carrier, and it may be forwarded over a carrier again: a
 * call that has left twice is not in a circle. Each more costs two legs here and a minute of somebody's money.
 */
#define PASSES_MAX 3

/* Of n octets, told apart by a word from what else the key hashes: Call-IDs. */
static uint64_t
keyed(const struct rf_call_env *env, const char word[static 8], const void *p, size_t n)
{
    uint64_t h[2];

    memcpy(&h[0], word, 8);
    h[1] = rf_siphash(&env->owner_key, p, n);
    return rf_siphash(&env->owner_key, h, sizeof h);
}

static void
put_little(uint8_t *out, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

static void
mac_of(const struct rf_call_env *env, const uint8_t *uuid, uint8_t out[static RF_UUID_OCTETS - MAC_AT])
{
    put_little(out, keyed(env, "session", uuid, MAC_AT), RF_UUID_OCTETS - MAC_AT);
}

static bool
is_ours(const struct rf_call_env *env, const uint8_t *uuid)
{
    uint8_t mac[RF_UUID_OCTETS - MAC_AT];

    mac_of(env, uuid, mac);
    return rf_octets_eq(mac, uuid + MAC_AT, sizeof mac);
}

/* Salted by random bits of the UUID, so that two calls to one number do not show that they are. */
static void
place_of(const struct rf_call_env *env, const uint8_t *uuid, const char *connection, const char *number,
         uint8_t out[static SALT_AT - PLACE_AT])
{
    uint64_t h[3] = { 0, rf_siphash(&env->owner_key, connection, strlen(connection)),
                      rf_siphash(&env->owner_key, number, strlen(number)) };

    memcpy(h, uuid + SALT_AT, MAC_AT - SALT_AT);
    put_little(out, keyed(env, "passing", h, sizeof h), SALT_AT - PLACE_AT);
}

static void
put_uuid(struct rf_buf *b, const uint8_t *uuid)
{
    rf_put_hex(b, uuid, RF_UUID_OCTETS);
}

void
rf_call_trail_put(const struct rf_call_env *env, const struct rf_call_trail *t, const char *connection,
                  const char *number, struct rf_buf *b)
{
    uint8_t uuid[RF_UUID_OCTETS];

    rf_rand_fill(env->rand, uuid, sizeof uuid);
    uuid[0] = (uint8_t)(t->passes + 1);
    uuid[6] = (uint8_t)(0x40 | (uuid[6] & 0x0f)); /* RFC 4122 4.4: version 4, variant 10 */
    uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
    place_of(env, uuid, connection, number, uuid + PLACE_AT);
    mac_of(env, uuid, uuid + MAC_AT);
    rf_put_str(b, "Session-ID: ");
    put_uuid(b, uuid);
    rf_put_str(b, ";remote=00000000000000000000000000000000;passed=");
    for (size_t i = 0; i < t->count; i++) {
        if (i > 0)
            rf_put_char(b, '.');
        put_uuid(b, t->uuid[i]);
    }
    rf_put_str(b, t->count == 0 ? "none\r\n" : "\r\n");
}

/* One that came in. The loudest of ours counts: a B2BUA may have dropped some. */
static void
take(const struct rf_call_env *env, struct rf_call_trail *t, struct rf_span text, bool wants_handing_on)
{
    uint8_t uuid[RF_UUID_OCTETS];
    size_t n = 0;
    bool mine;

    if (text.n != 2 * RF_UUID_OCTETS || rf_hex_decode(text, uuid, sizeof uuid, &n) != RF_OK || n != RF_UUID_OCTETS)
        return;
    mine = is_ours(env, uuid);
    if (mine && uuid[0] > t->passes)
        t->passes = uuid[0];
    if ((mine || wants_handing_on) && t->count < RF_TRAIL_MAX)
        memcpy(t->uuid[t->count++], uuid, sizeof uuid);
}

void
rf_call_trail_read(const struct rf_call_env *env, const struct rf_sip_msg *msg, struct rf_call_trail *out)
{
    struct rf_span value = rf_sip_value(msg, RF_HDR_SESSION_ID), passed;
    size_t semicolon = rf_span_find(value, ';');
    bool has_passed = rf_sip_param(rf_span_sub(value, semicolon, value.n), "passed", &passed);

    memset(out, 0, sizeof *out);
    take(env, out, rf_span_trim(rf_span_sub(value, 0, semicolon)), has_passed);
    for (size_t i = 0; has_passed && passed.n > 0 && i < RF_TRAIL_MAX; i++) { /* nobody of us writes more */
        size_t dot = rf_span_find(passed, '.');

        take(env, out, rf_span_sub(passed, 0, dot), true);
        passed = rf_span_sub(passed, dot + 1, passed.n);
    }
}

bool
rf_call_trail_is_circle(const struct rf_call_env *env, const struct rf_call_trail *t, const char *connection,
                        const char *number)
{
    uint8_t place[SALT_AT - PLACE_AT];

    if (t->passes >= PASSES_MAX)
        return true;
    for (size_t i = 0; i < t->count; i++) {
        place_of(env, t->uuid[i], connection, number, place);
        if (memcmp(place, t->uuid[i] + PLACE_AT, sizeof place) == 0 && is_ours(env, t->uuid[i]))
            return true;
    }
    return false;
}
