// A stand-in for libnvidia-ml.so.1, for the boundary between Go and C: two
// boards, told what to be by the words of the file that NVML_SCENE names.
//
//	lost I    board I has fallen off the bus
//	hide F    field F is not supported
//	fail F    field F cannot be read now
//	bar I     the instances of board I are for others
//	xid C     an event of board 1, each time the word is new
//
// Built with -DOLD it lacks what drivers had not always. nvml.h is that of the
// Go binding, so the compiler checks the structures.
#include <nvml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char handles[2], parts[3]; // boards, and what the second is divided into
static int registered[2];
static unsigned long long energy = 5400000123ULL;

// scene reports whether the words say so, and counts how often.
static int scene(const char *word, unsigned n) {
	const char *path = getenv("NVML_SCENE");
	FILE *f = path ? fopen(path, "r") : NULL;
	char w[16];
	unsigned m;
	int found = 0;
	while (f && fscanf(f, "%15s %u", w, &m) == 2)
		if (!strcmp(w, word) && m == n)
			found++;
	if (f)
		fclose(f);
	return found;
}

static unsigned last_xid(int *count) {
	const char *path = getenv("NVML_SCENE");
	FILE *f = path ? fopen(path, "r") : NULL;
	char w[16];
	unsigned m, code = 0;
	*count = 0;
	while (f && fscanf(f, "%15s %u", w, &m) == 2)
		if (!strcmp(w, "xid")) {
			code = m;
			++*count;
		}
	if (f)
		fclose(f);
	return code;
}

static int board(nvmlDevice_t d) {
	for (int i = 0; i < 2; i++)
		if ((void *)d.handle == (void *)&handles[i])
			return i;
	abort(); // a handle that was never given out
}

// part is an instance's place, -1 if it is a board.
static int part(nvmlDevice_t d) {
	for (int k = 0; k < 3; k++)
		if ((void *)d.handle == (void *)&parts[k])
			return k;
	return -1;
}

#define ENTER(d) \
	int i = board(d); \
	(void)i; \
	if (scene("lost", i)) \
	return NVML_ERROR_GPU_IS_LOST

static nvmlReturn_t text(char *to, unsigned n, const char *s) {
	if (strlen(s) >= n)
		return NVML_ERROR_INSUFFICIENT_SIZE;
	strcpy(to, s);
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlInit_v2(void) { return NVML_SUCCESS; }
nvmlReturn_t nvmlShutdown(void) { return NVML_SUCCESS; }
const char *nvmlErrorString(nvmlReturn_t r) { return "an error of the stand-in"; }
nvmlReturn_t nvmlSystemGetDriverVersion(char *v, unsigned n) { return text(v, n, "580.82.07"); }
nvmlReturn_t nvmlSystemGetNVMLVersion(char *v, unsigned n) { return text(v, n, "13.580.82.07"); }
nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *n) {
	*n = 2;
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned k, nvmlDevice_t *d) {
	if (k > 1)
		return NVML_ERROR_INVALID_ARGUMENT;
	d->handle = (void *)&handles[k];
	return scene("lost", k) ? NVML_ERROR_GPU_IS_LOST : NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t d, char *s, unsigned n) {
	static const char *uuids[] = {"MIG-aaaaaaaa-0000-5000-8000-000000000001", "MIG-aaaaaaaa-0000-5000-8000-000000000002", "MIG-aaaaaaaa-0000-5000-8000-000000000003"};
	if (part(d) >= 0)
		return text(s, n, uuids[part(d)]);
	ENTER(d);
	return text(s, n, i ? "GPU-22222222-2222-2222-2222-222222222222" : "GPU-11111111-1111-1111-1111-111111111111");
}
nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t d, char *s, unsigned n) {
	ENTER(d);
	return text(s, n, "NVIDIA H200");
}
nvmlReturn_t nvmlDeviceGetSerial(nvmlDevice_t d, char *s, unsigned n) {
	ENTER(d);
	return text(s, n, i ? "165312302" : "165312301");
}
nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t d, nvmlPciInfo_t *p) {
	ENTER(d);
	memset(p, 0, sizeof *p);
	p->bus = i ? 0xdb : 0x3b;
	strcpy(p->busId, i ? "00000000:DB:00.0" : "00000000:3B:00.0");
	return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t d, int n, nvmlFieldValue_t *v) {
	ENTER(d);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	for (int k = 0; k < n; k++) {
		memset(&v[k].value, 0xee, sizeof v[k].value); // what is not written is not zero
		v[k].timestamp = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
		v[k].nvmlReturn = NVML_SUCCESS;
		v[k].valueType = NVML_VALUE_TYPE_UNSIGNED_INT;
		if (scene("hide", v[k].fieldId)) {
			v[k].nvmlReturn = NVML_ERROR_NOT_SUPPORTED;
			continue;
		}
		if (scene("fail", v[k].fieldId)) {
			v[k].nvmlReturn = NVML_ERROR_UNKNOWN;
			continue;
		}
		switch (v[k].fieldId) {
		case NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION:
			v[k].valueType = NVML_VALUE_TYPE_UNSIGNED_LONG_LONG;
			v[k].value.ullVal = energy++ + i;
			break;
		case NVML_FI_DEV_POWER_AVERAGE:
			v[k].value.uiVal = 690500;
			break;
		case NVML_FI_DEV_POWER_INSTANT:
			v[k].value.uiVal = 688120;
			break;
		case NVML_FI_DEV_MEMORY_TEMP:
			v[k].value.uiVal = 58;
			break;
		case NVML_FI_DEV_PERF_POLICY_POWER:
			v[k].valueType = NVML_VALUE_TYPE_UNSIGNED_LONG_LONG;
			v[k].value.ullVal = 3000000000ULL;
			break;
		case NVML_FI_DEV_NVLINK_ERROR_DL_REPLAY:
			v[k].valueType = NVML_VALUE_TYPE_UNSIGNED_LONG_LONG;
			v[k].value.ullVal = v[k].scopeId;
			break;
		default:
			v[k].nvmlReturn = NVML_ERROR_NOT_SUPPORTED;
		}
	}
	return NVML_SUCCESS;
}

#define NUMBER(f, type, n) \
	nvmlReturn_t f(nvmlDevice_t d, type *v) { \
		ENTER(d); \
		*v = n; \
		return NVML_SUCCESS; \
	}
NUMBER(nvmlDeviceGetTotalEnergyConsumption, unsigned long long, 777000)
NUMBER(nvmlDeviceGetPowerUsage, unsigned, 391000)
NUMBER(nvmlDeviceGetPerformanceState, nvmlPstates_t, NVML_PSTATE_0)
NUMBER(nvmlDeviceGetEnforcedPowerLimit, unsigned, 650000)
NUMBER(nvmlDeviceGetPowerManagementDefaultLimit, unsigned, 700000)
NUMBER(nvmlDeviceGetPcieReplayCounter, unsigned, 2)
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, unsigned, 16)
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, unsigned, 16)
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, unsigned, 4)
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, unsigned, 5)
NUMBER(nvmlDeviceGetMaxMigDeviceCount, unsigned, 7)
NUMBER(nvmlDeviceGetSupportedEventTypes, unsigned long long, nvmlEventTypeXidCriticalError)

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t d, nvmlUtilization_t *u) {
	ENTER(d);
	u->gpu = 98;
	u->memory = 54;
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t d, nvmlTemperatureSensors_t s, unsigned *t) {
	ENTER(d);
	*t = 61;
	return s == NVML_TEMPERATURE_GPU ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}
nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t d, nvmlClockType_t c, unsigned *mhz) {
	ENTER(d);
	*mhz = c == NVML_CLOCK_SM ? 1980 : 3201;
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t d, unsigned *now, unsigned *next) {
	ENTER(d);
	*now = *next = i; // the second board is divided
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t d, unsigned k, nvmlDevice_t *m) {
	ENTER(d);
	if (scene("bar", i))
		return NVML_ERROR_NO_PERMISSION;
	if (k > 3 || k == 1)
		return NVML_ERROR_NOT_FOUND;
	m->handle = (void *)&parts[k ? k - 1 : 0];
	return NVML_SUCCESS;
}
// The first is a GPU instance of three slices, the others share one of four.
nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t d, unsigned *id) {
	*id = part(d) ? 1 : 2;
	return part(d) < 0 ? NVML_ERROR_INVALID_ARGUMENT : NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t d, unsigned *id) {
	*id = part(d) == 2;
	return part(d) < 0 ? NVML_ERROR_INVALID_ARGUMENT : NVML_SUCCESS;
}
static nvmlReturn_t attributes(nvmlDevice_t d, nvmlDeviceAttributes_t *a) {
	if (part(d) < 0)
		return NVML_ERROR_INVALID_ARGUMENT;
	memset(a, 0xee, sizeof *a);
	a->gpuInstanceSliceCount = part(d) ? 4 : 3;
	a->computeInstanceSliceCount = 3 - part(d);
	return NVML_SUCCESS;
}

#ifdef OLD
nvmlReturn_t nvmlDeviceGetAttributes(nvmlDevice_t d, nvmlDeviceAttributes_t *a) { return attributes(d, a); }
NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, unsigned long long, 4)
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t d, nvmlMemory_t *m) {
	ENTER(d);
	m->total = 150754820096ULL;
	m->used = 100000000000ULL;
	m->free = m->total - m->used;
	return NVML_SUCCESS;
}
#else
nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t d, nvmlDeviceAttributes_t *a) { return attributes(d, a); }
NUMBER(nvmlDeviceGetCurrentClocksEventReasons, unsigned long long, 4)
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t d, nvmlMemory_v2_t *m) {
	ENTER(d);
	if (m->version != nvmlMemory_v2)
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	m->total = 150754820096ULL;
	m->reserved = 600000000ULL;
	m->used = 99400000000ULL;
	m->free = m->total - m->reserved - m->used;
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMarginTemperature(nvmlDevice_t d, nvmlMarginTemperature_t *m) {
	ENTER(d);
	if (m->version != nvmlMarginTemperature_v1)
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	m->marginTemperature = -3;
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetSramEccErrorStatus(nvmlDevice_t d, nvmlEccSramErrorStatus_t *s) {
	ENTER(d);
	if (s->version != nvmlEccSramErrorStatus_v1)
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	s->bThresholdExceeded = 1;
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetEncoderUtilization(nvmlDevice_t d, unsigned *u, unsigned *us) {
	ENTER(d);
	*u = 1;
	*us = 167000;
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetDecoderUtilization(nvmlDevice_t d, unsigned *u, unsigned *us) {
	ENTER(d);
	*u = 3;
	*us = 167000;
	return NVML_SUCCESS;
}
#endif

nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set) {
	set->handle = (void *)registered;
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set) { return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t d, unsigned long long types, nvmlEventSet_t set) {
	ENTER(d);
	registered[i] = types == nvmlEventTypeXidCriticalError;
	return NVML_SUCCESS;
}
nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *e, unsigned ms) {
	static int told;
	for (unsigned slept = 0; slept < ms; slept += 10) {
		int count;
		unsigned code = last_xid(&count);
		if (count > told && registered[1]) {
			told = count;
			memset(e, 0, sizeof *e);
			e->device.handle = (void *)&handles[1];
			e->eventType = nvmlEventTypeXidCriticalError;
			e->eventData = code;
			return NVML_SUCCESS;
		}
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
	return NVML_ERROR_TIMEOUT;
}
