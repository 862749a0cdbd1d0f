/* IPC-17: hardware addresses in names, one row each. Certificates as a whole are in tests/certs/levels.py. */
#include "cert/device.h"
#include "cert/cert_test.h"

static const struct {
    const char *text;
    enum rf_device_found want;
    const char *mac;
} cases[] = {
    { "02A0B1C2D3E4", RF_DEVICE_ONE, "02a0b1c2d3e4" },
    { "02:a0:b1:c2:d3:e4", RF_DEVICE_ONE, "02a0b1c2d3e4" },
    { "02-a0-b1-c2-d3-e4", RF_DEVICE_ONE, "02a0b1c2d3e4" },
    { "02a0.b1c2.d3e4", RF_DEVICE_ONE, "02a0b1c2d3e4" },
    { "SEP02A0B1C2D3E4", RF_DEVICE_ONE, "02a0b1c2d3e4" },
    { "T48-02-a0-b1-c2-d3-e4", RF_DEVICE_ONE, "02a0b1c2d3e4" },
    { "T48 02:A0:B1:C2:D3:E4 r2", RF_DEVICE_ONE, "02a0b1c2d3e4" },
    { "02a0b1c2d3e4 and 02A0B1C2D3E4", RF_DEVICE_ONE, "02a0b1c2d3e4" },
    { "02a0b1c2d3e4 02:a0:b1:c2:d3:e5", RF_DEVICE_SEVERAL, "02a0b1c2d3e4" },
    { "02a0b1c2d3e4ff", RF_DEVICE_NONE, "" },
    { "02a0b1c2d3e", RF_DEVICE_NONE, "" },
    { "02:a0:b1:c2:d3:e4:f5", RF_DEVICE_NONE, "" },
    { "11:02:a0:b1:c2:d3:e4", RF_DEVICE_NONE, "" },
    { "x 11:02:a0:b1:c2:d3:e4", RF_DEVICE_NONE, "" },
    { "02:a0:b1:c2:d3:e", RF_DEVICE_NONE, "" },
    { "02:a0:b1:c2:d3:e4f", RF_DEVICE_NONE, "" },
    { "02:a0-b1:c2:d3:e4", RF_DEVICE_NONE, "" },
    { "02a0b1-c2d3e4", RF_DEVICE_NONE, "" },
    { "02a0.b1c2.d3e4.f5a6", RF_DEVICE_NONE, "" },
    { "2:a0:b1:c2:d3:e4", RF_DEVICE_NONE, "" },
    { "000000000000", RF_DEVICE_NONE, "" },
    { "ffffffffffff", RF_DEVICE_NONE, "" },
    { "01005e000001", RF_DEVICE_NONE, "" },
    { "", RF_DEVICE_NONE, "" },
    { "ciscogeneric", RF_DEVICE_NONE, "" },
};

static void
texts(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rf_device_id id = { 0 };

        rf_device_search(rf_span_str(cases[i].text), &id);
        ok(id.found == cases[i].want && strcmp(id.mac, cases[i].mac) == 0, "IPC-17 \"%s\": %s", cases[i].text,
           id.found == RF_DEVICE_NONE ? "no address" : id.mac);
    }
}

static void
requests(void)
{
    static const struct {
        const char *text;
        enum rf_err want;
    } asked[] = {
        { "02a0b1c2d3e4", RF_OK }, { "02:A0:b1:c2:d3:e4", RF_OK }, { "02a0.b1c2.d3e4", RF_OK },
        { "02a0b1c2d3e4.cfg", RF_ERR_SYNTAX }, { " 02a0b1c2d3e4", RF_ERR_SYNTAX }, { "02a0b1c2d3e", RF_ERR_SYNTAX },
        { "", RF_ERR_SYNTAX }, { "ffffffffffff", RF_ERR_RANGE }, { "000000000000", RF_ERR_RANGE },
    };
    char mac[RF_DEVICE_TEXT_MAX];

    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        ok(rf_device_parse(rf_span_str(asked[i].text), mac) == asked[i].want, "IPC-17 asked for \"%s\"", asked[i].text);
}

static void
put(X509 *x, int nid, const void *octets, int n)
{
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x));

    X509_NAME_add_entry_by_NID(name, nid, V_ASN1_UTF8STRING, octets, n, -1, 0);
    X509_set_subject_name(x, name);
    X509_NAME_free(name);
}

static void
fields(void)
{
    static const struct {
        int nid;
        const char *octets;
        int n;
        unsigned where;
        enum rf_device_found want;
        const char *what;
    } rows[] = {
        { NID_stateOrProvinceName, "000e08abcdef", 12, RF_DEVICE_USUAL, RF_DEVICE_ONE, "ST, as Cisco has it" },
        { NID_stateOrProvinceName, "No 000e08abcdef", 15, RF_DEVICE_USUAL, RF_DEVICE_NONE, "ST with more in it" },
        { NID_organizationalUnitName, "000e08abcdef", 12, RF_DEVICE_USUAL, RF_DEVICE_NONE, "OU by itself" },
        { NID_organizationalUnitName, "000e08abcdef", 12, RF_DEVICE_OU, RF_DEVICE_ONE, "OU by a vendor's rule" },
        { NID_serialNumber, "000e08abcdef", 12, RF_DEVICE_CN, RF_DEVICE_NONE, "a field that the rule leaves out" },
        { NID_commonName, "000e08abcdef\0x", 14, RF_DEVICE_USUAL, RF_DEVICE_SEVERAL, "a NUL hides something" },
        { NID_localityName, "000e08abcdef", 12, RF_DEVICE_USUAL, RF_DEVICE_NONE, "a locality" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct made *m = make((struct recipe){ .subject = "phone", .ext = { LEAF_EXT } });
        struct rf_device_id id;

        put(m->x, rows[i].nid, rows[i].octets, rows[i].n);
        rf_device_identify(m->x, rows[i].where, &id);
        ok(id.found == rows[i].want, "IPC-17 %s: %s", rows[i].what, id.mac);
    }
    {
        const struct made *m = make((struct recipe){ .subject = "000e08abcdee", .ext = { LEAF_EXT, "subjectAltName=DNS:000e08abcdef.phones.example" } });
        struct rf_device_id id;

        rf_device_identify(m->x, RF_DEVICE_USUAL, &id);
        ok(id.found == RF_DEVICE_SEVERAL, "IPC-17 two fields that differ");
    }
}

int
main(void)
{
    texts();
    requests();
    fields();
    made_free();
    return tap_done();
}
