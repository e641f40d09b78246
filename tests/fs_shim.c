/* Takes from a program what some disks do not have: SHIM=nosymlink, nodirsync or nolock, or several. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_on(const char *what) {
    const char *said = getenv("SHIM");
    return said && strstr(said, what);
}

int symlinkat(const char *target, int folder, const char *path) {
    int (*real)(const char *, int, const char *) = dlsym(RTLD_NEXT, "symlinkat");
    if (is_on("nosymlink")) { errno = EPERM; return -1; }
    return real(target, folder, path);
}

int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

int fsync(int file) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    struct stat found;
    if (is_on("nodirsync") && !fstat(file, &found) && S_ISDIR(found.st_mode)) { errno = EINVAL; return -1; }
    return real(file);
}

int flock(int file, int how) {
    int (*real)(int, int) = dlsym(RTLD_NEXT, "flock");
    if (is_on("nolock")) { errno = ENOLCK; return -1; }
    return real(file, how);
}
