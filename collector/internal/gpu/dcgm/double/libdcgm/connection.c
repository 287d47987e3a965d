// Connections, and what an engine says there is.
#include "api.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool ready;

static struct connection {
    bool open, embedded, dead;
    int incarnation, cut;
    dcgmHandle_t handle;
} conn;

static int incarnation;

// look sees what has become of the engine since the call before.
static void look(void)
{
    struct world *w = world();
    if (conn.embedded)
        return;
    if (w->incarnation != incarnation) {
        incarnation = w->incarnation;
        drop_groups();
        forget();
    } else if (conn.open && (w->cut != conn.cut || w->down)) {
        conn.dead = true;
        drop_groups();
        unwatch_all();
    }
    if (conn.open && (w->incarnation != conn.incarnation || w->down))
        conn.dead = true;
}

// enter begins a call on a connection: it waits while the engine is frozen, and
// takes the lock if it returns DCGM_ST_OK.
dcgmReturn_t enter(dcgmHandle_t h)
{
    if (!ready)
        return DCGM_ST_UNINITIALIZED;
    while (world()->frozen)
        usleep(1000);
    pthread_mutex_lock(&lock);
    look();
    if (conn.open && !conn.dead && h == conn.handle)
        return DCGM_ST_OK;
    pthread_mutex_unlock(&lock);
    return DCGM_ST_CONNECTION_NOT_VALID;
}

dcgmReturn_t leave(dcgmReturn_t r)
{
    pthread_mutex_unlock(&lock);
    return r;
}

API dcgmReturn_t dcgmInit(void)
{
    world();
    ready = true;
    return DCGM_ST_OK;
}

API dcgmReturn_t dcgmShutdown(void)
{
    SEEN(shutdowns)++;
    ready = conn.open = false;
    return DCGM_ST_OK;
}

static dcgmReturn_t connected(const char *address, bool unix_socket, dcgmHandle_t *h)
{
    struct world *w = world();
    if (!ready)
        return DCGM_ST_UNINITIALIZED;
    while (w->frozen)
        usleep(1000);
    pthread_mutex_lock(&lock);
    conn = (struct connection){ 0 };
    look();
    SEEN(connects)++;
    SEEN(unix_socket) = unix_socket;
    snprintf(w->seen.address, sizeof(w->seen.address), "%s", address);
    if (w->down)
        return leave(DCGM_ST_CONNECTION_NOT_VALID);
    static dcgmHandle_t next = 0x1000;
    conn = (struct connection){ .open = true, .dead = w->login, .incarnation = w->incarnation, .cut = w->cut, .handle = ++next };
    *h   = conn.handle;
    return leave(DCGM_ST_OK);
}

API dcgmReturn_t dcgmConnect_v2(const char *address, dcgmConnectV2Params_t *p, dcgmHandle_t *h)
{
    VERSION(p, dcgmConnectV2Params_version);
    return connected(address, p->addressIsUnixSocket, h);
}

API dcgmReturn_t dcgmConnect_v3(const char *address, dcgmConnectV3Params_t *p, dcgmHandle_t *h)
{
    VERSION(p, dcgmConnectV3Params_version);
    return connected(address, !strncmp(address, "unix://", 7), h);
}

API dcgmReturn_t dcgmDisconnect(dcgmHandle_t h)
{
    (void)h;
    pthread_mutex_lock(&lock);
    look();
    SEEN(disconnects)++;
    if (conn.open && !conn.dead) {
        drop_groups();
        unwatch_all();
    }
    conn.open = false;
    return leave(DCGM_ST_OK);
}

API dcgmReturn_t dcgmStartEmbedded(dcgmOperationMode_t mode, dcgmHandle_t *h)
{
    (void)mode;
    pthread_mutex_lock(&lock);
    SEEN(embedded)++;
    drop_groups();
    forget();
    conn = (struct connection){ .open = true, .embedded = true, .handle = 0x7fffffff };
    *h   = conn.handle;
    return leave(DCGM_ST_OK);
}

API dcgmReturn_t dcgmStopEmbedded(dcgmHandle_t h)
{
    ENTER(h);
    drop_groups();
    forget();
    conn.open   = false;
    incarnation = world()->incarnation;
    return leave(DCGM_ST_OK);
}

API dcgmReturn_t dcgmHostengineVersionInfo(dcgmHandle_t h, dcgmVersionInfo_t *v)
{
    VERSION(v, dcgmVersionInfo_version2);
    ENTER(h);
    snprintf(v->rawBuildInfoString, sizeof(v->rawBuildInfoString), "version:%s;arch:x86_64;buildid:double", world()->version);
    return leave(DCGM_ST_OK);
}

API dcgmReturn_t dcgmGetEntityGroupEntities(dcgmHandle_t h, dcgm_field_entity_group_t kind, dcgm_field_eid_t *ids, int *n, unsigned int flags)
{
    (void)flags;
    struct world *w = world();
    ENTER(h);
    int max = *n, k = 0;
    *n = 0;
    switch (kind) {
        case DCGM_FE_GPU:
            for (int i = 0; i < w->gpus && k < max; i++)
                ids[k++] = w->gpu[i].id;
            break;
        case DCGM_FE_GPU_I:
        case DCGM_FE_GPU_CI:
            for (int i = 0; i < w->instances && k < max; i++)
                if ((w->instance[i].ci < 0) == (kind == DCGM_FE_GPU_I))
                    ids[k++] = w->instance[i].id;
            break;
        case DCGM_FE_SWITCH:
            for (int i = 0; i < w->switches && k < max; i++)
                ids[k++] = w->nvswitch[i].id;
            break;
        case DCGM_FE_CPU:
            for (int i = 0; i < w->sockets && k < max; i++)
                ids[k++] = w->socket[i].id;
            break;
        default:
            return leave(DCGM_ST_NOT_SUPPORTED);
    }
    *n = k;
    return leave(DCGM_ST_OK);
}

API dcgmReturn_t dcgmGetAllDevices(dcgmHandle_t h, unsigned int ids[DCGM_MAX_NUM_DEVICES], int *n)
{
    *n = DCGM_MAX_NUM_DEVICES;
    return dcgmGetEntityGroupEntities(h, DCGM_FE_GPU, ids, n, 0);
}

API dcgmReturn_t dcgmGetAllSupportedDevices(dcgmHandle_t h, unsigned int ids[DCGM_MAX_NUM_DEVICES], int *n)
{
    struct world *w = world();
    ENTER(h);
    *n = 0;
    for (int i = 0; i < w->gpus; i++)
        if (w->gpu[i].status == DcgmEntityStatusOk || w->gpu[i].status == DcgmEntityStatusFake)
            ids[(*n)++] = w->gpu[i].id;
    return leave(DCGM_ST_OK);
}

API dcgmReturn_t dcgmGetGpuStatus(dcgmHandle_t h, unsigned int id, DcgmEntityStatus_t *status)
{
    struct world *w = world();
    ENTER(h);
    for (int i = 0; i < w->gpus; i++)
        if (w->gpu[i].id == (int)id) {
            *status = w->gpu[i].status;
            return leave(DCGM_ST_OK);
        }
    return leave(DCGM_ST_BADPARAM);
}

API dcgmReturn_t dcgmGetGpuInstanceHierarchy(dcgmHandle_t h, dcgmMigHierarchy_v2 *m)
{
    struct world *w = world();
    VERSION(m, dcgmMigHierarchy_version2);
    ENTER(h);
    memset(m, 0, sizeof(*m)); // the version word too
    if (!w->nvml)
        return leave(DCGM_ST_NVML_NOT_LOADED);
    for (int i = 0; i < w->instances && !w->guest; i++) {
        struct instance *in        = &w->instance[i];
        dcgmMigHierarchyInfo_v2 *e = &m->entityList[m->count++];
        e->entity                  = (dcgmGroupEntityPair_t){ in->ci < 0 ? DCGM_FE_GPU_I : DCGM_FE_GPU_CI, in->id };
        e->parent                  = (dcgmGroupEntityPair_t){ DCGM_FE_GPU, in->gpu };
        for (int j = 0; in->ci >= 0 && j < w->instances; j++)
            if (w->instance[j].gpu == in->gpu && w->instance[j].gi == in->gi && w->instance[j].ci < 0)
                e->parent = (dcgmGroupEntityPair_t){ DCGM_FE_GPU_I, w->instance[j].id };
        e->info.nvmlInstanceId        = in->gi;
        e->info.nvmlComputeInstanceId = in->ci;
        e->info.nvmlProfileSlices     = in->slices;
    }
    return leave(DCGM_ST_OK);
}
