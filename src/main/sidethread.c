#include "main/sidethread.h"

#include <sys/prctl.h>

#include "main/letters.h"

enum rf_err
rf_side_thread_init(struct rf_side_thread *t, const struct rf_side_work *work, void *ctx)
{
    enum rf_err err;

    t->work = work;
    t->ctx = ctx;
    err = rf_loop_new(&t->loop);
    if (!err)
        err = rf_mailbox_new(&t->letters, t->loop, RF_LETTER_MAX, work->ring_octets, work->letter, ctx);
    return err;
}

static void *
run(void *arg)
{
    struct rf_side_thread *t = arg;

    prctl(PR_SET_NAME, t->work->name);
    if (t->work->begin != NULL)
        t->work->begin(t->ctx, rf_now_us());
    rf_loop_run(t->loop);
    return NULL;
}

enum rf_err
rf_side_thread_start(struct rf_side_thread *t)
{
    t->runs = pthread_create(&t->thread, NULL, run, t) == 0;
    return t->runs ? RF_OK : RF_ERR_NOMEM;
}

void
rf_side_thread_stop(struct rf_side_thread *t)
{
    if (t == NULL || !t->runs)
        return;
    rf_loop_stop(t->loop);
    pthread_join(t->thread, NULL);
    t->runs = false;
}

void
rf_side_thread_fini(struct rf_side_thread *t)
{
    rf_letters_drop(t->letters);
    rf_mailbox_free(t->letters);
    rf_loop_free(t->loop);
}
