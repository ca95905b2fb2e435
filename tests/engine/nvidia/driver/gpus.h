/* STAND-IN for the NVIDIA driver's user space: which GPUs this machine pretends to have.
 *
 * What the real driver keeps in the kernel, this one reads from files:
 *   /sys/module/nvidia/version                     the "loaded" module (absent inside containers, as is /proc's part)
 *   /lib/firmware/nvidia/VERSION/gsp_stand_in.bin  one GPU a line: UUID MINOR MEMORY_MIB NAME; the toolkit mounts
 *                                                  firmware into containers, so both sides read the same file
 *   /dev/nvidiactl, /dev/nvidia<MINOR>             really opened: what a container's device rules refuse is lost
 */
#ifndef GPUS_H
#define GPUS_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef DRIVER_VERSION
#error "build with -DDRIVER_VERSION=\"580.159.03\""
#endif

enum { OK = 0, NOT_FOUND = 6, NOT_LOADED = 9, MISMATCH = 18, UNKNOWN = 999, MOST = 8 };

struct gpu {
    char uuid[48];
    unsigned minor;
    unsigned long memory_mib;
    char name[64];
};

/* Whether a device node can be used: no driver stands behind it, so ENXIO is as good as it gets. */
static int usable(const char *node) {
    int descriptor = open(node, O_RDWR);
    if (descriptor >= 0) {
        close(descriptor);
        return OK;
    }
    if (errno == ENXIO || errno == ENODEV) return OK;
    return errno == EPERM || errno == EACCES ? UNKNOWN : NOT_FOUND;
}

static int start(void) {
    char loaded[64] = "";
    FILE *file = fopen("/sys/module/nvidia/version", "r");
    if (file) {
        if (fscanf(file, "%63s", loaded) != 1) loaded[0] = 0;
        fclose(file);
    }
    if (loaded[0] && strcmp(loaded, DRIVER_VERSION) != 0) return MISMATCH;
    int state = usable("/dev/nvidiactl");
    return state == NOT_FOUND ? NOT_LOADED : state;
}

/* The GPUs whose nodes are here. Returns how many, or -1 where one is here and refused. */
static int visible(struct gpu *found) {
    char node[32];
    int count = 0;
    FILE *file = fopen("/lib/firmware/nvidia/" DRIVER_VERSION "/gsp_stand_in.bin", "r");
    if (!file) return 0;
    while (count < MOST && fscanf(file, "%47s %u %lu %63[^\n]", found[count].uuid, &found[count].minor,
                                  &found[count].memory_mib, found[count].name) == 4) {
        snprintf(node, sizeof node, "/dev/nvidia%u", found[count].minor);
        int state = usable(node);
        if (state == UNKNOWN) {
            fclose(file);
            return -1;
        }
        if (state == OK) count++;
    }
    fclose(file);
    return count;
}

static const char *words(int status) {
    switch (status) {
    case OK: return "Success";
    case NOT_FOUND: return "Not Found";
    case NOT_LOADED: return "Driver Not Loaded";
    case MISMATCH: return "Driver/library version mismatch";
    default: return "Unknown Error";
    }
}

#endif
