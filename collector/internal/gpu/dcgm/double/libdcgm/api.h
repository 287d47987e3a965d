// The library's half of the double: every symbol that go-dcgm refers to. It
// answers as a DCGM 4.6 was seen to; what a collector has no business with is
// refused, after its version word was checked.
#ifndef API_H
#define API_H

#include "engine.h"

#define API __attribute__((visibility("default")))
#define SEEN(what) (world()->seen.what)

dcgmReturn_t enter(dcgmHandle_t h);
dcgmReturn_t leave(dcgmReturn_t r);
void drop_groups(void);

static inline bool right(unsigned int version, unsigned int want)
{
    if (version == want)
        return true;
    SEEN(versions)++;
    return false;
}

#define ENTER(h)                                   \
    do {                                           \
        dcgmReturn_t entered = enter(h);           \
        if (entered != DCGM_ST_OK)                 \
            return entered;                        \
    } while (0)
#define VERSION(p, want)                           \
    do {                                           \
        if (!(p))                                  \
            return DCGM_ST_BADPARAM;               \
        if (!right((p)->version, want))            \
            return DCGM_ST_VER_MISMATCH;           \
    } while (0)

#endif
