/* STAND-IN for nvidia-smi: `-L`, `--version`, and `--query-gpu=… --format=csv,noheader,nounits`, in the real one's
 * words and exit codes. Linked statically, so that it runs in an image without a C library too. */
#include "gpus.h"
#include <stdlib.h>

static int give_up(int status) {
    if (status == NOT_LOADED) {
        puts("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest "
             "NVIDIA driver is installed and running.\n");
        return 9;
    }
    printf("Failed to initialize NVML: %s\n", words(status));
    return status == MISMATCH ? 18 : 255;
}

static void field(const struct gpu *gpu, int index, const char *name) {
    if (!strcmp(name, "index")) printf("%d", index);
    else if (!strcmp(name, "name")) printf("%s", gpu->name);
    else if (!strcmp(name, "uuid")) printf("%s", gpu->uuid);
    else if (!strcmp(name, "driver_version")) printf("%s", DRIVER_VERSION);
    else if (!strcmp(name, "memory.total")) printf("%lu", gpu->memory_mib);
    else if (!strcmp(name, "memory.used")) printf("0");
    else if (!strcmp(name, "compute_cap")) printf("8.6");
    else if (!strcmp(name, "persistence_mode")) printf("Disabled");
    else if (!strcmp(name, "ecc.mode.current")) printf("Enabled");
    else if (!strcmp(name, "compute_mode")) printf("Default");
    else printf("[N/A]");
}

int main(int argc, char **argv) {
    struct gpu gpus[MOST];
    if (argc > 1 && !strcmp(argv[1], "--version")) {
        puts("NVIDIA-SMI version  : STAND-IN " DRIVER_VERSION);
        return 0;
    }
    int status = start();
    if (status != OK) return give_up(status);
    int count = visible(gpus);
    if (count < 0) return give_up(UNKNOWN);
    if (argc > 1 && !strncmp(argv[1], "--query-gpu=", 12)) {
        for (int index = 0; index < count; index++) {
            char *names = strdup(argv[1] + 12), *rest = names, *name;
            for (int first = 1; (name = strsep(&rest, ",")); first = 0) {
                if (!first) printf(", ");
                field(&gpus[index], index, name);
            }
            puts("");
            free(names);
        }
    } else {
        for (int index = 0; index < count; index++)
            printf("GPU %d: %s (UUID: %s)\n", index, gpus[index].name, gpus[index].uuid);
    }
    if (count == 0) puts("No devices were found");
    return count == 0 ? 6 : 0;
}
