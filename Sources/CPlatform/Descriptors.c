#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// A higher limit is of no use, and some programs iterate over all possible descriptors.
enum { most_descriptors = 1 << 20 };

static uint64_t inherited_soft_limit;

int64_t platform_descriptor_limit(void) {
  struct rlimit now;
  if (getrlimit(RLIMIT_NOFILE, &now) != 0) return 1024;
  return now.rlim_cur > most_descriptors ? most_descriptors : (int64_t)now.rlim_cur;
}

int64_t platform_raise_descriptor_limit(void) {
  struct rlimit now;
  if (getrlimit(RLIMIT_NOFILE, &now) == 0) {
    if (inherited_soft_limit == 0) inherited_soft_limit = now.rlim_cur;
    rlim_t wanted = now.rlim_max > most_descriptors ? most_descriptors : now.rlim_max;
    if (wanted > now.rlim_cur) {
      struct rlimit raised = {.rlim_cur = wanted, .rlim_max = now.rlim_max};
      setrlimit(RLIMIT_NOFILE, &raised);
    }
  }
  return platform_descriptor_limit();
}

void platform_restore_descriptor_limit(void) {
  struct rlimit now;
  if (inherited_soft_limit == 0 || getrlimit(RLIMIT_NOFILE, &now) != 0) return;
  struct rlimit before = {.rlim_cur = inherited_soft_limit, .rlim_max = now.rlim_max};
  if (before.rlim_cur < now.rlim_cur) setrlimit(RLIMIT_NOFILE, &before);
}

const char *platform_error_text(int32_t code) {
  static _Thread_local char text[256];
  switch (code) {
    case EMFILE:
      snprintf(text, sizeof text,
               "%s (EMFILE): this process may have %lld open (ulimit -n, LimitNOFILE= of a service); raise that",
               strerror(code), (long long)platform_descriptor_limit());
      break;
    case ENFILE:
      snprintf(text, sizeof text, "%s (ENFILE): raise fs.file-max of the machine (sysctl)", strerror(code));
      break;
    default: snprintf(text, sizeof text, "%s", strerror(code));
  }
  return text;
}

int32_t platform_set_group_niceness(int32_t pid, int32_t niceness) {
  char path[64], digits[16];
  snprintf(path, sizeof path, "/proc/%d/autogroup", (int)pid);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  int length = snprintf(digits, sizeof digits, "%d", (int)niceness);
  int error = write(fd, digits, (size_t)length) == length ? 0 : errno;
  close(fd);
  return error;
}
