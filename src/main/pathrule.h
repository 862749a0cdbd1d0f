/*
 * main/pathrule.h - which way leads to a binding: the rules alone, without network
 *
 * The first rule that fits holds. "URI" is the first Path value of the binding (RFC 3327 5.2), or its contact.
 *
 *   registered by         URI                         way                       reason
 *   TCP or TLS, up        any                         that very connection      RFC 5626 5.3; also behind NAT
 *   TLS, connection lost  any                         none, RF_ERR_CLOSED       (P1)
 *   TCP with reg-id, lost any                         none, RF_ERR_CLOSED       RFC 5626: the flow is the contact
 *   UDP with reg-id       contact                     the source                RFC 5626: the flow is the contact
 *   UDP or TCP            TLS, WebSocket, not sip     none, RF_ERR_NOT_FOUND    (P1), or we have no such transport
 *   UDP or TCP            numeric Path                its address               the proxy says where it is
 *   UDP or TCP            numeric, host = source      its address               no NAT is between us
 *   UDP                   numeric, another host       the source                its NAT's outside (RFC 3581)
 *   TCP, lost             numeric, another host       none, RF_ERR_CLOSED       NAT lets nothing in
 *   UDP or TCP            host name                   RFC 3263 search           then, by UDP, the source (P2)
 *
 * (P1) TLS phones are never connected to, and never reached by less than TLS: a phone has no certificate that its
 *      name could be verified by, and a connection without would lead the keys of its call to whoever answers.
 * (P2) Only where the name has no address at all: phones behind NAT name themselves by what their own network
 *      calls them. A name that resolves is where the phone is.
 *
 * A server of the configuration (a SIP connection, a device) is another matter: its certificate is verified for the host
 * of its URI, so TLS is opened to it, and its operator has said where it is.
 *
 *   flow      URI                                   way
 *   up        any                                   that very connection: we registered by it (RFC 5626)
 *   lost      sips, or with ;transport=             numeric: its address; host name: RFC 3263 search, that transport alone
 *   lost      sip, without ;transport=              numeric: by UDP; host name: NAPTR and SRV records say, TLS among them
 *
 * Large requests (RFC 3261 18.1.1): one of more than 1300 octets, or within 200 of the path's MTU, goes by TCP where the
 * peer has it. So a way by UDP is not final when nothing but the size speaks against another one:
 *
 *   the way                                              a large request
 *   the source (NAT, outbound, (P2))                     stays: nothing else comes through
 *   a URI with ;transport=udp                            stays: its owner wants it so
 *   a numeric URI without a transport                    TCP at the same address and port, then UDP
 *   a host name without a transport                      its TCP targets, then those of UDP (route/resolve.h)
 *
 * TCP that is refused or does not answer within a second is remembered (RF_PEER_NO_TCP_S): the next calls to a phone
 * that has only UDP do not wait for it. A response goes where its Via says, whatever its size (RFC 3261 18.2.2).
 */
#ifndef RF_MAIN_PATHRULE_H
#define RF_MAIN_PATHRULE_H

#include "registrar/location.h"
#include "sip/uri.h"

enum rf_path_way { RF_PATH_NONE, RF_PATH_FLOW, RF_PATH_ADDRESS, RF_PATH_SEARCH };

struct rf_path_choice {
    enum rf_path_way way;
    enum rf_err why;             /* NONE */
    enum rf_transport transport; /* ADDRESS */
    struct rf_addr addr;         /* ADDRESS */
    struct rf_sip_uri uri;       /* SEARCH; spans into the binding */
    bool source_at_last;         /* SEARCH: (P2) */
    bool may_leave_udp;          /* ADDRESS by UDP, SEARCH: for a large request */
};

/** @param flow_is_lost  the connection of the REGISTER was looked for and is gone */
void rf_path_choose(const struct rf_binding *b, bool flow_is_lost, struct rf_path_choice *out);

/** The same for a server of the configuration. */
void rf_path_choose_server(const struct rf_binding *b, bool flow_is_lost, struct rf_path_choice *out);

/**
 * May we send to this address for this binding? A user chooses his contact's and his Path's name and so where it
 * leads: never to a group of hosts, and to this machine itself only when he is on it, since services that listen
 * on loopback trust who comes from there.
 */
bool rf_path_may(const struct rf_binding *b, const struct rf_addr *to);

#endif
