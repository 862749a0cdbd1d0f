/* Which lines hold keys of the media, of whatever keying: TEL-33, TEL-12. */
#include "sdp/sdp.h"

#include "tap.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define AUDIO "m=audio 4000 RTP/AVP 0\r\n"

static const struct {
    const char *text;
    bool has_keys;
    const char *why;
} cases[] = {
    { HEAD AUDIO "a=rtpmap:0 PCMU/8000\r\n", false, "a description without keys" },
    { HEAD AUDIO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n", true, "RFC 4568" },
    { HEAD AUDIO "a=crypto:x\r\n", true, "a line that we cannot read may be one that others can" },
    { HEAD "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n" AUDIO, true, "of the session, where RFC 4568 5 has none" },
    { HEAD AUDIO "A=Crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n", true, "other letters: a lenient peer takes it" },
    { HEAD AUDIO "a= crypto :1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n", true, "and blanks" },
    { HEAD AUDIO "a=key-mgmt:mikey AQAFgM0XflABAAAAAAAAAAAAAAsAyO\r\n", true, "MIKEY (RFC 4567)" },
    { HEAD "a=key-mgmt:mikey AQAFgM0XflABAAAAAAAAAAAAAAsAyO\r\n" AUDIO, true, "MIKEY for all streams (RFC 4567 3.1)" },
    { HEAD "a=key-mgmt:kerberos AAAA\r\n" AUDIO, true, "a protocol for keys that nobody knows yet" },
    { HEAD "k=clear:secret\r\n" AUDIO, true, "k= of the session (RFC 4566 5.12)" },
    { HEAD AUDIO "k=base64:c2VjcmV0\r\n", true, "k= of a stream" },
    { HEAD AUDIO "k=uri:https://keys.example/1?token=2\r\n", true, "where the key is to be had, with what opens the door" },
    { HEAD AUDIO "k=other:1\r\n", true, "a method that nobody knows" },
    { HEAD AUDIO "k=prompt\r\n", false, "a person will be asked: no key" },
    { HEAD AUDIO "k=prompt:1234\r\n", true, "which is all that prompt may say" },
    { HEAD AUDIO "a=acap:1 crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n", true, "a capability (RFC 5939 3.4.1)" },
    { HEAD "a=acap:12\tkey-mgmt:mikey AQAF\r\n" AUDIO, true, "another one, behind a tab" },
    { HEAD AUDIO "a=acap:1 ptime:20\r\n", false, "a capability without a key" },
    { HEAD AUDIO "a=acap:1\r\na=acap\r\na=\r\nk=\n", true, "half lines; k= that says nothing is no prompt" },
    { HEAD AUDIO "a=acap:1\r\na=acap\r\na=\r\nk\n=\n", false, "half lines" },
    { HEAD AUDIO "a=cryptogram:1\r\na=x-crypto:1\r\na=fingerprint:sha-256 AA:BB\r\n", false,
      "names that begin or end so; a fingerprint is no key (RFC 8122)" },
    { HEAD "s=a=crypto:1\r\ni=k=clear:x\r\n" AUDIO, false, "within another line" },
    { HEAD AUDIO "a=note:x\rk=clear:x\r\n", true, "behind a lone CR, which some take for the end of a line" },
    { "k=clear:x", true, "the last line without its end" },
    { "", false, "nothing" },
};

int
main(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ok(rf_sdp_has_keys(rf_span_str(cases[i].text)) == cases[i].has_keys, "TEL-33: %s", cases[i].why);
    return tap_done();
}
