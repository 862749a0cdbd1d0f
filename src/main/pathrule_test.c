/* The table of main/pathrule.h, row by row, and what a contact must not lead us to. */
#include "main/pathrule.h"

#include <stdio.h>
#include <string.h>

#include "tap.h"

static const struct {
    const char *what, *transport, *contact, *path, *source;
    uint32_t reg_id;
    uint64_t flow_id;
    bool is_lost;
    const char *want; /* ", large: tcp" when a large request may leave UDP; "flow", "tcp 192.0.2.1:5060", "search HOST", "search HOST or source", "closed", "not found" */
} rules[] = {
    { "TLS, its connection", "tls", "sip:201@192.0.2.9:40000;transport=tls", "", "192.0.2.9:40000", 0, 7, false, "flow" },
    { "TCP, its connection", "tcp", "sip:201@10.0.0.9:40000;transport=tcp", "", "192.0.2.9:40000", 1, 7, false, "flow" },
    { "TLS, its connection, with Path", "tls", "sip:201@10.0.0.9", "<sip:edge.example;lr>", "192.0.2.9:5061", 0, 7, false,
      "flow" },
    { "TLS, lost", "tls", "sip:201@192.0.2.9:5061;transport=tls", "", "192.0.2.9:40000", 0, 7, true, "closed" },
    { "TLS, lost, a contact in clear", "tls", "sip:201@192.0.2.9:5060", "", "192.0.2.9:40000", 0, 7, true, "closed" },
    { "TLS, lost, a host name", "tls", "sip:201@phone.example", "", "192.0.2.9:40000", 0, 7, true, "closed" },
    { "TLS of an earlier run", "tls", "sip:201@192.0.2.9:5061", "", "192.0.2.9:40000", 0, 0, false, "closed" },
    { "TCP, lost", "tcp", "sip:201@192.0.2.9:5070;transport=tcp", "", "192.0.2.9:40000", 0, 7, true,
      "tcp 192.0.2.9:5070" },
    { "TCP of an earlier run, no transport named", "tcp", "sip:201@192.0.2.9", "", "192.0.2.9:40000", 0, 0, false,
      "tcp 192.0.2.9:5060" },
    { "TCP, lost, contact by UDP", "tcp", "sip:201@192.0.2.9:5070;transport=UDP", "", "192.0.2.9:40000", 0, 7, true,
      "udp 192.0.2.9:5070" },
    { "TCP, lost, outbound", "tcp", "sip:201@192.0.2.9:5070;transport=tcp", "", "192.0.2.9:40000", 1, 7, true, "closed" },
    { "TCP, lost, behind NAT", "tcp", "sip:201@10.0.0.9:5070;transport=tcp", "", "192.0.2.9:40000", 0, 7, true, "closed" },
    { "TCP, lost, a host name", "tcp", "sip:201@phone.example;transport=tcp", "", "192.0.2.9:40000", 0, 7, true,
      "search phone.example" },
    { "UDP", "udp", "sip:201@192.0.2.9:5070", "", "192.0.2.9:40000", 0, 3, false, "udp 192.0.2.9:5070, large: tcp" },
    { "UDP, the usual port", "udp", "sip:201@192.0.2.9", "", "192.0.2.9:40000", 0, 3, false, "udp 192.0.2.9:5060, large: tcp" },
    { "UDP behind NAT", "udp", "sip:201@10.0.0.9:5070", "", "192.0.2.9:40000", 0, 3, false, "udp 192.0.2.9:40000" },
    { "UDP behind NAT that wants TCP", "udp", "sip:201@10.0.0.9:5070;transport=tcp", "", "192.0.2.9:40000", 0, 3, false,
      "udp 192.0.2.9:40000" },
    { "UDP, outbound", "udp", "sip:201@192.0.2.9:5070", "", "192.0.2.9:40000", 1, 3, false, "udp 192.0.2.9:40000" },
    { "UDP, contact by TCP", "udp", "sip:201@192.0.2.9:5070;transport=tcp", "", "192.0.2.9:40000", 0, 3, false,
      "tcp 192.0.2.9:5070" },
    { "UDP, contact by TLS", "udp", "sip:201@192.0.2.9:5070;transport=tls", "", "192.0.2.9:40000", 0, 3, false,
      "not found" },
    { "UDP, sips", "udp", "sips:201@192.0.2.9:5070", "", "192.0.2.9:40000", 0, 3, false, "not found" },
    { "UDP, WebSocket", "udp", "sip:201@abc.invalid;transport=ws", "", "192.0.2.9:40000", 0, 3, false, "not found" },
    { "UDP, a telephone number", "udp", "tel:+4930123", "", "192.0.2.9:40000", 0, 3, false, "not found" },
    { "UDP, IPv6", "udp", "sip:201@[2001:db8::9]:5070", "", "[2001:db8::9]:40000", 0, 3, false,
      "udp [2001:db8::9]:5070, large: tcp" },
    { "UDP from IPv4, contact IPv6", "udp", "sip:201@[2001:db8::9]:5070", "", "192.0.2.9:40000", 0, 3, false,
      "udp 192.0.2.9:40000" },
    { "UDP, maddr of its own host", "udp", "sip:201@phone.example;maddr=192.0.2.9", "", "192.0.2.9:40000", 0, 3, false,
      "udp 192.0.2.9:5060, large: tcp" },
    { "UDP, maddr of somebody else", "udp", "sip:201@192.0.2.9;maddr=198.51.100.1", "", "192.0.2.9:40000", 0, 3, false,
      "udp 192.0.2.9:40000" },
    { "UDP, a host name", "udp", "sip:201@phone.example", "", "192.0.2.9:40000", 0, 3, false,
      "search phone.example or source, large: tcp" },
    { "UDP, a contact that says so", "udp", "sip:201@192.0.2.9:5070;transport=udp", "", "192.0.2.9:40000", 0, 3, false,
      "udp 192.0.2.9:5070" },
    { "UDP, a host name that says so", "udp", "sip:201@phone.example;transport=udp", "", "192.0.2.9:40000", 0, 3, false,
      "search phone.example or source" },
    { "UDP, NAT that keeps the address of the contact's port", "udp", "sip:201@10.0.0.9:40000", "", "192.0.2.9:40000", 0, 3,
      false, "udp 192.0.2.9:40000" },
    { "GEN-12 a Path with an address", "udp", "sip:201@10.0.0.9:5070", "<sip:192.0.2.77:5066;lr>, <sip:a.example;lr>",
      "192.0.2.9:40000", 0, 3, false, "udp 192.0.2.77:5066, large: tcp" },
    { "GEN-12 a Path by TCP", "udp", "sip:201@10.0.0.9:5070", "<sip:192.0.2.77;transport=tcp;lr>", "192.0.2.9:40000", 0, 3,
      false, "tcp 192.0.2.77:5060" },
    { "GEN-12 a Path with a name, outbound behind it", "udp", "sip:201@10.0.0.9:5070", "<sip:edge.example;lr;ob>",
      "192.0.2.9:40000", 1, 3, false, "search edge.example, large: tcp" },
};

static const struct {
    const char *source, *to;
    bool want;
} bounds[] = {
    { "192.0.2.9:5060", "192.0.2.10:5060", true },    { "192.0.2.9:5060", "127.0.0.1:5060", false },
    { "192.0.2.9:5060", "127.9.9.9:25", false },      { "192.0.2.9:5060", "[::1]:5060", false },
    { "127.0.0.1:5060", "127.0.0.2:5060", true },     { "[::1]:5060", "[::1]:5070", true },
    { "192.0.2.9:5060", "0.0.0.0:5060", false },      { "192.0.2.9:5060", "[::]:5060", false },
    { "192.0.2.9:5060", "224.0.1.75:5060", false },   { "192.0.2.9:5060", "255.255.255.255:5060", false },
    { "192.0.2.9:5060", "[ff02::1]:5060", false },    { "192.0.2.9:5060", "192.0.2.10:0", false },
    { "192.0.2.9:5060", "[2001:db8::1]:5060", true },
};

static const char *
text_of(const struct rf_path_choice *c, char *out, size_t size)
{
    static const char *const name[] = { "udp", "tcp", "tls" };
    static const char or_tcp[] = ", large: tcp";
    char addr[RF_ADDR_TEXT_MAX];

    switch (c->way) {
    case RF_PATH_FLOW:
        return "flow";
    case RF_PATH_ADDRESS:
        snprintf(out, size, "%s %s%s", name[c->transport], rf_addr_text(&c->addr, addr), c->may_leave_udp ? or_tcp : "");
        return out;
    case RF_PATH_SEARCH:
        snprintf(out, size, "search %.*s%s%s", (int)c->uri.host.n, c->uri.host.p, c->source_at_last ? " or source" : "",
                 c->may_leave_udp ? or_tcp : "");
        return out;
    case RF_PATH_NONE:
        break;
    }
    return c->why == RF_ERR_CLOSED ? "closed" : c->why == RF_ERR_NOT_FOUND ? "not found" : "another error";
}

int
main(void)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct rf_binding b = { .reg_id = rules[i].reg_id, .flow_id = rules[i].flow_id };
        struct rf_path_choice c;
        char text[160];
        const char *got;

        b.transport = strcmp(rules[i].transport, "udp") == 0   ? RF_UDP
                      : strcmp(rules[i].transport, "tcp") == 0 ? RF_TCP
                                                               : RF_TLS;
        snprintf(b.contact, sizeof b.contact, "%s", rules[i].contact);
        snprintf(b.path, sizeof b.path, "%s", rules[i].path);
        rf_assert(rf_addr_parse_port(rf_span_str(rules[i].source), &b.source) == RF_OK);
        rf_path_choose(&b, rules[i].is_lost, &c);
        got = text_of(&c, text, sizeof text);
        ok(strcmp(got, rules[i].want) == 0, "%s: %s, got %s", rules[i].what, rules[i].want, got);
    }
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        struct rf_binding b = { 0 };
        struct rf_addr to;

        rf_assert(rf_addr_parse_port(rf_span_str(bounds[i].source), &b.source) == RF_OK &&
                  rf_addr_parse_port(rf_span_str(bounds[i].to), &to) == RF_OK);
        ok(rf_path_may(&b, &to) == bounds[i].want, "a phone at %s %s to %s", bounds[i].source,
           bounds[i].want ? "may lead us" : "must not lead us", bounds[i].to);
    }
    return tap_done();
}
