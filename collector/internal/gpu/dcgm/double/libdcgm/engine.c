#include "engine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct world *world(void)
{
    static struct world *w;
    if (w)
        return w;
    const char *path = getenv("DCGM_DOUBLE");
    int fd           = path ? open(path, O_RDWR) : -1;
    if (fd < 0) {
        fprintf(stderr, "double of libdcgm: DCGM_DOUBLE names no file\n");
        abort();
    }
    struct world *m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (m == MAP_FAILED || m->magic != WORLD_MAGIC || m->size != sizeof(*m)) {
        fprintf(stderr, "double of libdcgm: %s has another layout\n", path);
        abort();
    }
    return w = m;
}

int64_t now(void)
{
    if (world()->now)
        return world()->now;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

// polled is the time up to which the poller has come.
static int64_t polled(void)
{
    int64_t t = now(), held = world()->held;
    return held && t > held ? held : t;
}

bool known(int field)
{
    for (int i = 0; i < world()->unknowns; i++)
        if (world()->unknown[i] == field)
            return false;
    // What came after 4.6.0 nobody knows yet.
    return field > 0 && field < 1600;
}

bool profiling(int field)
{
    return field >= 1001 && field <= 1099;
}

struct watched {
    dcgmGroupEntityPair_t of;
    int field;
    int64_t period, begun, first, until; // first: 0 before it was read; until: 0 while it is
};

static struct watched watches[8192];
static int watching;
static int64_t born; // of this incarnation: it knows no event before

void forget(void)
{
    watching = 0;
    born     = now();
}

void unwatch_all(void)
{
    for (int i = 0; i < watching; i++)
        if (!watches[i].until)
            watches[i].until = polled();
}

static struct watched *find(dcgmGroupEntityPair_t e, int field)
{
    for (int i = 0; i < watching; i++)
        if (watches[i].field == field && watches[i].of.entityGroupId == e.entityGroupId
            && watches[i].of.entityId == e.entityId)
            return &watches[i];
    return NULL;
}

void watch(dcgmGroupEntityPair_t e, int field, int64_t period, double keep)
{
    struct seen *s = &world()->seen;
    s->watches++;
    if (!s->keep || keep < s->keep)
        s->keep = keep;
    struct watched *w = find(e, field);
    if (!w) {
        if (watching == sizeof(watches) / sizeof(*watches))
            abort();
        w = &watches[watching++];
    } else if (!w->until && w->period == period)
        return; // it goes on
    *w = (struct watched){ e, field, period, polled(), 0, 0 };
}

void update(void)
{
    world()->seen.updates++;
    for (int i = 0; i < watching; i++)
        if (!watches[i].first && !watches[i].until)
            watches[i].first = polled();
}

static int type(int field)
{
    switch (field) {
        case 1: case 50: case 53: case 54: case 57:
            return DCGM_FT_STRING;
        case 155: case 157: case 160: case 161: case 162: case 163: case 164:
        case 1130: case 1131: case 1132: case 1133:
            return DCGM_FT_DOUBLE;
    }
    return field >= 1001 && field <= 1008 ? DCGM_FT_DOUBLE : DCGM_FT_INT64;
}

// blank is a reading without a value; why: 0 none, 1 not found, 2 not
// supported, 3 no permission. Its status is good all the same.
static struct reading blank(int field, int64_t time, int why)
{
    static const char *text[] = { DCGM_STR_BLANK, DCGM_STR_NOT_FOUND, DCGM_STR_NOT_SUPPORTED, DCGM_STR_NOT_PERMISSIONED };
    struct reading r = { .type = type(field), .time = time, .i = DCGM_INT64_BLANK + why, .d = DCGM_FP64_BLANK + why };
    strcpy(r.s, text[why]);
    return r;
}

static struct reading refused(int field, int status)
{
    struct reading r = blank(field, 0, 0);
    r.status         = status;
    return r;
}

static struct gpu *gpu(int id)
{
    for (int i = 0; i < world()->gpus; i++)
        if (world()->gpu[i].id == id)
            return &world()->gpu[i];
    return NULL;
}

// energy is a board's counter at a time, in microjoules.
static int64_t energy(struct gpu *g, int64_t t)
{
    for (int i = g->segments - 1; i >= 0; i--) {
        struct segment *s = &g->segment[i];
        if (t >= s->from || i == 0)
            return s->microjoules + (int64_t)((__int128)s->milliwatts * (t > s->from ? t - s->from : 0) / 1000);
    }
    return 0;
}

static double power(struct gpu *g, int64_t t)
{
    for (int i = g->segments - 1; i >= 0; i--)
        if (t >= g->segment[i].from || i == 0)
            return g->segment[i].milliwatts / 1000.0;
    return 0;
}

// average is a board's power over the second before; it is not what the counter
// moved if that began anew.
static double average(struct gpu *g, int64_t t)
{
    int64_t moved = energy(g, t) - energy(g, t - 1000000);
    if (moved <= 0 || t - 1000000 < g->segment[0].from)
        return power(g, t);
    return moved / 1e6;
}

static bool listed(struct value *v, int n, int field, int64_t time, struct reading *r)
{
    for (int i = 0; i < n; i++)
        if (v[i].field == field) {
            *r        = blank(field, v[i].time ? v[i].time : time, 0);
            r->type   = v[i].type;
            r->status = v[i].status;
            r->i      = v[i].i;
            r->d      = v[i].d;
            return true;
        }
    return false;
}

static struct reading say(int field, int64_t time, const char *s)
{
    struct reading r = blank(field, time, 0);
    snprintf(r.s, sizeof(r.s), "%s", s);
    return r;
}

static bool divided(struct gpu *g)
{
    for (int i = 0; i < world()->instances; i++)
        if (world()->instance[i].gpu == g->id)
            return true;
    return false;
}

static struct reading of_gpu(struct gpu *g, int field, int64_t time)
{
    struct reading r = blank(field, time, 2);
    if (listed(g->value, g->values, field, time, &r))
        return r;
    switch (field) {
        case 1: return say(field, time, world()->driver);
        case 50: return say(field, time, g->model);
        case 53: return say(field, time, g->serial);
        case 54: return say(field, time, g->uuid);
        case 57: return say(field, time, g->pci);
        case 52: r.i = g->index; break;
        case 67: r.i = divided(g); break;
        case 69: r.i = divided(g) && !world()->guest ? 7 : 0; break;
        case 155: r.d = average(g, time); break;
        case 156: r.i = energy(g, time) / 1000; break;
        case 157: r.d = power(g, time); break;
    }
    return r;
}

static struct reading of_part(struct part *p, int n, int id, int field, int64_t time)
{
    struct reading r = blank(field, time, 2);
    for (int i = 0; i < n; i++)
        if (p[i].id == id)
            listed(p[i].value, p[i].values, field, time, &r);
    return r;
}

// instance is the one that an entity is; NULL if it is none.
static struct instance *instance(dcgmGroupEntityPair_t e)
{
    for (int i = 0; i < world()->instances; i++) {
        struct instance *in = &world()->instance[i];
        if (in->id == (int)e.entityId && (e.entityGroupId == DCGM_FE_GPU_I ? in->ci < 0 : e.entityGroupId == DCGM_FE_GPU_CI && in->ci >= 0))
            return in;
    }
    return NULL;
}

// parent is the GPU that an entity is of; NULL if it is of none.
static struct gpu *parent(dcgmGroupEntityPair_t e)
{
    struct instance *in = instance(e);
    if (in)
        return gpu(in->gpu);
    return e.entityGroupId == DCGM_FE_GPU ? gpu(e.entityId) : NULL;
}

// device is the name of the MIG device that an instance is, or of one of those
// in a GPU instance.
static struct reading device(struct instance *of, int64_t time)
{
    for (int i = 0; i < world()->instances; i++) {
        struct instance *in = &world()->instance[i];
        if (in->gpu == of->gpu && in->gi == of->gi && in->uuid[0] && (of->ci < 0 || in->ci == of->ci))
            return say(54, time, in->uuid);
    }
    return blank(54, time, 0);
}

static bool gone(struct gpu *g)
{
    return world()->stopped || !g || g->status == DcgmEntityStatusLost;
}

// tick is when the engine last read a watched field.
static int64_t tick(struct watched *w)
{
    int64_t t = polled();
    if (w->until && t > w->until)
        t = w->until;
    if (!w->first && t >= w->begun + w->period)
        w->first = w->begun + w->period;
    return !w->first || t < w->first ? 0 : w->first + (t - w->first) / w->period * w->period;
}

static bool eventful(int field)
{
    return field == DCGM_FI_DEV_XID_ERRORS;
}

struct reading latest(dcgmGroupEntityPair_t e, int field)
{
    struct watched *w = find(e, field);
    if (!w)
        return refused(field, DCGM_ST_NOT_WATCHED);
    int64_t time  = tick(w);
    struct gpu *g = parent(e);
    bool of_board = e.entityGroupId == DCGM_FE_GPU || e.entityGroupId == DCGM_FE_GPU_I || e.entityGroupId == DCGM_FE_GPU_CI;
    if (eventful(field) && !(time && of_board && gone(g))) {
        struct reading r = refused(field, DCGM_ST_NO_DATA);
        for (int64_t i = 0; i < world()->events; i++) {
            struct event *v = &world()->event[i];
            if (v->field == field && v->kind == (int)e.entityGroupId && v->id == (int)e.entityId && v->time >= born
                && v->time <= polled() && v->time >= r.time) {
                r   = blank(field, v->time, 0);
                r.i = v->code;
            }
        }
        return r;
    }
    if (!time)
        return refused(field, DCGM_ST_NO_DATA);
    switch (e.entityGroupId) {
        case DCGM_FE_GPU_I:
        case DCGM_FE_GPU_CI:
        case DCGM_FE_GPU:
            if (gone(g))
                return blank(field, time, 0);
            if (g->status == DcgmEntityStatusDetached && field != 50 && field != 54 && field != 57)
                return blank(field, time, 0);
            // An instance answers with the whole board, save for its name.
            if (field == 54 && instance(e))
                return device(instance(e), time);
            return of_gpu(g, field, time);
        case DCGM_FE_SWITCH:
            return of_part(world()->nvswitch, world()->switches, e.entityId, field, time);
        case DCGM_FE_CPU:
            return of_part(world()->socket, world()->sockets, e.entityId, field, time);
        default:
            return blank(field, time, 2);
    }
}

int since(dcgmGroupEntityPair_t e, int field, int64_t from, struct row *rows, int max)
{
    int n = 0;
    if (eventful(field))
        for (int64_t i = 0; i < world()->events && n < max; i++) {
            struct event *v = &world()->event[i];
            if (v->field == field && v->kind == (int)e.entityGroupId && v->id == (int)e.entityId && v->time >= born
                && v->time >= from && v->time <= polled()) {
                rows[n]     = (struct row){ e, blank(field, v->time, 0) };
                rows[n++].r.i = v->code;
            }
        }
    // Of a lost GPU, and of an entity without an XID, there are blanks.
    struct reading r = latest(e, field);
    if (n < max && (n == 0 || (r.status == DCGM_ST_OK && r.i >= DCGM_INT64_BLANK)))
        rows[n++] = (struct row){ e, r.time >= from ? r : refused(field, DCGM_ST_NO_DATA) };
    return n;
}
