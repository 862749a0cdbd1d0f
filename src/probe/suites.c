#include "probe/suites.h"

#include <stdio.h>

#include "tls/level.h"

static const struct {
    uint16_t id;
    const char *name;
} suites[] = {
    { 0x00c6, "TLS_SM4_GCM_SM3" }, { 0x00c7, "TLS_SM4_CCM_SM3" }, { 0x1301, "TLS_AES_128_GCM_SHA256" },
    { 0x1302, "TLS_AES_256_GCM_SHA384" }, { 0x1303, "TLS_CHACHA20_POLY1305_SHA256" },
    { 0x1304, "TLS_AES_128_CCM_SHA256" }, { 0x1305, "TLS_AES_128_CCM_8_SHA256" },
    { 0x1306, "TLS_AEGIS_256_SHA512" }, { 0x1307, "TLS_AEGIS_128L_SHA256" },
    { 0xc0b4, "TLS_SHA256_SHA256" }, { 0xc0b5, "TLS_SHA384_SHA384" },
    { 0xc103, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_L" },
    { 0xc104, "TLS_GOSTR341112_256_WITH_MAGMA_MGM_L" },
    { 0xc105, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_S" },
    { 0xc106, "TLS_GOSTR341112_256_WITH_MAGMA_MGM_S" }, { 0x0001, "NULL-MD5" }, { 0x0002, "NULL-SHA" },
    { 0x0003, "EXP-RC4-MD5" }, { 0x0004, "RC4-MD5" }, { 0x0005, "RC4-SHA" }, { 0x0006, "EXP-RC2-CBC-MD5" },
    { 0x0007, "IDEA-CBC-SHA" }, { 0x0008, "EXP-DES-CBC-SHA" }, { 0x0009, "DES-CBC-SHA" },
    { 0x000a, "DES-CBC3-SHA" }, { 0x000b, "EXP-DH-DSS-DES-CBC-SHA" }, { 0x000c, "DH-DSS-DES-CBC-SHA" },
    { 0x000d, "DH-DSS-DES-CBC3-SHA" }, { 0x000e, "EXP-DH-RSA-DES-CBC-SHA" },
    { 0x000f, "DH-RSA-DES-CBC-SHA" }, { 0x0010, "DH-RSA-DES-CBC3-SHA" },
    { 0x0011, "EXP-DHE-DSS-DES-CBC-SHA" }, { 0x0012, "DHE-DSS-DES-CBC-SHA" },
    { 0x0013, "DHE-DSS-DES-CBC3-SHA" }, { 0x0014, "EXP-DHE-RSA-DES-CBC-SHA" },
    { 0x0015, "DHE-RSA-DES-CBC-SHA" }, { 0x0016, "DHE-RSA-DES-CBC3-SHA" }, { 0x0017, "EXP-ADH-RC4-MD5" },
    { 0x0018, "ADH-RC4-MD5" }, { 0x0019, "EXP-ADH-DES-CBC-SHA" }, { 0x001a, "ADH-DES-CBC-SHA" },
    { 0x001b, "ADH-DES-CBC3-SHA" }, { 0x001e, "KRB5-DES-CBC-SHA" }, { 0x001f, "KRB5-DES-CBC3-SHA" },
    { 0x0020, "KRB5-RC4-SHA" }, { 0x0021, "KRB5-IDEA-CBC-SHA" }, { 0x0022, "KRB5-DES-CBC-MD5" },
    { 0x0023, "KRB5-DES-CBC3-MD5" }, { 0x0024, "KRB5-RC4-MD5" }, { 0x0025, "KRB5-IDEA-CBC-MD5" },
    { 0x0026, "EXP-KRB5-DES-CBC-SHA" }, { 0x0027, "EXP-KRB5-RC2-CBC-SHA" }, { 0x0028, "EXP-KRB5-RC4-SHA" },
    { 0x0029, "EXP-KRB5-DES-CBC-MD5" }, { 0x002a, "EXP-KRB5-RC2-CBC-MD5" }, { 0x002b, "EXP-KRB5-RC4-MD5" },
    { 0x002c, "PSK-NULL-SHA" }, { 0x002d, "DHE-PSK-NULL-SHA" }, { 0x002e, "RSA-PSK-NULL-SHA" },
    { 0x002f, "AES128-SHA" }, { 0x0030, "DH-DSS-AES128-SHA" }, { 0x0031, "DH-RSA-AES128-SHA" },
    { 0x0032, "DHE-DSS-AES128-SHA" }, { 0x0033, "DHE-RSA-AES128-SHA" }, { 0x0034, "ADH-AES128-SHA" },
    { 0x0035, "AES256-SHA" }, { 0x0036, "DH-DSS-AES256-SHA" }, { 0x0037, "DH-RSA-AES256-SHA" },
    { 0x0038, "DHE-DSS-AES256-SHA" }, { 0x0039, "DHE-RSA-AES256-SHA" }, { 0x003a, "ADH-AES256-SHA" },
    { 0x003b, "NULL-SHA256" }, { 0x003c, "AES128-SHA256" }, { 0x003d, "AES256-SHA256" },
    { 0x003e, "DH-DSS-AES128-SHA256" }, { 0x003f, "DH-RSA-AES128-SHA256" },
    { 0x0040, "DHE-DSS-AES128-SHA256" }, { 0x0041, "CAMELLIA128-SHA" },
    { 0x0042, "DH-DSS-CAMELLIA128-SHA" }, { 0x0043, "DH-RSA-CAMELLIA128-SHA" },
    { 0x0044, "DHE-DSS-CAMELLIA128-SHA" }, { 0x0045, "DHE-RSA-CAMELLIA128-SHA" },
    { 0x0046, "ADH-CAMELLIA128-SHA" }, { 0x0060, "EXP1024-RC4-MD5" }, { 0x0061, "EXP1024-RC2-CBC-MD5" },
    { 0x0062, "EXP1024-DES-CBC-SHA" }, { 0x0063, "EXP1024-DHE-DSS-DES-CBC-SHA" },
    { 0x0064, "EXP1024-RC4-SHA" }, { 0x0065, "EXP1024-DHE-DSS-RC4-SHA" }, { 0x0066, "DHE-DSS-RC4-SHA" },
    { 0x0067, "DHE-RSA-AES128-SHA256" }, { 0x0068, "DH-DSS-AES256-SHA256" },
    { 0x0069, "DH-RSA-AES256-SHA256" }, { 0x006a, "DHE-DSS-AES256-SHA256" },
    { 0x006b, "DHE-RSA-AES256-SHA256" }, { 0x006c, "ADH-AES128-SHA256" }, { 0x006d, "ADH-AES256-SHA256" },
    { 0x0080, "GOST94-GOST89-GOST89" }, { 0x0081, "GOST2001-GOST89-GOST89" },
    { 0x0082, "GOST94-NULL-GOST94" }, { 0x0083, "GOST2001-NULL-GOST94" }, { 0x0084, "CAMELLIA256-SHA" },
    { 0x0085, "DH-DSS-CAMELLIA256-SHA" }, { 0x0086, "DH-RSA-CAMELLIA256-SHA" },
    { 0x0087, "DHE-DSS-CAMELLIA256-SHA" }, { 0x0088, "DHE-RSA-CAMELLIA256-SHA" },
    { 0x0089, "ADH-CAMELLIA256-SHA" }, { 0x008a, "PSK-RC4-SHA" }, { 0x008b, "PSK-3DES-EDE-CBC-SHA" },
    { 0x008c, "PSK-AES128-CBC-SHA" }, { 0x008d, "PSK-AES256-CBC-SHA" }, { 0x008e, "DHE-PSK-RC4-SHA" },
    { 0x008f, "DHE-PSK-3DES-EDE-CBC-SHA" }, { 0x0090, "DHE-PSK-AES128-CBC-SHA" },
    { 0x0091, "DHE-PSK-AES256-CBC-SHA" }, { 0x0092, "RSA-PSK-RC4-SHA" },
    { 0x0093, "RSA-PSK-3DES-EDE-CBC-SHA" }, { 0x0094, "RSA-PSK-AES128-CBC-SHA" },
    { 0x0095, "RSA-PSK-AES256-CBC-SHA" }, { 0x0096, "SEED-SHA" }, { 0x0097, "DH-DSS-SEED-SHA" },
    { 0x0098, "DH-RSA-SEED-SHA" }, { 0x0099, "DHE-DSS-SEED-SHA" }, { 0x009a, "DHE-RSA-SEED-SHA" },
    { 0x009b, "ADH-SEED-SHA" }, { 0x009c, "AES128-GCM-SHA256" }, { 0x009d, "AES256-GCM-SHA384" },
    { 0x009e, "DHE-RSA-AES128-GCM-SHA256" }, { 0x009f, "DHE-RSA-AES256-GCM-SHA384" },
    { 0x00a0, "DH-RSA-AES128-GCM-SHA256" }, { 0x00a1, "DH-RSA-AES256-GCM-SHA384" },
    { 0x00a2, "DHE-DSS-AES128-GCM-SHA256" }, { 0x00a3, "DHE-DSS-AES256-GCM-SHA384" },
    { 0x00a4, "DH-DSS-AES128-GCM-SHA256" }, { 0x00a5, "DH-DSS-AES256-GCM-SHA384" },
    { 0x00a6, "ADH-AES128-GCM-SHA256" }, { 0x00a7, "ADH-AES256-GCM-SHA384" },
    { 0x00a8, "PSK-AES128-GCM-SHA256" }, { 0x00a9, "PSK-AES256-GCM-SHA384" },
    { 0x00aa, "DHE-PSK-AES128-GCM-SHA256" }, { 0x00ab, "DHE-PSK-AES256-GCM-SHA384" },
    { 0x00ac, "RSA-PSK-AES128-GCM-SHA256" }, { 0x00ad, "RSA-PSK-AES256-GCM-SHA384" },
    { 0x00ae, "PSK-AES128-CBC-SHA256" }, { 0x00af, "PSK-AES256-CBC-SHA384" }, { 0x00b0, "PSK-NULL-SHA256" },
    { 0x00b1, "PSK-NULL-SHA384" }, { 0x00b2, "DHE-PSK-AES128-CBC-SHA256" },
    { 0x00b3, "DHE-PSK-AES256-CBC-SHA384" }, { 0x00b4, "DHE-PSK-NULL-SHA256" },
    { 0x00b5, "DHE-PSK-NULL-SHA384" }, { 0x00b6, "RSA-PSK-AES128-CBC-SHA256" },
    { 0x00b7, "RSA-PSK-AES256-CBC-SHA384" }, { 0x00b8, "RSA-PSK-NULL-SHA256" },
    { 0x00b9, "RSA-PSK-NULL-SHA384" }, { 0x00ba, "CAMELLIA128-SHA256" },
    { 0x00bb, "DH-DSS-CAMELLIA128-SHA256" }, { 0x00bc, "DH-RSA-CAMELLIA128-SHA256" },
    { 0x00bd, "DHE-DSS-CAMELLIA128-SHA256" }, { 0x00be, "DHE-RSA-CAMELLIA128-SHA256" },
    { 0x00bf, "ADH-CAMELLIA128-SHA256" }, { 0x00c0, "CAMELLIA256-SHA256" },
    { 0x00c1, "DH-DSS-CAMELLIA256-SHA256" }, { 0x00c2, "DH-RSA-CAMELLIA256-SHA256" },
    { 0x00c3, "DHE-DSS-CAMELLIA256-SHA256" }, { 0x00c4, "DHE-RSA-CAMELLIA256-SHA256" },
    { 0x00c5, "ADH-CAMELLIA256-SHA256" }, { 0xc001, "ECDH-ECDSA-NULL-SHA" },
    { 0xc002, "ECDH-ECDSA-RC4-SHA" }, { 0xc003, "ECDH-ECDSA-DES-CBC3-SHA" },
    { 0xc004, "ECDH-ECDSA-AES128-SHA" }, { 0xc005, "ECDH-ECDSA-AES256-SHA" },
    { 0xc006, "ECDHE-ECDSA-NULL-SHA" }, { 0xc007, "ECDHE-ECDSA-RC4-SHA" },
    { 0xc008, "ECDHE-ECDSA-DES-CBC3-SHA" }, { 0xc009, "ECDHE-ECDSA-AES128-SHA" },
    { 0xc00a, "ECDHE-ECDSA-AES256-SHA" }, { 0xc00b, "ECDH-RSA-NULL-SHA" }, { 0xc00c, "ECDH-RSA-RC4-SHA" },
    { 0xc00d, "ECDH-RSA-DES-CBC3-SHA" }, { 0xc00e, "ECDH-RSA-AES128-SHA" },
    { 0xc00f, "ECDH-RSA-AES256-SHA" }, { 0xc010, "ECDHE-RSA-NULL-SHA" }, { 0xc011, "ECDHE-RSA-RC4-SHA" },
    { 0xc012, "ECDHE-RSA-DES-CBC3-SHA" }, { 0xc013, "ECDHE-RSA-AES128-SHA" },
    { 0xc014, "ECDHE-RSA-AES256-SHA" }, { 0xc015, "AECDH-NULL-SHA" }, { 0xc016, "AECDH-RC4-SHA" },
    { 0xc017, "AECDH-DES-CBC3-SHA" }, { 0xc018, "AECDH-AES128-SHA" }, { 0xc019, "AECDH-AES256-SHA" },
    { 0xc01a, "SRP-3DES-EDE-CBC-SHA" }, { 0xc01b, "SRP-RSA-3DES-EDE-CBC-SHA" },
    { 0xc01c, "SRP-DSS-3DES-EDE-CBC-SHA" }, { 0xc01d, "SRP-AES-128-CBC-SHA" },
    { 0xc01e, "SRP-RSA-AES-128-CBC-SHA" }, { 0xc01f, "SRP-DSS-AES-128-CBC-SHA" },
    { 0xc020, "SRP-AES-256-CBC-SHA" }, { 0xc021, "SRP-RSA-AES-256-CBC-SHA" },
    { 0xc022, "SRP-DSS-AES-256-CBC-SHA" }, { 0xc023, "ECDHE-ECDSA-AES128-SHA256" },
    { 0xc024, "ECDHE-ECDSA-AES256-SHA384" }, { 0xc025, "ECDH-ECDSA-AES128-SHA256" },
    { 0xc026, "ECDH-ECDSA-AES256-SHA384" }, { 0xc027, "ECDHE-RSA-AES128-SHA256" },
    { 0xc028, "ECDHE-RSA-AES256-SHA384" }, { 0xc029, "ECDH-RSA-AES128-SHA256" },
    { 0xc02a, "ECDH-RSA-AES256-SHA384" }, { 0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256" },
    { 0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384" }, { 0xc02d, "ECDH-ECDSA-AES128-GCM-SHA256" },
    { 0xc02e, "ECDH-ECDSA-AES256-GCM-SHA384" }, { 0xc02f, "ECDHE-RSA-AES128-GCM-SHA256" },
    { 0xc030, "ECDHE-RSA-AES256-GCM-SHA384" }, { 0xc031, "ECDH-RSA-AES128-GCM-SHA256" },
    { 0xc032, "ECDH-RSA-AES256-GCM-SHA384" }, { 0xc033, "ECDHE-PSK-RC4-SHA" },
    { 0xc034, "ECDHE-PSK-3DES-EDE-CBC-SHA" }, { 0xc035, "ECDHE-PSK-AES128-CBC-SHA" },
    { 0xc036, "ECDHE-PSK-AES256-CBC-SHA" }, { 0xc037, "ECDHE-PSK-AES128-CBC-SHA256" },
    { 0xc038, "ECDHE-PSK-AES256-CBC-SHA384" }, { 0xc039, "ECDHE-PSK-NULL-SHA" },
    { 0xc03a, "ECDHE-PSK-NULL-SHA256" }, { 0xc03b, "ECDHE-PSK-NULL-SHA384" }, { 0xc03c, "ARIA128-SHA256" },
    { 0xc03d, "ARIA256-SHA384" }, { 0xc03e, "DH-DSS-ARIA128-SHA256" }, { 0xc03f, "DH-DSS-ARIA256-SHA384" },
    { 0xc040, "DH-RSA-ARIA128-SHA256" }, { 0xc041, "DH-RSA-ARIA256-SHA384" },
    { 0xc042, "DHE-DSS-ARIA128-SHA256" }, { 0xc043, "DHE-DSS-ARIA256-SHA384" },
    { 0xc044, "DHE-RSA-ARIA128-SHA256" }, { 0xc045, "DHE-RSA-ARIA256-SHA384" },
    { 0xc046, "ADH-ARIA128-SHA256" }, { 0xc047, "ADH-ARIA256-SHA384" },
    { 0xc048, "ECDHE-ECDSA-ARIA128-SHA256" }, { 0xc049, "ECDHE-ECDSA-ARIA256-SHA384" },
    { 0xc04a, "ECDH-ECDSA-ARIA128-SHA256" }, { 0xc04b, "ECDH-ECDSA-ARIA256-SHA384" },
    { 0xc04c, "ECDHE-RSA-ARIA128-SHA256" }, { 0xc04d, "ECDHE-RSA-ARIA256-SHA384" },
    { 0xc04e, "ECDH-RSA-ARIA128-SHA256" }, { 0xc04f, "ECDH-RSA-ARIA256-SHA384" },
    { 0xc050, "ARIA128-GCM-SHA256" }, { 0xc051, "ARIA256-GCM-SHA384" },
    { 0xc052, "DHE-RSA-ARIA128-GCM-SHA256" }, { 0xc053, "DHE-RSA-ARIA256-GCM-SHA384" },
    { 0xc054, "DH-RSA-ARIA128-GCM-SHA256" }, { 0xc055, "DH-RSA-ARIA256-GCM-SHA384" },
    { 0xc056, "DHE-DSS-ARIA128-GCM-SHA256" }, { 0xc057, "DHE-DSS-ARIA256-GCM-SHA384" },
    { 0xc058, "DH-DSS-ARIA128-GCM-SHA256" }, { 0xc059, "DH-DSS-ARIA256-GCM-SHA384" },
    { 0xc05a, "ADH-ARIA128-GCM-SHA256" }, { 0xc05b, "ADH-ARIA256-GCM-SHA384" },
    { 0xc05c, "ECDHE-ECDSA-ARIA128-GCM-SHA256" }, { 0xc05d, "ECDHE-ECDSA-ARIA256-GCM-SHA384" },
    { 0xc05e, "ECDH-ECDSA-ARIA128-GCM-SHA256" }, { 0xc05f, "ECDH-ECDSA-ARIA256-GCM-SHA384" },
    { 0xc060, "ECDHE-ARIA128-GCM-SHA256" }, { 0xc061, "ECDHE-ARIA256-GCM-SHA384" },
    { 0xc062, "ECDH-RSA-ARIA128-GCM-SHA256" }, { 0xc063, "ECDH-RSA-ARIA256-GCM-SHA384" },
    { 0xc064, "PSK-ARIA128-SHA256" }, { 0xc065, "PSK-ARIA256-SHA384" },
    { 0xc066, "DHE-PSK-ARIA128-SHA256" }, { 0xc067, "DHE-PSK-ARIA256-SHA384" },
    { 0xc068, "RSA-PSK-ARIA128-SHA256" }, { 0xc069, "RSA-PSK-ARIA256-SHA384" },
    { 0xc06a, "PSK-ARIA128-GCM-SHA256" }, { 0xc06b, "PSK-ARIA256-GCM-SHA384" },
    { 0xc06c, "DHE-PSK-ARIA128-GCM-SHA256" }, { 0xc06d, "DHE-PSK-ARIA256-GCM-SHA384" },
    { 0xc06e, "RSA-PSK-ARIA128-GCM-SHA256" }, { 0xc06f, "RSA-PSK-ARIA256-GCM-SHA384" },
    { 0xc070, "ECDHE-PSK-ARIA128-SHA256" }, { 0xc071, "ECDHE-PSK-ARIA256-SHA384" },
    { 0xc072, "ECDHE-ECDSA-CAMELLIA128-SHA256" }, { 0xc073, "ECDHE-ECDSA-CAMELLIA256-SHA384" },
    { 0xc074, "ECDH-ECDSA-CAMELLIA128-SHA256" }, { 0xc075, "ECDH-ECDSA-CAMELLIA256-SHA384" },
    { 0xc076, "ECDHE-RSA-CAMELLIA128-SHA256" }, { 0xc077, "ECDHE-RSA-CAMELLIA256-SHA384" },
    { 0xc078, "ECDH-RSA-CAMELLIA128-SHA256" }, { 0xc079, "ECDH-RSA-CAMELLIA256-SHA384" },
    { 0xc07a, "CAMELLIA128-GCM-SHA256" }, { 0xc07b, "CAMELLIA256-GCM-SHA384" },
    { 0xc07c, "DHE-RSA-CAMELLIA128-GCM-SHA256" }, { 0xc07d, "DHE-RSA-CAMELLIA256-GCM-SHA384" },
    { 0xc07e, "DH-RSA-CAMELLIA128-GCM-SHA256" }, { 0xc07f, "DH-RSA-CAMELLIA256-GCM-SHA384" },
    { 0xc080, "DHE-DSS-CAMELLIA128-GCM-SHA256" }, { 0xc081, "DHE-DSS-CAMELLIA256-GCM-SHA384" },
    { 0xc082, "DH-DSS-CAMELLIA128-GCM-SHA256" }, { 0xc083, "DH-DSS-CAMELLIA256-GCM-SHA384" },
    { 0xc084, "ADH-CAMELLIA128-GCM-SHA256" }, { 0xc085, "ADH-CAMELLIA256-GCM-SHA384" },
    { 0xc086, "ECDHE-ECDSA-CAMELLIA128-GCM-SHA256" }, { 0xc087, "ECDHE-ECDSA-CAMELLIA256-GCM-SHA384" },
    { 0xc088, "ECDH-ECDSA-CAMELLIA128-GCM-SHA256" }, { 0xc089, "ECDH-ECDSA-CAMELLIA256-GCM-SHA384" },
    { 0xc08a, "ECDHE-RSA-CAMELLIA128-GCM-SHA256" }, { 0xc08b, "ECDHE-RSA-CAMELLIA256-GCM-SHA384" },
    { 0xc08c, "ECDH-RSA-CAMELLIA128-GCM-SHA256" }, { 0xc08d, "ECDH-RSA-CAMELLIA256-GCM-SHA384" },
    { 0xc08e, "PSK-CAMELLIA128-GCM-SHA256" }, { 0xc08f, "PSK-CAMELLIA256-GCM-SHA384" },
    { 0xc090, "DHE-PSK-CAMELLIA128-GCM-SHA256" }, { 0xc091, "DHE-PSK-CAMELLIA256-GCM-SHA384" },
    { 0xc092, "RSA-PSK-CAMELLIA128-GCM-SHA256" }, { 0xc093, "RSA-PSK-CAMELLIA256-GCM-SHA384" },
    { 0xc094, "PSK-CAMELLIA128-SHA256" }, { 0xc095, "PSK-CAMELLIA256-SHA384" },
    { 0xc096, "DHE-PSK-CAMELLIA128-SHA256" }, { 0xc097, "DHE-PSK-CAMELLIA256-SHA384" },
    { 0xc098, "RSA-PSK-CAMELLIA128-SHA256" }, { 0xc099, "RSA-PSK-CAMELLIA256-SHA384" },
    { 0xc09a, "ECDHE-PSK-CAMELLIA128-SHA256" }, { 0xc09b, "ECDHE-PSK-CAMELLIA256-SHA384" },
    { 0xc09c, "AES128-CCM" }, { 0xc09d, "AES256-CCM" }, { 0xc09e, "DHE-RSA-AES128-CCM" },
    { 0xc09f, "DHE-RSA-AES256-CCM" }, { 0xc0a0, "AES128-CCM8" }, { 0xc0a1, "AES256-CCM8" },
    { 0xc0a2, "DHE-RSA-AES128-CCM8" }, { 0xc0a3, "DHE-RSA-AES256-CCM8" }, { 0xc0a4, "PSK-AES128-CCM" },
    { 0xc0a5, "PSK-AES256-CCM" }, { 0xc0a6, "DHE-PSK-AES128-CCM" }, { 0xc0a7, "DHE-PSK-AES256-CCM" },
    { 0xc0a8, "PSK-AES128-CCM8" }, { 0xc0a9, "PSK-AES256-CCM8" }, { 0xc0aa, "DHE-PSK-AES128-CCM8" },
    { 0xc0ab, "DHE-PSK-AES256-CCM8" }, { 0xc0ac, "ECDHE-ECDSA-AES128-CCM" },
    { 0xc0ad, "ECDHE-ECDSA-AES256-CCM" }, { 0xc0ae, "ECDHE-ECDSA-AES128-CCM8" },
    { 0xc0af, "ECDHE-ECDSA-AES256-CCM8" }, { 0xc0b0, "ECCPWD-AES128-GCM-SHA256" },
    { 0xc0b1, "ECCPWD-AES256-GCM-SHA384" }, { 0xc0b2, "ECCPWD-AES128-CCM-SHA256" },
    { 0xc0b3, "ECCPWD-AES256-CCM-SHA384" }, { 0xc100, "GOST2012-KUZNYECHIK-KUZNYECHIKOMAC" },
    { 0xc101, "GOST2012-MAGMA-MAGMAOMAC" }, { 0xc102, "GOST2012-GOST8912-IANA" },
    { 0xcc13, "ECDHE-RSA-CHACHA20-POLY1305-OLD" }, { 0xcc14, "ECDHE-ECDSA-CHACHA20-POLY1305-OLD" },
    { 0xcc15, "DHE-RSA-CHACHA20-POLY1305-OLD" }, { 0xcca8, "ECDHE-RSA-CHACHA20-POLY1305" },
    { 0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305" }, { 0xccaa, "DHE-RSA-CHACHA20-POLY1305" },
    { 0xccab, "PSK-CHACHA20-POLY1305" }, { 0xccac, "ECDHE-PSK-CHACHA20-POLY1305" },
    { 0xccad, "DHE-PSK-CHACHA20-POLY1305" }, { 0xccae, "RSA-PSK-CHACHA20-POLY1305" },
    { 0xd001, "ECDHE-PSK-AES128-GCM-SHA256" }, { 0xd002, "ECDHE-PSK-AES256-GCM-SHA384" },
    { 0xd003, "ECDHE-PSK-AES128-CCM8-SHA256" }, { 0xd005, "ECDHE-PSK-AES128-CCM-SHA256" },
    { 0xfefe, "FIPS-DES-CBC-SHA" }, { 0xfeff, "FIPS-DES-CBC3-SHA" },
    { 0xff85, "GOST2012-GOST8912-GOST8912" }, { 0xff87, "GOST2012-NULL-GOST12" },
};
#define SUITES (sizeof suites / sizeof *suites)

size_t
rf_probe_suite_count(void)
{
    return SUITES;
}

uint16_t
rf_probe_suite(size_t i)
{
    rf_assert(i < SUITES);
    return suites[i].id;
}

/* "" when it is not in the table. */
static const char *
name_of(uint16_t suite)
{
    for (size_t i = 0; i < SUITES; i++)
        if (suites[i].id == suite)
            return suites[i].name;
    return "";
}

const char *
rf_probe_suite_name(uint16_t suite, char text[static 8])
{
    const char *name = name_of(suite);

    if (name[0] != '\0')
        return name;
    snprintf(text, 8, "0x%04x", suite);
    return text;
}

bool
rf_probe_suite_is_13(uint16_t suite)
{
    return strncmp(name_of(suite), "TLS_", 4) == 0;
}

enum rf_probe_kx
rf_probe_suite_kx(uint16_t suite)
{
    const char *name = name_of(suite);

    if (strncmp(name, "TLS_", 4) == 0)
        return RF_KX_TLS13;
    if (strncmp(name, "ECDHE-", 6) == 0 || strncmp(name, "AECDH-", 6) == 0)
        return RF_KX_ECDHE;
    if (strncmp(name, "EXP-", 4) == 0)
        name += 4;
    if (strncmp(name, "EXP1024-", 8) == 0)
        name += 8;
    return strncmp(name, "DHE-", 4) == 0 || strncmp(name, "ADH-", 4) == 0 ? RF_KX_DHE : RF_KX_OTHER;
}

bool
rf_probe_suite_has_hint(uint16_t suite)
{
    return strstr(name_of(suite), "PSK-") != NULL;
}

const char *
rf_probe_suite_weakness(uint16_t suite)
{
    static const struct {
        const char *part, *word;
    } weak[] = {
        { "NULL", "no encryption" }, { "TLS_SHA", "no encryption" }, { "EXP", "export" }, { "ADH-", "anonymous" },
        { "AECDH-", "anonymous" },   { "RC4", "RC4" },   { "DES-CBC3", "3DES" }, { "3DES", "3DES" },
        { "DES-CBC", "DES" },        { "RC2", "RC2" },   { "IDEA", "IDEA" },     { "MD5", "MD5" },
    };
    const char *name = name_of(suite);

    for (size_t i = 0; i < sizeof weak / sizeof *weak; i++)
        if (strstr(name, weak[i].part) != NULL)
            return weak[i].word;
    return "";
}

/* --- groups --- */

static const struct {
    uint16_t id;
    const char *name;
} more_groups[] = {
    { 4589, "SecP384r1MLKEM1024" }, { 25497, "X25519Kyber768Draft00" }, { 512, "MLKEM512" },
    { 513, "MLKEM768" },            { 514, "MLKEM1024" },               { 259, "ffdhe6144" },
    { 260, "ffdhe8192" },           { 26, "brainpoolP256r1" },          { 27, "brainpoolP384r1" },
    { 28, "brainpoolP512r1" },      { 31, "brainpoolP256r1tls13" },     { 32, "brainpoolP384r1tls13" },
    { 33, "brainpoolP512r1tls13" }, { 41, "curveSM2" },                 { 1, "sect163k1" },
    { 2, "sect163r1" },             { 3, "sect163r2" },                 { 4, "sect193r1" },
    { 5, "sect193r2" },             { 6, "sect233k1" },                 { 7, "sect233r1" },
    { 8, "sect239k1" },             { 9, "sect283k1" },                 { 10, "sect283r1" },
    { 11, "sect409k1" },            { 12, "sect409r1" },                { 13, "sect571k1" },
    { 14, "sect571r1" },            { 15, "secp160k1" },                { 16, "secp160r1" },
    { 17, "secp160r2" },            { 18, "secp192k1" },                { 20, "secp224k1" },
};

size_t
rf_probe_groups_13(const uint16_t **out)
{
    static const uint16_t groups[] = { 4588, 4587, 4589, 25497, 29,  23,  24,  25,  30, 31, 32,
                                       33,   41,   256,  257,   258, 259, 260, 512, 513, 514 };

    *out = groups;
    return sizeof groups / sizeof *groups;
}

size_t
rf_probe_groups_12(const uint16_t **out)
{
    static const uint16_t groups[] = { 29, 23, 24, 25, 30, 28, 27, 26, 41, 22, 14, 13, 12, 11, 10, 9,  8,
                                       7,  6,  5,  4,  3,  2,  1,  21, 20, 19, 18, 17, 16, 15 };

    *out = groups;
    return sizeof groups / sizeof *groups;
}

const char *
rf_probe_group_name(uint16_t group, char text[static 16])
{
    const char *name = rf_tls_group_name(group);

    for (size_t i = 0; i < sizeof more_groups / sizeof *more_groups && name == NULL; i++)
        if (more_groups[i].id == group)
            name = more_groups[i].name;
    if (name != NULL)
        return name;
    snprintf(text, 16, "group %u", group);
    return text;
}

size_t
rf_probe_sigalgs(const uint16_t **out, size_t *sound)
{
    static const uint16_t sigalgs[] = { 0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809,
                                        0x080a, 0x080b, 0x0401, 0x0501, 0x0601, 0x081a, 0x081b, 0x081c, 0x0303,
                                        0x0301, 0x0402, 0x0302, 0x0203, 0x0201, 0x0202, 0x0101 };

    *sound = 17;
    *out = sigalgs;
    return sizeof sigalgs / sizeof *sigalgs;
}
