/* sip-frame: any octets as a stream. However they are cut on the way, the same frames come out. */
#include "sip/msg.h"

#define FRAMES_MAX 64

struct frame {
    enum rf_sip_frame_kind kind;
    size_t n;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Frames of the octets when they come in pieces of `step`. */
static size_t
frames_of(struct rf_span in, size_t step, struct frame frames[static FRAMES_MAX])
{
    size_t have = 0, taken = 0, count = 0;

    while (count < FRAMES_MAX) {
        struct rf_sip_problem problem;
        struct frame *f = &frames[count];

        f->kind = rf_sip_frame(rf_span(in.p + taken, have - taken), &f->n, &problem);
        rf_assert(f->n <= have - taken);
        rf_assert((f->kind == RF_FRAME_BROKEN) == (problem.sentence != NULL));
        if (f->kind == RF_FRAME_MORE) {
            rf_assert(f->n == 0);
            if (have == in.n)
                break;
            have = in.n - have > step ? have + step : in.n;
            continue;
        }
        count++;
        if (f->kind == RF_FRAME_BROKEN)
            break;
        rf_assert(f->n > 0);
        taken += f->n;
    }
    return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frame whole[FRAMES_MAX], pieces[FRAMES_MAX];
    struct rf_span in;
    size_t step, n;

    if (size == 0)
        return 0;
    step = data[0] % 32u + 1;
    in = rf_span(data + 1, size - 1);
    n = frames_of(in, in.n > 0 ? in.n : 1, whole);
    rf_assert(frames_of(in, step, pieces) == n);
    for (size_t i = 0; i < n; i++)
        rf_assert(whole[i].kind == pieces[i].kind && whole[i].n == pieces[i].n);
    return 0;
}
