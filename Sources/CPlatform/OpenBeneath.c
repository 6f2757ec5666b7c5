#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

// The struct of <linux/openat2.h>, which older systems lack.
struct how {
  uint64_t flags, mode, resolve;
};

enum { no_magic_links = 0x02, beneath = 0x08 };

// The kernel reports a race between a rename and `..` as EAGAIN; if races persist, so does that answer.
enum { attempts = 64 };

int32_t platform_open_place(const char *path) {
  int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int32_t platform_open_beneath_walking(int32_t directory, const char *path, int32_t flags) {
  int at = fcntl(directory, F_DUPFD_CLOEXEC, 3);
  if (at < 0) return -errno;
  while (1) {
    while (*path == '/') path++;
    size_t length = strcspn(path, "/");
    char name[256];
    if (length >= sizeof name) {
      close(at);
      return -ENAMETOOLONG;
    }
    memcpy(name, path, length);
    name[length] = 0;
    path += length;
    int is_last = path[strspn(path, "/")] == 0;
    int next, error;
    if (strcmp(name, "..") == 0) {
      next = -1;
      error = EXDEV;
    } else {
      next = openat(at, length == 0 ? "." : name, is_last ? flags | O_NOFOLLOW | O_CLOEXEC : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      error = errno;
      struct stat info;
      // A link on the way is reported like a link at the end: with O_PATH the kernel reports it as "not a directory".
      if (next < 0 && error == ENOTDIR && fstatat(at, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode)) error = ELOOP;
      if (next >= 0 && is_last && (flags & O_PATH) != 0 && fstat(next, &info) == 0 && S_ISLNK(info.st_mode)) {
        close(next);
        next = -1;
        error = ELOOP;
      }
    }
    close(at);
    if (next < 0) return -error;
    if (is_last) return next;
    at = next;
  }
}

int32_t platform_open_beneath(int32_t directory, const char *path, int32_t flags) {
  while (*path == '/') path++;
  struct how how = {.flags = (uint64_t)(uint32_t)(flags | O_CLOEXEC), .resolve = no_magic_links | beneath};
  for (int attempt = 0; attempt < attempts; attempt++) {
    long opened = syscall(SYS_openat2, directory, *path == 0 ? "." : path, &how, sizeof how);
    if (opened >= 0) return (int32_t)opened;
    // The filters of containers reject calls that they do not know. The walk finds out whether access was meant to be denied.
    if (errno == ENOSYS || errno == EPERM) return platform_open_beneath_walking(directory, path, flags);
    if (errno != EAGAIN && errno != EINTR) return -errno;
  }
  return -EAGAIN;
}

int32_t platform_is_kernels(int32_t fd) {
  struct statfs info;
  if (fstatfs(fd, &info) != 0) return 1;
  switch ((uint32_t)info.f_type) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SECURITYFS_MAGIC:
    case SELINUX_MAGIC:
    case SMACK_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case BPF_FS_MAGIC:
    case EFIVARFS_MAGIC:
    case PSTOREFS_MAGIC:
    case NSFS_MAGIC:
    case DEVPTS_SUPER_MAGIC:
    case BINFMTFS_MAGIC: return 1;
    default: return 0;
  }
}
