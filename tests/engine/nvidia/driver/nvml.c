/* STAND-IN for libnvidia-ml.so: as much of NVML as the real container toolkit calls to describe full GPUs. */
#include "gpus.h"

enum { INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3 };

static struct gpu gpus[MOST];
static int count;

typedef struct {
    char busIdLegacy[16];
    unsigned domain, bus, device, pciDeviceId, pciSubSystemId;
    char busId[32];
} nvmlPciInfo_t;

const char *nvmlErrorString(int status) { return words(status); }

int nvmlInit_v2(void) {
    int status = start();
    if (status != OK) return status;
    count = visible(gpus);
    return count < 0 ? UNKNOWN : OK;
}
int nvmlInitWithFlags(unsigned flags) { (void)flags; return nvmlInit_v2(); }
int nvmlInit(void) { return nvmlInit_v2(); }
int nvmlShutdown(void) { return OK; }

static int text(const char *from, char *to, unsigned size) {
    snprintf(to, size, "%s", from);
    return OK;
}

int nvmlSystemGetDriverVersion(char *version, unsigned size) { return text(DRIVER_VERSION, version, size); }
int nvmlSystemGetCudaDriverVersion(int *version) { *version = 13000; return OK; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 13000; return OK; }
int nvmlDeviceGetCount_v2(unsigned *number) { *number = (unsigned)count; return OK; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct gpu **device) {
    if (index >= (unsigned)count) return INVALID_ARGUMENT;
    *device = &gpus[index];
    return OK;
}
int nvmlDeviceGetHandleByUUID(const char *uuid, struct gpu **device) {
    for (int index = 0; index < count; index++)
        if (strcmp(gpus[index].uuid, uuid) == 0) {
            *device = &gpus[index];
            return OK;
        }
    return NOT_FOUND;
}

int nvmlDeviceGetUUID(struct gpu *device, char *uuid, unsigned size) { return text(device->uuid, uuid, size); }
int nvmlDeviceGetName(struct gpu *device, char *name, unsigned size) { return text(device->name, name, size); }
int nvmlDeviceGetIndex(struct gpu *device, unsigned *index) { *index = (unsigned)(device - gpus); return OK; }
int nvmlDeviceGetMinorNumber(struct gpu *device, unsigned *minor) { *minor = device->minor; return OK; }
int nvmlDeviceGetBrand(struct gpu *device, unsigned *brand) { (void)device; *brand = 0; return OK; }
int nvmlDeviceGetCudaComputeCapability(struct gpu *device, int *major, int *minor) {
    (void)device;
    *major = 8;
    *minor = 6;
    return OK;
}
int nvmlDeviceGetPciInfo_v3(struct gpu *device, nvmlPciInfo_t *pci) {
    memset(pci, 0, sizeof *pci);
    pci->bus = device->minor + 1;
    snprintf(pci->busId, sizeof pci->busId, "00000000:%02X:00.0", pci->bus);
    snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "0000:%02X:00.0", pci->bus);
    return OK;
}

/* No MIG. */
int nvmlDeviceGetMigMode(struct gpu *device, unsigned *now, unsigned *pending) {
    (void)device; (void)now; (void)pending;
    return NOT_SUPPORTED;
}
int nvmlDeviceGetMaxMigDeviceCount(struct gpu *device, unsigned *number) { (void)device; *number = 0; return OK; }
int nvmlDeviceIsMigDeviceHandle(struct gpu *device, unsigned *is) { (void)device; *is = 0; return OK; }
