#include "acme/renew.h"

#define MINUTE_S 60
#define HOUR_S   3600
#define DAY_S    86400

static int64_t
clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static int64_t
length_of(const struct rf_acme_life *life)
{
    return life->not_after > life->not_before ? life->not_after - life->not_before : 0;
}

int64_t
rf_acme_renew_at(const struct rf_acme_life *life, int64_t renew_before_s)
{
    int64_t length = length_of(life);
    int64_t left = length < RF_ACME_SHORT_LIFE_S ? length / 2 : length / 3;

    if (renew_before_s > 0)
        left = renew_before_s < length - length / 10 ? renew_before_s : length - length / 10;
    return life->not_after - left;
}

/* A number below n; the bias of the remainder is below 2^-30 for any n that occurs. */
static int64_t
below(int64_t n, const struct rf_rand *rand)
{
    return n > 0 ? (int64_t)(rf_rand_u64(rand) % (uint64_t)n) : 0;
}

int64_t
rf_acme_window_moment(const struct rf_acme_window *window, const struct rf_acme_life *life, const struct rf_rand *rand)
{
    int64_t moment = window->start_s + below(window->end_s - window->start_s, rand);
    int64_t last = life->not_after - length_of(life) / 10;

    return moment < last ? moment : last;
}

int64_t
rf_acme_window_again_s(int64_t retry_after_s, const struct rf_acme_life *life)
{
    int64_t most = clamp(length_of(life) / 20, 10, DAY_S);

    return clamp(retry_after_s > 0 ? retry_after_s : 6 * HOUR_S, most < MINUTE_S ? most : MINUTE_S, most);
}

int64_t
rf_acme_retry_s(unsigned failures, const struct rf_acme_life *life, int64_t retry_after_s, const struct rf_rand *rand)
{
    int64_t length = life != NULL ? length_of(life) : 90 * DAY_S;
    int64_t wait = clamp(length / 100, 5, 5 * MINUTE_S), most = clamp(length / 12, 30, 12 * HOUR_S);

    for (unsigned i = 1; i < failures && wait < most; i++)
        wait *= 2;
    if (wait > most)
        wait = most;
    wait = wait - wait / 4 + below(wait / 2 + 1, rand);
    retry_after_s = clamp(retry_after_s, 0, 7 * DAY_S);
    return wait > retry_after_s ? wait : retry_after_s + below(retry_after_s / 10 + 1, rand);
}

unsigned
rf_acme_warnings_due(const struct rf_acme_life *life, int64_t wall_s)
{
    static const int days[RF_ACME_WARNINGS] = { 30, 14, 7, 3, 1 };
    unsigned due = 0;

    /* One that lives for a week is not "about to end" on its first day. */
    for (unsigned i = 0; i < RF_ACME_WARNINGS; i++)
        if (life->not_after - wall_s <= days[i] * (int64_t)DAY_S && days[i] * (int64_t)DAY_S * 2 <= length_of(life))
            due = i + 1;
    return due;
}
