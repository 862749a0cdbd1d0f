#include "event/watchers.h"

#include "conf/iface.h"

static bool
is_member(const struct rf_conf *c, const struct rf_conf_block *group, const char *user)
{
    struct rf_span left = rf_span_str(group != NULL ? rf_conf_block_text(c, group, "members") : ""), word;

    while (rf_conf_next_word(&left, &word))
        if (rf_span_is(word, user))
            return true;
    return false;
}

static bool
is_named(const struct rf_conf *c, const char *watcher, const char *user, bool all_counts)
{
    const struct rf_conf_block *b = rf_conf_block(c, "user", rf_span_str(user));
    struct rf_span left = rf_span_str(b != NULL ? rf_conf_block_text(c, b, "watched-by") : ""), word;

    while (rf_conf_next_word(&left, &word))
        if (rf_span_is(word, "all") ? all_counts
                                    : rf_span_is(word, watcher) || is_member(c, rf_conf_block(c, "ring-group", word), watcher))
            return true;
    return false;
}

bool
rf_watchers_may_see(const struct rf_conf *c, const char *watcher, const char *user)
{
    return is_named(c, watcher, user, true);
}

bool
rf_watchers_may_take(const struct rf_conf *c, const char *who, const char *user, bool is_answered)
{
    const struct rf_conf_block *group;

    for (size_t i = 0; (group = rf_conf_block_at(c, "ring-group", i)) != NULL; i++)
        if (is_member(c, group, who) && is_member(c, group, user))
            return true;
    return is_named(c, who, user, !is_answered);
}
