// What a collector has no business with, or does not need. That it was asked
// for state that all clients of an engine share is counted.
#include "api.h"

#include "dcgm_errors.h"

#define REFUSED(p, want)                                                       \
    do {                                                                       \
        VERSION(p, want);                                                      \
        return DCGM_ST_NOT_SUPPORTED;                                          \
    } while (0)

API dcgmReturn_t dcgmAttachDriver(dcgmHandle_t h) { (void)h; return DCGM_ST_NOT_SUPPORTED; }
API dcgmReturn_t dcgmDetachDriver(dcgmHandle_t h) { (void)h; return DCGM_ST_NOT_SUPPORTED; }
API dcgmReturn_t dcgmVersionInfo(dcgmVersionInfo_t *v) { REFUSED(v, dcgmVersionInfo_version2); }
API dcgmReturn_t dcgmGetDeviceAttributes(dcgmHandle_t h, unsigned int id, dcgmDeviceAttributes_t *a) { (void)h, (void)id; REFUSED(a, dcgmDeviceAttributes_version3); }
API dcgmReturn_t dcgmGetDeviceTopology(dcgmHandle_t h, unsigned int id, dcgmDeviceTopology_v2 *t) { (void)h, (void)id; REFUSED(t, dcgmDeviceTopology_version2); }
API dcgmReturn_t dcgmGetCpuHierarchy(dcgmHandle_t h, dcgmCpuHierarchy_v1 *c) { (void)h; REFUSED(c, dcgmCpuHierarchy_version1); }
API dcgmReturn_t dcgmGetCpuHierarchy_v2(dcgmHandle_t h, dcgmCpuHierarchy_v2 *c) { (void)h; REFUSED(c, dcgmCpuHierarchy_version2); }
API dcgmReturn_t dcgmGetNvLinkLinkStatus(dcgmHandle_t h, dcgmNvLinkStatus_v5 *s) { (void)h; REFUSED(s, dcgmNvLinkStatus_version5); }
API dcgmReturn_t dcgmGetNvLinkP2PStatus(dcgmHandle_t h, dcgmNvLinkP2PStatus_v1 *s) { (void)h; REFUSED(s, dcgmNvLinkP2PStatus_version1); }
API dcgmReturn_t dcgmGetPidInfo(dcgmHandle_t h, dcgmGpuGrp_t g, dcgmPidInfo_t *p) { (void)h, (void)g; REFUSED(p, dcgmPidInfo_version2); }
API dcgmReturn_t dcgmIntrospectGetHostengineMemoryUsage(dcgmHandle_t h, dcgmIntrospectMemory_t *m, int wait) { (void)h, (void)wait; REFUSED(m, dcgmIntrospectMemory_version1); }
API dcgmReturn_t dcgmIntrospectGetHostengineCpuUtilization(dcgmHandle_t h, dcgmIntrospectCpuUtil_t *c, int wait) { (void)h, (void)wait; REFUSED(c, dcgmIntrospectCpuUtil_version1); }
API dcgmReturn_t dcgmRunDiagnostic(dcgmHandle_t h, dcgmGpuGrp_t g, dcgmDiagnosticLevel_t l, dcgmDiagResponse_v12 *r) { (void)h, (void)g, (void)l; REFUSED(r, dcgmDiagResponse_version12); }
API dcgmReturn_t dcgmInjectFieldValue(dcgmHandle_t h, unsigned int id, dcgmInjectFieldValue_t *v) { (void)h, (void)id; REFUSED(v, dcgmInjectFieldValue_version1); }
API dcgmReturn_t dcgmCreateFakeEntities(dcgmHandle_t h, dcgmCreateFakeEntities_t *e) { (void)h; REFUSED(e, dcgmCreateFakeEntities_version2); }

API dcgmReturn_t dcgmProfGetSupportedMetricGroups(dcgmHandle_t h, dcgmProfGetMetricGroups_t *g)
{
    (void)h;
    if (!world()->module && g && g->version == dcgmProfGetMetricGroups_version3)
        return DCGM_ST_MODULE_NOT_LOADED;
    REFUSED(g, dcgmProfGetMetricGroups_version3);
}

API dcgmReturn_t dcgmWatchPidFields(dcgmHandle_t h, dcgmGpuGrp_t g, long long period, double keep, int samples)
{
    (void)h, (void)g, (void)period, (void)keep, (void)samples;
    return DCGM_ST_NOT_SUPPORTED;
}

API dcgmReturn_t dcgmEntityGetLatestValues(dcgmHandle_t h, dcgm_field_entity_group_t kind, int id, unsigned short fields[], unsigned int n, dcgmFieldValue_v1 values[])
{
    (void)h, (void)kind, (void)id, (void)fields, (void)n, (void)values;
    return DCGM_ST_NOT_SUPPORTED;
}

API dcgmReturn_t dcgmGetLatestValuesForFields(dcgmHandle_t h, int id, unsigned short fields[], unsigned int n, dcgmFieldValue_v1 values[])
{
    (void)h, (void)id, (void)fields, (void)n, (void)values;
    return DCGM_ST_NOT_SUPPORTED;
}

API dcgmReturn_t dcgmPolicyGet(dcgmHandle_t h, dcgmGpuGrp_t g, int n, dcgmPolicy_t *p, dcgmStatus_t s)
{
    (void)h, (void)g, (void)n, (void)s;
    REFUSED(p, dcgmPolicy_version1);
}

API dcgmReturn_t dcgmPolicySet(dcgmHandle_t h, dcgmGpuGrp_t g, dcgmPolicy_t *p, dcgmStatus_t s)
{
    (void)h, (void)g, (void)s;
    world()->seen.policy++;
    REFUSED(p, dcgmPolicy_version1);
}

API dcgmReturn_t dcgmPolicyRegister_v2(dcgmHandle_t h, dcgmGpuGrp_t g, dcgmPolicyCondition_t c, fpRecvUpdates tell, uint64_t user)
{
    (void)h, (void)g, (void)c, (void)tell, (void)user;
    world()->seen.policy++;
    return DCGM_ST_NOT_SUPPORTED;
}

API dcgmReturn_t dcgmPolicyUnregister(dcgmHandle_t h, dcgmGpuGrp_t g, dcgmPolicyCondition_t c)
{
    (void)h, (void)g, (void)c;
    world()->seen.policy++;
    return DCGM_ST_NOT_SUPPORTED;
}

API dcgmReturn_t dcgmHealthSet(dcgmHandle_t h, dcgmGpuGrp_t g, dcgmHealthSystems_t s)
{
    (void)h, (void)g, (void)s;
    world()->seen.health++;
    return DCGM_ST_NOT_SUPPORTED;
}

API dcgmReturn_t dcgmHealthGet(dcgmHandle_t h, dcgmGpuGrp_t g, dcgmHealthSystems_t *s)
{
    (void)h, (void)g, (void)s;
    return DCGM_ST_NOT_SUPPORTED;
}

API dcgmReturn_t dcgmHealthCheck(dcgmHandle_t h, dcgmGpuGrp_t g, dcgmHealthResponse_t *r) { (void)h, (void)g; REFUSED(r, dcgmHealthResponse_version5); }

API int DcgmFieldsInit(void) { return DCGM_ST_OK; }
API int DcgmFieldsTerm(void) { return DCGM_ST_OK; }
API dcgm_field_meta_p DcgmFieldGetById(unsigned short id) { (void)id; return NULL; }
API const dcgm_error_meta_t *dcgmGetErrorMeta(dcgmError_t e) { (void)e; return NULL; }

API const char *errorString(dcgmReturn_t r)
{
    switch (r) {
        case DCGM_ST_OK: return "Success";
        case DCGM_ST_BADPARAM: return "Bad parameter passed to function";
        case DCGM_ST_GENERIC_ERROR: return "Generic unspecified error";
        case DCGM_ST_NOT_CONFIGURED: return "Setting not configured";
        case DCGM_ST_NOT_SUPPORTED: return "Feature not supported";
        case DCGM_ST_UNINITIALIZED: return "Object is in an undefined state";
        case DCGM_ST_VER_MISMATCH: return "API version mismatch";
        case DCGM_ST_NO_DATA: return "No data is available";
        case DCGM_ST_NOT_WATCHED: return "Field is not being watched";
        case DCGM_ST_CONNECTION_NOT_VALID: return "Host engine connection invalid/disconnected";
        case DCGM_ST_MAX_LIMIT: return "Max limit reached for the object";
        case DCGM_ST_DUPLICATE_KEY: return "Duplicate Key passed to function";
        case DCGM_ST_MODULE_NOT_LOADED: return "This request is serviced by a module of DCGM that is not currently loaded";
        case DCGM_ST_NVML_NOT_LOADED: return "Cannot perform the requested operation because NVML doesn't exist on this system.";
        default: return "An error of the double";
    }
}
