#include "main/pulse.h"

#include "base/refusal.h"

static void
on_timer(struct rf_timer *t, uint64_t now_us)
{
    struct rf_pulse *p = rf_container(t, struct rf_pulse, timer);

    atomic_store_explicit(&p->beat_us, now_us, memory_order_relaxed);
    rf_timer_arm(rf_loop_wheel(p->loop), t, now_us + RF_S);
}

void
rf_pulse_keep(struct rf_pulse *p, struct rf_loop *loop, const char *name, const char *stops)
{
    p->name = name;
    p->stops = stops;
    p->loop = loop;
    p->timer.fire = on_timer;
    on_timer(&p->timer, rf_now_us());
}

static uint64_t
silent_s(uint64_t beat_us, uint64_t now_us)
{
    return now_us > beat_us ? (now_us - beat_us) / RF_S : 0;
}

/* Late at two looks with the same beat: a machine that stood still as a whole gives its threads a second to go on. */
void
rf_pulse_look(struct rf_pulse *p, uint64_t now_us)
{
    uint64_t beat_us = atomic_load_explicit(&p->beat_us, memory_order_relaxed);

    if (p->name == NULL)
        return;
    if (now_us < beat_us + RF_PULSE_LATE_US) {
        if (p->is_late)
            RF_LOGF(RF_LOG_INFO, "thread.turns", "the thread turns its loop again", RF_F_STR("thread", p->name));
        p->is_late = false;
        p->seen_late_us = 0;
        return;
    }
    if (p->seen_late_us == beat_us && !p->is_late) {
        p->is_late = true;
        RF_REFUSE(THREAD_HANGS, RF_F_STR("thread", p->name), RF_F_U64("seconds", silent_s(beat_us, now_us)),
                  RF_F_STR("stops", p->stops));
    }
    p->seen_late_us = beat_us;
}

json_t *
rf_pulse_show(struct rf_pulse p[static RF_PULSE_COUNT], uint64_t now_us)
{
    json_t *list = json_array();

    for (int i = 0; i < RF_PULSE_COUNT; i++)
        if (p[i].name != NULL)
            json_array_append_new(
                list, json_pack("{s:s, s:b, s:I, s:s}", "name", p[i].name, "turns", !p[i].is_late, "silent_s",
                                (json_int_t)silent_s(atomic_load_explicit(&p[i].beat_us, memory_order_relaxed), now_us),
                                "stops", p[i].stops));
    return list;
}
