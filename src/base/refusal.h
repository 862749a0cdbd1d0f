/*
 * base/refusal.h - every "no" that can be seen from outside, one row each
 *
 * The SIP response, the log line, the counter, `ringfence explain`, ringfence-codes(7) and
 * docs/reference/refusals.md are made from this table, so that they cannot disagree. Codes are stable for
 * ever. A sentence's {words} are filled by rf_refusal_sentence.
 *
 * sip and q850: 0 when the refusal never shows on SIP or has no ISDN cause (RFC 3398).
 */
#ifndef RF_BASE_REFUSAL_H
#define RF_BASE_REFUSAL_H

#include "base/log.h"

/* name, code, slug, severity, sip, q850,
 * sentence,
 * causes in order of likelihood, each with its self-check,
 * fix */
#define RF_REFUSALS(X)                                                                                        \
    X(TLS_VERSION, "RF-101", "tls-version-too-low", WARN, 0, 0,                                               \
      "{peer} offers at most {version}; this listener needs TLS {min} or newer",                              \
      "The device's firmware is old, or its TLS version is set by hand.",                                     \
      "update the firmware of the device, or give old devices a listener of their own with a lower "          \
      "sip.cipher-suite-level")                                                                               \
    X(TLS_NO_CIPHER, "RF-102", "no-shared-cipher", WARN, 0, 0,                                                \
      "{peer} and this listener have no cipher suite in common",                                              \
      "The device offers only suites that the listener's level leaves out.",                                  \
      "enable an ECDHE suite with AES-GCM on the device")                                                     \
    X(TLS_NO_GROUP, "RF-103", "no-shared-group", WARN, 0, 0,                                                  \
      "{peer} offers no key-exchange group that this listener accepts",                                       \
      "The device knows only small or rare groups.", "enable X25519 or P-256 on the device")                  \
    X(TLS_DH_SMALL, "RF-104", "dh-too-small", WARN, 0, 0,                                                     \
      "{peer} uses a {bits}-bit Diffie-Hellman key; 2048 bits or more are needed",                            \
      "The peer's Diffie-Hellman parameters are old.",                                                        \
      "on the peer: 2048-bit DH parameters, or any ECDHE suite")                                              \
    X(TLS_LEGACY_SIGNATURE, "RF-105", "legacy-signature", WARN, 0, 0,                                         \
      "{peer} speaks {version} with SHA-1 signatures, which this system refuses",                             \
      "The device's firmware is old; or the other system refuses what ours allows at level old.",             \
      "update the firmware of the device, or set the interface's cipher-suite-level to old")                  \
    X(TLS_PLAIN_ON_TLS, "RF-106", "plain-on-tls-port", WARN, 403, 21,                                         \
      "{peer} sent unencrypted SIP to the TLS port {port}",                                                   \
      "The device's transport is UDP or TCP while its port is the TLS one.",                                  \
      "set the device's transport to TLS")                                                                    \
    X(TLS_ON_PLAIN, "RF-107", "tls-on-plain-port", WARN, 0, 0,                                                \
      "{peer} started TLS on the unencrypted port {port}",                                                    \
      "The device's transport is TLS while its port is the unencrypted one.",                                 \
      "point the device at the TLS port")                                                                     \
    X(TLS_FAILED, "RF-108", "peer-handshake-failure", WARN, 0, 0,                                             \
      "the TLS handshake with {peer} failed: {reason}",                                                       \
      "Several causes hide behind one alert; the reason is what this side saw.",                              \
      "a server: ringfence probe {peer} names the cause; a device: compare its TLS settings with the level")  \
    X(TLS_CLOSED, "RF-109", "closed-without-alert", INFO, 0, 0,                                               \
      "{peer} closed the connection during the TLS handshake",                                                \
      "A port scan, a health check, or a device that gave up.", "none when it is a health check")             \
    X(CERT_MISSING, "RF-110", "client-certificate-missing", WARN, 403, 21,                                    \
      "{peer} showed no certificate, and one is asked for here",                                              \
      "No certificate is installed on the peer, or it is not meant for outgoing connections.",                \
      "install a certificate on {peer}; phones need none where client-certificate is off")                    \
    X(CERT_UNKNOWN_CA, "RF-201", "unknown-ca", WARN, 403, 21,                                                 \
      "{peer}'s certificate comes from {issuer}, which is not in the trusted certificate store",              \
      "The peer uses an authority of its own, or shows a certificate of another system.",                     \
      "ringfence cert trust FILE, with the root certificate of {issuer}; or install the right "               \
      "certificate on {peer}")                                                                                \
    X(CERT_REFUSED_BY_PEER, "RF-202", "our-certificate-refused", WARN, 0, 0,                                  \
      "{peer} refused our certificate: {reason}",                                                             \
      "The device does not know our certificate authority, or its clock is wrong.",                           \
      "give the device the root certificate, or use a certificate of a public authority")                     \
    X(CERT_MISSING_INTERMEDIATE, "RF-203", "missing-intermediate", WARN, 403, 21,                             \
      "{owner} does not send the intermediate certificate {name}",                                            \
      "Only the certificate itself was installed there, without the chain that belongs to it.",               \
      "install the full chain on {owner}; it says that {name} is at {url}")                                   \
    X(CERT_EXPIRED, "RF-204", "certificate-expired", WARN, 403, 21,                                           \
      "{peer}'s certificate ended {when} ({days} days ago)",                                                  \
      "Nobody renewed it, or our clock is wrong (ringfence doctor).",                                         \
      "renew the certificate on {peer}; ours: ringfence cert renew")                                          \
    X(CERT_NOT_YET_VALID, "RF-205", "not-yet-valid", WARN, 403, 21,                                           \
      "{peer}'s certificate starts {when}; our clock says {now}",                                             \
      "One of the two clocks is wrong.",                                                                      \
      "if our clock is off by {off}: timedatectl set-ntp true; else make the certificate of {peer} anew")     \
    X(CERT_NAME_MISMATCH, "RF-206", "name-mismatch", WARN, 403, 21,                                           \
      "{peer} shows a certificate for {names}, not for {expected}",                                           \
      "The connection is configured with another name or address than the certificate was made for; "         \
      "a common name does not count.",                                                                        \
      "connect to one of its names, or get a certificate that names {expected}: level {check_level} asks for it")   \
    X(CERT_WILDCARD_IN_SIP, "RF-207", "wildcard-in-sip", WARN, 403, 21,                                       \
      "{peer}'s certificate has only a wildcard for {domain}; SIP does not accept wildcards",                 \
      "RFC 5922 7.2 has no wildcards, unlike the web.",                                                       \
      "get a certificate that lists {expected}")                                                              \
    X(CERT_SELF_SIGNED, "RF-208", "self-signed-refused", WARN, 403, 21,                                       \
      "{peer}'s certificate is self-signed and level {check_level} refuses that",                                   \
      "The device made its certificate itself. Level medium accepts it once it is in the trusted "            \
      "certificate store; level high never.",                                                                 \
      "ringfence cert trust FILE, with the certificate {fingerprint} of {peer}; or a certificate of "         \
      "an authority")                                                                                         \
    X(CERT_KEY_TOO_SMALL, "RF-209", "key-too-small", WARN, 403, 21,                                           \
      "{peer}'s key has {bits} bits; level {check_level} needs {min}",                                              \
      "The certificate is old, or was made with an old tool.",                                                \
      "make a new key and certificate on {peer}")                                                             \
    X(CERT_WRONG_PURPOSE, "RF-210", "wrong-purpose", WARN, 403, 21,                                           \
      "{peer}'s certificate is not meant for {purpose}",                                                      \
      "Public authorities sign for servers alone; some tools leave the key usage out.",                       \
      "have it issued anew with {eku}")                                                                       \
    X(CERT_NOT_IN_STORE, "RF-211", "not-in-store", WARN, 403, 21,                                             \
      "level High accepts only certificates copied into the store; {peer}'s is not",                          \
      "The certificate was renewed (a copy is this certificate, not its key), or never copied.",              \
      "ringfence cert trust FILE, with the certificate {fingerprint} of {peer}")                              \
    X(SERVER_NOT_PINNED, "RF-218", "not-pinned", WARN, 0, 0,                                                    \
      "{peer} at {addr} shows the certificate {fingerprint}, which is none of those pinned for it",           \
      "Its operator has a new certificate, or somebody else answers at its address.",                         \
      "compare the fingerprint with its operator, then set sip-connection.{peer}.certificate-pin")            \
    X(CERT_REVOKED, "RF-212", "certificate-revoked", WARN, 403, 21,                                           \
      "{peer}'s certificate was revoked {when}: {reason}",                                                    \
      "Its authority withdrew it: the key is lost, or the certificate was replaced. It may also be "          \
      "one above it in the chain.",                                                                           \
      "install a new certificate on {peer}")                                                                  \
    X(CERT_BAD_SIGNATURE, "RF-213", "bad-certificate-signature", WARN, 403, 21,                               \
      "a signature in {peer}'s certificate chain does not count: {reason}",                                   \
      "Signed with MD5 or SHA-1; damaged; or an authority of the same name with another key is in "           \
      "the store.",                                                                                           \
      "have the certificate issued anew with SHA-256, or put the issuer's present certificate into "          \
      "the store: ringfence cert trust FILE")                                                                 \
    X(CERT_CRITICAL_EXTENSION, "RF-214", "unknown-critical-extension", WARN, 403, 21,                         \
      "{peer}'s certificate has the critical extension {reason}, which is not known here",                    \
      "Its authority wants it used only by programs that know this extension.",                               \
      "have it issued anew without that extension, or with it not critical")                                  \
    X(CERT_REFLECTED, "RF-215", "certificate-reflected", WARN, 403, 21,                                       \
      "{peer} shows a certificate with one of our own keys",                                                  \
      "Our own certificate was copied to the peer, or somebody sends our connection back to us.",             \
      "give {peer} a key and a certificate of its own")                                                       \
    X(CERT_CHAIN_NOT_VALID, "RF-216", "chain-not-valid", WARN, 403, 21,                                       \
      "{peer}'s certificate chain is not valid: {reason}",                                                    \
      "An authority in it has ended, may not sign, or may not sign for this name or so deep.",                \
      "renew the certificate that is named, or have {peer}'s issued by a sound authority; where there are "   \
      "too many, have {peer} send its own and those between it and its root alone: at most 10, 32 kB in all") \
    X(CERT_STATUS_UNKNOWN, "RF-217", "certificate-status-unknown", WARN, 403, 21,                             \
      "nobody says that {peer}'s certificate is still good: {reason}",                                        \
      "OCSP is hard, and the responder of its authority cannot be reached, has not answered yet, or its "     \
      "answer does not count; or its certificate promises that answer in every handshake (must-staple) and "  \
      "the peer does not send it.",                                                                               \
      "let this machine reach the responder by http, have {peer} send the answer along, or: ringfence set "   \
      "security.ocsp soft")                                                                                   \
    X(KEY_MISMATCH, "RF-219", "key-mismatch", ERROR, 0, 0,                                                    \
      "{file}: the private key does not belong to the certificate",                                           \
      "One of the two files was renewed and the other was not, or they are named in another order.",          \
      "name the key that this certificate was issued for; openssl x509 -noout -pubkey and openssl pkey "      \
      "-pubout print the same of a pair")                                                                     \
    X(LOCAL_CA, "RF-220", "local-authority-damaged", ERROR, 0, 0,                                             \
      "the local authority cannot be used: {reason}",                                                         \
      "One of its files was cut off, overwritten, moved, or copied with another owner or mode.",              \
      "put the named file back from a backup; or move the folder ca of the state directory away: a new "      \
      "authority is made, and peers need its root; then: ringfence reload")                                   \
    X(FILE_OF_CERTS, "RF-221", "certificate-file", ERROR, 0, 0,                                               \
      "{detail}",                                                                                             \
      "The file is not in PEM form, was cut off, is another one, or holds too much.",                         \
      "name a file of certificates in PEM form, for our own with the leaf first, and the leaf's key without " \
      "a passphrase; openssl x509 -noout -subject -in FILE reads what is sound")                              \
    X(UNKNOWN_CERT, "RF-222", "certificate-not-known", ERROR, 0, 0,                                           \
      "{detail}",                                                                                             \
      "The name, number or fingerprint is mistyped, or of another daemon (--state).",                         \
      "ringfence cert list, cert refused and ca list show what there is")                                     \
    X(IN_THE_WAY, "RF-223", "something-in-the-way", ERROR, 0, 0,                                              \
      "{detail}",                                                                                             \
      "It was done before, or somebody else's file has the name.",                                            \
      "look at what is there; nothing was changed")                                                           \
    X(CRYPTO_MISSING, "RF-301", "crypto-missing", WARN, 488, 88,                                              \
      "{who} offered no encryption (no a=crypto) and SRTP is required ({setting})",                           \
      "SRTP is off on the device, or it is set to optional and offers plain RTP first.",                      \
      "on the device: switch SRTP with SDES on; or allow plain RTP with: ringfence set {setting} optional")   \
    X(PROFILE_MISMATCH, "RF-302", "profile-mismatch", WARN, 488, 88,                                          \
      "{who} used {profile} without a usable a=crypto line",                                                  \
      "RTP/SAVP says that media is encrypted, but no key came with it.",                                      \
      "on the device: SRTP mandatory with SDES keys")                                                         \
    X(NO_COMMON_SUITE, "RF-303", "no-common-suite", WARN, 488, 88,                                            \
      "{who} offers {theirs}; we accept {ours}",                                                              \
      "The lists of crypto suites have no common member.",                                                    \
      "add one of the offered suites with: ringfence set media.crypto-suites ...")                            \
    X(ANSWER_WITHOUT_CRYPTO, "RF-304", "answer-without-crypto", WARN, 488, 88,                                \
      "{who} answered an encrypted offer without encryption; the call was ended",                             \
      "The device ignores a=crypto, or its SRTP setting is off.",                                             \
      "on the device: answer with one of the offered suites")                                                 \
    X(CRYPTO_NOT_ENABLED, "RF-305", "crypto-not-enabled", WARN, 488, 88,                                      \
      "{who} answered with encryption but SRTP is off ({setting})",                                           \
      "The answer carries a=crypto although the offer had none.",                                             \
      "ringfence set {setting} required")                                                                     \
    X(BAD_CRYPTO_LINE, "RF-306", "bad-crypto-line", WARN, 488, 88,                                            \
      "{who}'s a=crypto line {tag} is not usable: {detail}",                                                  \
      "Wrong key length, broken Base64, a tag used twice or not offered, or the key of the other side.",      \
      "update the firmware of the device")                                                                    \
    X(BYPASS_UNPROVEN, "RF-307", "bypass-unproven", WARN, 488, 88,                                               \
      "media bypasses this system on {setting}; encryption cannot be shown",                                  \
      "media-handling-mode is bypass: both sides send their media to each other.",                            \
      "ringfence set {setting} default")                                                                      \
    X(SRTP_AUTH_FAILED, "RF-308", "srtp-auth-failed", WARN, 0, 0,                                             \
      "{who}'s media fails authentication since {since}",                                                     \
      "The key changed without a new offer, the rollover counter was lost, or the packets are not theirs.",   \
      "if it began after a re-INVITE the device changed its key without saying so: update its firmware")      \
    X(KEYS_IN_CLEAR, "RF-309", "keys-in-clear", WARN, 488, 88,                                                \
      "{who} sent SRTP keys over an unencrypted connection ({transport})",                                    \
      "SDES keys stand in the SDP, so whoever reads the signalling can decrypt the media.",                   \
      "set the device's transport to TLS")                                                                    \
    X(NO_COMMON_CODEC, "RF-310", "no-common-codec", WARN, 488, 88,                                            \
      "{who}: none of the codecs offered is among those of {setting}",                                        \
      "Nothing is transcoded here, so both sides need a codec in common.",                                    \
      "add a codec that the other side has to {setting}, or all behind those that are liked best")            \
    X(ONE_WAY_AUDIO, "RF-401", "one-way-audio", WARN, 0, 0,                                                   \
      "no audio from {who}: {detail}",                                                                        \
      "Nothing arrives: a firewall or SIP ALG on the device's side, or the ports of media.ports are not "     \
      "open. Not authentic: the device changed its key or never used it. From another address: its SDP names " \
      "a place that it does not send from. Reports alone: it is muted, or its microphone is dead.",           \
      "open the UDP ports of media.ports towards this machine when nothing arrives; otherwise "               \
      "ringfence call show ID counts what was refused, and why")                                              \
    X(MEDIA_IN_CLEAR, "RF-403", "media-in-clear", WARN, 0, 0,                                                 \
      "{who}'s leg carries unencrypted media",                                                                \
      "SRTP is optional or off for this user and the device did not offer it. Or the device asked for SRTP "  \
      "that is not encrypted (UNENCRYPTED_SRTP), and allow-unencrypted-srtp lets it.",                        \
      "ringfence set {setting} required; allow-unencrypted-srtp off")                                         \
    X(MEDIA_TIMEOUT, "RF-404", "media-timeout", WARN, 0, 0,                                                   \
      "the call was ended: no media from {who} for {seconds} s",                                              \
      "The device lost its power or network without saying goodbye.",                                         \
      "check the device's network; media.timeout sets how long we wait")                                      \
    X(WRONG_PASSWORD, "RF-501", "wrong-password", WARN, 401, 21,                                              \
      "{user} from {addr}: wrong password",                                                                   \
      "The password on the device is not the one set here.",                                                  \
      "ringfence user password {user}, then set it on the device")                                            \
    X(UNKNOWN_USER, "RF-502", "unknown-user", WARN, 401, 1,                                                   \
      "there is no user {user} in {domain}",                                                                  \
      "A typing error on the device, or a scan.", "ringfence user add {user}")                                \
    X(FORBIDDEN, "RF-503", "forbidden", WARN, 403, 21,                                                        \
      "{what} is not allowed for {who}: {reason}",                                                            \
      "The user signed in may act only for its own address of record.",                                       \
      "use the same user name for sign-in and for the address")                                               \
    X(STALE_FLOW, "RF-504", "stale-flow", INFO, 480, 20,                                                      \
      "{user}'s connection is gone; waiting for it to register again",                                        \
      "The connection through which the phone registered has closed.",                                        \
      "none needed; if it repeats, shorten the phone's registration time or switch keep-alive on")            \
    X(NOT_FOUND, "RF-505", "not-found", INFO, 404, 1,                                                         \
      "nothing answers {number}",                                                                             \
      "No user has this number.", "ringfence user add {number}")                                              \
    X(SERVER_NOT_RESOLVING, "RF-506", "srv-not-resolving", WARN, 503, 27,                                     \
      "{name} leads to no address ({setting})",                                                               \
      "The name has no SRV and no address record for this transport, or no DNS server answers.",              \
      "add the record, or name a port: HOST:5061")                                                            \
    X(PEER_DOWN, "RF-507", "peer-down", WARN, 503, 27,                                                        \
      "{peer} has not answered OPTIONS for {seconds} s; calls go to other connections first",                 \
      "The server or the way to it is down.", "ringfence connection test {peer}")                             \
    X(REGISTERED_IN_CLEAR, "RF-508", "registered-in-clear", WARN, 403, 88,                                    \
      "{who} registered over {transport}, so calls to it cannot use TLS",                                     \
      "The transport of the device at the other side is not TLS.", "set the transport there to TLS")          \
    X(NOT_REGISTERED, "RF-509", "not-registered", INFO, 480, 20,                                              \
      "{user} has no phone registered",                                                                       \
      "The phone is off, or its registration ran out.", "ringfence registrations")                            \
    X(TLS_REQUIRED, "RF-510", "tls-required", WARN, 403, 21,                                                  \
      "{who} came by {transport}; this user needs TLS",                                                       \
      "The device's transport is not TLS.", "set the device's transport to TLS")                              \
    X(BANNED, "RF-511", "source-banned", WARN, 503, 41,                                                       \
      "{addr} is banned until {until}: {reason}",                                                             \
      "Too many requests (security.requests-per-source), connections (security.handshakes-per-source) or wrong " \
      "passwords (security.wrong-passwords) came from this proven address.",                                  \
      "correct the device, then ringfence ban lift {addr}; ringfence ban lists all, security.ban-time sets "  \
      "how long")                                                                                             \
    X(OVERLOAD, "RF-512", "overload", WARN, 503, 41,                                                          \
      "{what} is full; asked {who} to try again in {seconds} s",                                              \
      "More requests than this machine can take, or a limit that is set too low.",                            \
      "ringfence status shows what is full; raise its limit or add a worker")                                 \
    X(BAD_REQUEST, "RF-513", "bad-request", INFO, 400, 0,                                                     \
      "{who} sent a message that cannot be used: {detail}",                                                   \
      "A faulty device or a scan.", "ringfence sip parse shows what is wrong with a message")                 \
    X(BAD_SDP, "RF-514", "bad-sdp", INFO, 488, 88,                                                            \
      "{who} sent a session description that cannot be used: {detail}",                                       \
      "The body is not SDP, or has no audio stream that can be relayed.", "update the firmware of the device") \
    X(NO_ANSWER, "RF-515", "no-answer", INFO, 480, 19,                                                        \
      "nobody answered {number} within {seconds} s",                                                          \
      "The phones rang.", "sip.ring-time sets how long they ring")                                            \
    X(STORE_FAILED, "RF-516", "store-failed", ERROR, 500, 41,                                                 \
      "the change could not be written to disk: {reason}",                                                    \
      "The disk is full or failing. Calls that are up go on.", "free space below the state directory")        \
    X(CONNECTION_NEEDS_TLS, "RF-517", "connection-needs-tls", WARN, 503, 88,                                  \
      "{who} called by {transport}; this connection needs TLS ({setting})",                                   \
      "The transport of the other side is not TLS.",                                                          \
      "set the transport there to TLS; or allow others with: ringfence set {setting}")                        \
    X(CALL_LOOP, "RF-518", "call-loop", WARN, 482, 25,                                                        \
      "a call or text message to {number} by {who} has come back to us",                                      \
      "A route sends a number to a connection whose other side sends it to us.",                              \
      "ringfence route test {number} --from {who} shows the way it takes")                                    \
    X(REGISTER_REFUSED, "RF-519", "register-refused", WARN, 0, 0,                                             \
      "{peer} does not take our registration: {reason}",                                                      \
      "A wrong user name or password, or the server is not the registrar of this account.",                   \
      "ringfence connection show {peer}")                                                                     \
    X(STRANGER, "RF-520", "stranger", INFO, 0, 0,                                                             \
      "{what} from {addr} over {transport} got no answer: it is no connection's peer",                        \
      "A scanner, or a peer that calls from an address that its connection does not know.",                   \
      "if it is a peer, add its address to sip-connection.NAME.allow or to sip-trunks.peer-addresses; "       \
      "sip-trunks.answer-strangers on has strangers challenged")                                              \
    X(TOO_MANY_PHONES, "RF-521", "too-many-phones", WARN, 403, 21,                                            \
      "{who} would have {count} phones registered, more than registrar.bindings-max allows",                  \
      "Phones that were switched off or changed their address count until their registration ends.",          \
      "ringfence registrations {who} shows them; ringfence set registrar.bindings-max N allows more")         \
    X(DO_NOT_DISTURB, "RF-530", "do-not-disturb", INFO, 486, 17,                                              \
      "{user} does not want to be disturbed",                                                                 \
      "The user has switched do-not-disturb on, and no forward-busy.",                                        \
      "ringfence user set {user} --do-not-disturb off, or --forward-busy NUMBER")                             \
    X(MESSAGE_TOO_LARGE, "RF-531", "message-too-large", INFO, 513, 0,                                         \
      "a text message of {who} has {octets} octets; {reason}",                                                \
      "The body is above sip.message-max; or above what a datagram may have, and the other side can be "      \
      "reached by UDP alone (RFC 3428 8).",                                                                   \
      "raise sip.message-max, or let both phones register over TCP or TLS")                                   \
    X(DEVICE_MAC_MISMATCH, "RF-601", "mac-mismatch", WARN, 0, 0,                                              \
      "the phone with certificate {mac1} asked for the configuration of {mac2}",                              \
      "A wrong file name, or a copied phone. Nothing was sent.",                                              \
      "correct the address in the phone's provisioning URL")                                                  \
    X(DEVICE_GENERIC, "RF-603", "generic-certificate", WARN, 0, 0,                                            \
      "the phone shows a generic {maker} certificate, which does not prove which handset it is",              \
      "The factory gave it no certificate of its own, or one with no hardware address, or with several.",     \
      "update the firmware of the phone; some make a certificate of their own then")                          \
    X(ACME_UNREACHABLE, "RF-701", "port-80-closed", ERROR, 0, 0,                                              \
      "the certificate authority could not reach http://{name}/ : {detail}",                                  \
      "A firewall closes TCP 80, or nothing listens there (web.listen http:...:80).",                         \
      "let TCP 80 in to this machine, then: ringfence cert renew {label}")                                    \
    X(ACME_ELSEWHERE, "RF-702", "dns-points-elsewhere", ERROR, 0, 0,                                          \
      "the certificate authority did not find this machine under {name}: {detail}",                           \
      "The A or AAAA record is missing or names another machine; a left-over AAAA record is tried first.",    \
      "set the A and AAAA records of {name} to this machine, then: ringfence cert renew {label}")             \
    X(ACME_FAILING, "RF-703", "renewal-failing", ERROR, 0, 0,                                                 \
      "{name} ends in {days} days and renewal failed {failures} times: {detail}",                             \
      "By the reason that the certificate authority gives.", "ringfence cert list; then: ringfence cert renew {label}")\
    X(CERT_EXPIRING, "RF-704", "certificate-expiring", WARN, 0, 0,                                            \
      "{name} ({owner}) ends in {days} days",                                                                 \
      "Nobody has renewed it; after that day peers refuse it.",                                               \
      "ours: ringfence cert renew {name}, or replace its files; theirs: tell who runs the peer")              \
    X(CLOCK_WRONG, "RF-705", "clock-wrong", ERROR, 0, 0,                                                      \
      "this machine's clock is off by {by}",                                                                  \
      "Time synchronisation is off or does not work.", "timedatectl set-ntp true")                            \
    X(LOCKED_BY_HOSTED, "RF-801", "locked-by-hosted", ERROR, 0, 0,                                            \
      "{setting} is enforced on Hosted platforms and cannot be {value}",                                      \
      "platform hosted locks every encryption setting.", "remove the line")                                   \
    X(REMOTE_NOT_AVAILABLE, "RF-804", "remote-not-available", ERROR, 0, 0,                                    \
      "level {check_level} is not available on this kind of line",                                                  \
      "Lines between nodes know each other by their certificates, not by names.", "medium or high")           \
    X(CANNOT_LISTEN, "RF-805", "cannot-listen", ERROR, 0, 0,                                                  \
      "cannot listen on {addr}: {reason}",                                                                    \
      "Another program has the port, or it is below 1024 and we may not.",                                    \
      "stop the other program, or set another port in sip.listen")                                            \
    X(HSTS_UNTRUSTED, "RF-807", "hsts-untrusted", WARN, 0, 0,                                                 \
      "HSTS is held back: browsers would lock you out of a page whose certificate they do not trust",         \
      "web.https-strict-transport-security is on, and no public authority has signed the certificate of "     \
      "the interface https.",                                                                                 \
      "get a public certificate first: certificate { lets-encrypt on }; where every browser has your own "    \
      "root, web.https-strict-transport-security always")                                                     \
    X(SECOND_INSTANCE, "RF-808", "second-instance", ERROR, 0, 0,                                              \
      "the state directory {dir} is in use by process {pid}",                                                 \
      "ringfence runs already with this directory.", "stop it, or use another directory with --state")        \
    X(KEY_FILE_MODE, "RF-809", "key-file-mode", ERROR, 0, 0,                                                  \
      "{file} holds a private key and others may read it (mode {mode})",                                      \
      "The file was copied with the wrong mode.", "chmod 600 {file}")                                         \
    X(CONFIG_INVALID, "RF-810", "config-invalid", ERROR, 0, 0,                                                \
      "the configuration was not applied: {detail}",                                                          \
      "A line is wrong; what runs stays as it was.", "ringfence config check FILE")                           \
    X(NEEDS_RESTART, "RF-811", "needs-restart", WARN, 0, 0,                                                   \
      "{setting} = {value} takes effect at the next start",                                                   \
      "Threads, media ports and what they are bound to are shared out when the daemon starts.",               \
      "restart the daemon at a quiet time: ringfence stop --drain 5m, then start it")                         \
    X(THREAD_HANGS, "RF-812", "thread-hangs", ERROR, 0, 0,                                                    \
      "the thread {thread} has done nothing for {seconds} s: {stops}",                                        \
      "The disk of the state directory does not answer, or it is a defect of ringfence. Calls go on.",        \
      "see that the disk works (ringfence doctor); then restart at a quiet time: ringfence stop --drain 5m")  \
    X(SECRET_KEY, "RF-813", "secret-key-missing", ERROR, 0, 0,                                                \
      "{detail}",                                                                                             \
      "The database came without its key file, or with that of another one. Nothing was changed in it.",      \
      "put secret.key of the same backup into the state directory, owned by the daemon's user, mode 0600")      \
    X(COMMAND, "RF-814", "command-not-understood", ERROR, 0, 0,                                               \
      "{detail}",                                                                                             \
      "A word or a value is mistyped, missing, or not one that the command takes.",                           \
      "ringfence help NOUN VERB shows what a command takes")                                                  \
    X(FILE_ACCESS, "RF-815", "file-not-accessible", ERROR, 0, 0,                                              \
      "{detail}",                                                                                             \
      "The file or its folder is not there, belongs to somebody else, or its disk is full.",                  \
      "name a folder that exists, as its owner or root, with room on its disk")                               \
    X(NO_DAEMON, "RF-816", "daemon-not-reached", ERROR, 0, 0,                                                 \
      "{detail}",                                                                                             \
      "It does not run, serves another state directory, is another user's, or has no time.",                  \
      "ringfence run --state DIR; or name the directory of the one that runs with --state")

enum rf_refusal {
    RF_REFUSE_NONE, /* not a refusal */
#define X(name, code, slug, severity, sip, q850, sentence, causes, fix) RF_REFUSE_##name,
    RF_REFUSALS(X)
#undef X
    RF_REFUSAL_COUNT
};

struct rf_refusal_row {
    const char *name, *code, *slug;
    enum rf_log_level severity;
    int sip, q850;
    const char *sentence, *causes, *fix;
};

/** The row of a refusal; that of RF_REFUSE_NONE has empty texts. */
const struct rf_refusal_row *rf_refusal_row(enum rf_refusal r);

/** By code ("RF-301", letter case does not count) or slug; RF_REFUSE_NONE when there is none. */
enum rf_refusal rf_refusal_find(struct rf_span code_or_slug);

/**
 * Append a sentence or a fix of the table with its {words} filled from fields of the same names. A word
 * without a field stays as "?", so that a missing argument is seen in a test and never invents a fact.
 */
void rf_refusal_sentence(struct rf_buf *out, const char *text, const struct rf_log_field *fields);

/**
 * Count it (rf_refusal_count) and log it as event "refused" with its code, sentence, fix and the fields; when a peer
 * refused our certificate (RF-202) as "tls.peer_rejected_our_certificate".
 */
void rf_refuse(enum rf_refusal r, const struct rf_log_field *fields);

/* RF_REFUSE(CRYPTO_MISSING, RF_F_STR("who", "203"), RF_F_STR("setting", "user.203.srtp")) */
#define RF_REFUSE(name, ...)                                                                                  \
    rf_refuse(RF_REFUSE_##name, (const struct rf_log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })

/** Count n of them without a log line: for repeats that are folded into one. */
void rf_refusal_add(enum rf_refusal r, uint64_t n);

/** How often it happened in this process since it started. Any thread. */
uint64_t rf_refusal_count(enum rf_refusal r);

/** Text of a Q.850 cause for a Reason header (RFC 3326), e.g. 88: "INCOMPATIBLE_DESTINATION". */
const char *rf_q850_text(int cause);

#endif
