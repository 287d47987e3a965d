// The engine's half of the double: what it watches, and what it reads.
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>

#include "dcgm_agent.h"
#include "dcgm_fields.h"
#include "dcgm_structs.h"
#include "dcgm_test_apis.h"
#include "world.h"

// A reading as the engine's cache has it.
struct reading {
    int type, status; // type: DCGM_FT_*
    int64_t time;
    int64_t i;
    double d;
    char s[64];
};

struct row { // of values-since
    dcgmGroupEntityPair_t of;
    struct reading r;
};

struct world *world(void);
int64_t now(void);
bool known(int field);
bool profiling(int field);
void forget(void);                            // the engine was restarted
void unwatch_all(void);                       // the connection is gone
void update(void);                            // read all that is watched and was not yet read
void watch(dcgmGroupEntityPair_t e, int field, int64_t period, double keep);
struct reading latest(dcgmGroupEntityPair_t e, int field);
int since(dcgmGroupEntityPair_t e, int field, int64_t from, struct row *rows, int max);

#endif
