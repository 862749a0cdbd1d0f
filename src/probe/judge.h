/*
 * probe/judge.h - what is to be said about the facts: gaps of a chain, our check levels, is a level met
 *
 * Threads: any. Pure but for the clock that is given.
 */
#ifndef RF_PROBE_JUDGE_H
#define RF_PROBE_JUDGE_H

#include "cert/check.h"
#include "probe/facts.h"

enum rf_probe_mark { RF_MARK_NONE, RF_MARK_OK, RF_MARK_NOTE, RF_MARK_WARN, RF_MARK_FAIL };

/** "", "ok", "-", "WARN", "FAIL". */
const char *rf_probe_mark_name(enum rf_probe_mark mark);

struct rf_probe_finding {
    enum rf_probe_mark mark;
    const char *what; /* "missing-intermediate", for programs */
    char text[512];
};

#define RF_PROBE_FINDINGS_MAX 24

struct rf_probe_chain_verdict {
    struct rf_cert_facts cert[RF_PROBE_CHAIN_MAX];
    size_t count;
    size_t finding_count;
    struct rf_probe_finding finding[RF_PROBE_FINDINGS_MAX];
    bool is_judged;
    struct rf_check_report report; /* at the level High + Remote: each rule, and which levels it passes */
};

/** @param host  name or address that was connected to  @param trust  sealed */
void rf_probe_judge_chain(const struct rf_probe_chain *chain, const char *host, bool is_sip,
                          const struct rf_trust *trust, int64_t now_s, struct rf_probe_chain_verdict *out);

/** How good is a suite? *why: "", "RC4", "no forward secrecy", "CBC". */
enum rf_probe_mark rf_probe_judge_suite(uint16_t suite, const char **why);

/**
 * Does the peer offer nothing below this level: only its versions and suites, Diffie-Hellman of its size, keys of its
 * size, and can it be reached at it?
 * @param why  room for 160 octets: the first thing that is below
 */
bool rf_probe_meets(const struct rf_probe_facts *f, enum rf_tls_level level, char why[static 160]);

#endif
