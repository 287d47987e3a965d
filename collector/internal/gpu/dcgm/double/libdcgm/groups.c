// Groups, what is watched of them, and its values.
#include "api.h"

#include <stdio.h>
#include <string.h>

static struct group {
    char name[64];
    int n;
    dcgmGroupEntityPair_t entity[DCGM_GROUP_MAX_ENTITIES_V2];
} groups[DCGM_MAX_NUM_GROUPS];

static struct field_group {
    char name[64];
    int n;
    unsigned short field[DCGM_MAX_FIELD_IDS_PER_FIELD_GROUP];
} field_groups[DCGM_MAX_NUM_FIELD_GROUPS];

void drop_groups(void)
{
    memset(groups, 0, sizeof(groups));
    memset(field_groups, 0, sizeof(field_groups));
    SEEN(groups) = SEEN(field_groups) = 0;
}

// named makes a group of either sort: all clients of an engine share the names.
#define NAMED(array, name_, counter, id_)                                       \
    do {                                                                       \
        int n_ = sizeof(array) / sizeof(*array), free_ = -1;                   \
        for (int i_ = n_ - 1; i_ >= 0; i_--) {                                 \
            if (!array[i_].name[0])                                            \
                free_ = i_;                                                    \
            else if (!strcmp(array[i_].name, name_))                           \
                return leave(DCGM_ST_DUPLICATE_KEY);                           \
        }                                                                      \
        if (free_ < 0)                                                         \
            return leave(DCGM_ST_MAX_LIMIT);                                   \
        memset(&array[free_], 0, sizeof(*array));                              \
        snprintf(array[free_].name, sizeof(array->name), "%s", name_);         \
        SEEN(counter)++;                                                       \
        id_ = free_;                                                           \
    } while (0)

API dcgmReturn_t dcgmGroupCreate(dcgmHandle_t h, dcgmGroupType_t type, const char *name, dcgmGpuGrp_t *g)
{
    ENTER(h);
    if (type != DCGM_GROUP_EMPTY || !name || !name[0])
        return leave(DCGM_ST_BADPARAM);
    int id;
    NAMED(groups, name, groups, id);
    *g = id + 2; // 0 and 1 are the engine's own
    return leave(DCGM_ST_OK);
}

// members are a group's entities, also of the groups that there always are.
static dcgmReturn_t members(dcgmGpuGrp_t g, struct group *to)
{
    struct world *w = world();
    to->n           = 0;
    if (g == DCGM_GROUP_ALL_GPUS)
        for (; to->n < w->gpus; to->n++)
            to->entity[to->n] = (dcgmGroupEntityPair_t){ DCGM_FE_GPU, w->gpu[to->n].id };
    else if (g == DCGM_GROUP_ALL_NVSWITCHES)
        for (; to->n < w->switches; to->n++)
            to->entity[to->n] = (dcgmGroupEntityPair_t){ DCGM_FE_SWITCH, w->nvswitch[to->n].id };
    else if (g < 2 || g - 2 >= DCGM_MAX_NUM_GROUPS || !groups[g - 2].name[0])
        return DCGM_ST_NOT_CONFIGURED;
    else
        *to = groups[g - 2];
    return DCGM_ST_OK;
}

API dcgmReturn_t dcgmGroupAddEntity(dcgmHandle_t h, dcgmGpuGrp_t g, dcgm_field_entity_group_t kind, dcgm_field_eid_t id)
{
    ENTER(h);
    if (g < 2 || g - 2 >= DCGM_MAX_NUM_GROUPS || !groups[g - 2].name[0])
        return leave(DCGM_ST_NOT_CONFIGURED);
    struct group *to = &groups[g - 2];
    if (to->n == DCGM_GROUP_MAX_ENTITIES_V2)
        return leave(DCGM_ST_MAX_LIMIT);
    to->entity[to->n++] = (dcgmGroupEntityPair_t){ kind, id };
    return leave(DCGM_ST_OK);
}

API dcgmReturn_t dcgmGroupAddDevice(dcgmHandle_t h, dcgmGpuGrp_t g, unsigned int id)
{
    return dcgmGroupAddEntity(h, g, DCGM_FE_GPU, id);
}

API dcgmReturn_t dcgmGroupDestroy(dcgmHandle_t h, dcgmGpuGrp_t g)
{
    ENTER(h);
    if (g < 2 || g - 2 >= DCGM_MAX_NUM_GROUPS || !groups[g - 2].name[0])
        return leave(DCGM_ST_NOT_CONFIGURED);
    groups[g - 2].name[0] = 0;
    SEEN(groups)--;
    return leave(DCGM_ST_OK);
}

API dcgmReturn_t dcgmGroupGetInfo(dcgmHandle_t h, dcgmGpuGrp_t g, dcgmGroupInfo_t *info)
{
    VERSION(info, dcgmGroupInfo_version3);
    ENTER(h);
    static struct group m;
    dcgmReturn_t r = members(g, &m);
    if (r == DCGM_ST_OK) {
        info->count = m.n;
        memcpy(info->entityList, m.entity, sizeof(m.entity[0]) * m.n);
    }
    return leave(r);
}

API dcgmReturn_t dcgmFieldGroupCreate(dcgmHandle_t h, int n, const unsigned short *fields, const char *name, dcgmFieldGrp_t *g)
{
    ENTER(h);
    if (n < 1 || n > DCGM_MAX_FIELD_IDS_PER_FIELD_GROUP || !name || !name[0])
        return leave(DCGM_ST_BADPARAM);
    for (int i = 0; i < n; i++)
        if (!known(fields[i]))
            return leave(DCGM_ST_BADPARAM);
    int id;
    NAMED(field_groups, name, field_groups, id);
    field_groups[id].n = n;
    memcpy(field_groups[id].field, fields, sizeof(*fields) * n);
    *g = id + 1;
    return leave(DCGM_ST_OK);
}

static struct field_group *fields_of(dcgmFieldGrp_t g)
{
    return g < 1 || g > DCGM_MAX_NUM_FIELD_GROUPS || !field_groups[g - 1].name[0] ? NULL : &field_groups[g - 1];
}

API dcgmReturn_t dcgmFieldGroupDestroy(dcgmHandle_t h, dcgmFieldGrp_t g)
{
    ENTER(h);
    struct field_group *f = fields_of(g);
    if (!f)
        return leave(DCGM_ST_NO_DATA);
    f->name[0] = 0;
    SEEN(field_groups)--;
    return leave(DCGM_ST_OK);
}

static dcgmReturn_t each(dcgmGpuGrp_t g, dcgmFieldGrp_t fg, struct group *m, struct field_group **f)
{
    if (!(*f = fields_of(fg)))
        return DCGM_ST_NO_DATA;
    return members(g, m);
}

API dcgmReturn_t dcgmWatchFields(dcgmHandle_t h, dcgmGpuGrp_t g, dcgmFieldGrp_t fg, long long period, double keep, int samples)
{
    static struct group m;
    struct field_group *f;
    (void)samples;
    ENTER(h);
    dcgmReturn_t r = each(g, fg, &m, &f);
    if (r != DCGM_ST_OK)
        return leave(r);
    if (!world()->nvml)
        return leave(DCGM_ST_NVML_NOT_LOADED);
    // One field that cannot be watched fails the call.
    for (int j = 0; j < f->n; j++)
        if (profiling(f->field[j]) && !world()->module)
            return leave(DCGM_ST_MODULE_NOT_LOADED);
    for (int i = 0; i < m.n; i++) {
        bool detached = false;
        for (int k = 0; k < world()->gpus; k++)
            detached = detached || (m.entity[i].entityGroupId == DCGM_FE_GPU && world()->gpu[k].id == (int)m.entity[i].entityId
                                    && world()->gpu[k].status == DcgmEntityStatusDetached);
        for (int j = 0; j < f->n && !detached; j++)
            watch(m.entity[i], f->field[j], period, keep);
    }
    return leave(DCGM_ST_OK);
}

API dcgmReturn_t dcgmUnwatchFields(dcgmHandle_t h, dcgmGpuGrp_t g, dcgmFieldGrp_t fg)
{
    (void)g, (void)fg;
    ENTER(h);
    SEEN(unwatches)++;
    return leave(DCGM_ST_OK);
}

API dcgmReturn_t dcgmUpdateAllFields(dcgmHandle_t h, int wait)
{
    (void)wait;
    ENTER(h);
    update();
    return leave(DCGM_ST_OK);
}

static void write_value(void *to, struct reading *r)
{
    if (r->type == DCGM_FT_STRING)
        strcpy(to, r->s);
    else if (r->type == DCGM_FT_DOUBLE)
        memcpy(to, &r->d, sizeof(r->d));
    else
        memcpy(to, &r->i, sizeof(r->i));
}

API dcgmReturn_t dcgmEntitiesGetLatestValues(dcgmHandle_t h, dcgmGroupEntityPair_t entities[], unsigned int n, unsigned short fields[], unsigned int m, unsigned int flags, dcgmFieldValue_v2 values[])
{
    if (!entities || !n || !fields || !m || !values)
        return DCGM_ST_BADPARAM;
    ENTER(h);
    SEEN(latest)++;
    SEEN(values) += n * m;
    SEEN(flags) |= flags;
    if (n * m > SEEN(largest))
        SEEN(largest) = n * m;
    for (unsigned j = 0; j < m; j++)
        if (!known(fields[j]))
            return leave(DCGM_ST_GENERIC_ERROR);
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < m; j++) {
            dcgmFieldValue_v2 *v = &values[i * m + j];
            unsigned k           = world()->shuffled ? m - 1 - j : j;
            struct reading r     = latest(entities[i], fields[k]);
            memset(v, 0, sizeof(*v) - sizeof(v->value));
            v->version       = dcgmFieldValue_version2;
            v->entityGroupId = entities[i].entityGroupId;
            v->entityId      = entities[i].entityId;
            v->fieldId       = fields[k];
            v->fieldType     = r.type;
            v->status        = r.status;
            v->ts            = r.time;
            write_value(&v->value, &r);
        }
    return leave(DCGM_ST_OK);
}

API dcgmReturn_t dcgmGetValuesSince_v2(dcgmHandle_t h, dcgmGpuGrp_t g, dcgmFieldGrp_t fg, long long from, long long *next, dcgmFieldValueEntityEnumeration_f tell, void *user)
{
    static struct group m;
    static struct row rows[EVENTS];
    struct field_group *f;
    if (!next || !tell)
        return DCGM_ST_BADPARAM;
    ENTER(h);
    SEEN(since)++;
    dcgmReturn_t r = each(g, fg, &m, &f);
    if (r == DCGM_ST_OK && world()->deaf == 1)
        r = DCGM_ST_NVML_ERROR;
    if (r != DCGM_ST_OK)
        return leave(r);
    int n = 0;
    for (int i = 0; i < m.n; i++)
        for (int j = 0; j < f->n; j++)
            n += since(m.entity[i], f->field[j], from, rows + n, EVENTS - n);
    *next = now() + 1;
    if (world()->deaf == 2) {
        world()->deaf = 0;
        world()->cut++;
    }
    leave(DCGM_ST_OK);
    for (int i = 0; i < n; i++) {
        static dcgmFieldValue_v1 v;
        memset(&v, 0, sizeof(v) - sizeof(v.value));
        v.version   = dcgmFieldValue_version1;
        v.fieldId   = DCGM_FI_DEV_XID_ERRORS;
        v.fieldType = rows[i].r.type;
        v.status    = rows[i].r.status;
        v.ts        = rows[i].r.time;
        write_value(&v.value, &rows[i].r);
        if (tell(rows[i].of.entityGroupId, rows[i].of.entityId, &v, 1, user))
            break;
    }
    return DCGM_ST_OK;
}
