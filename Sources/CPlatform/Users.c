#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// The C library's `setgroups` changes all threads; the system call changes the calling thread.
static long set_groups(int count, const uint32_t *groups) { return syscall(SYS_setgroups, (long)count, groups); }

// The thread's original groups, and the nesting depth of calls.
static _Thread_local struct {
  int depth, group_count, dumpable;
  uint32_t *groups;
} before;

// On any change of a user, the kernel hides the process from other processes of its own user. Those open files by the names of
// our descriptors.
static void stay_visible(void) {
  if (before.dumpable == 1) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

int32_t platform_files_as(const struct platform_user *user) {
  if (before.depth > 0) {
    before.depth++;
    return 0;
  }
  before.dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
  before.group_count = getgroups(0, NULL);
  if (before.group_count < 0) return errno;
  before.groups = calloc((size_t)before.group_count + 1, sizeof *before.groups);
  if (before.groups == NULL) return ENOMEM;
  if (getgroups(before.group_count, before.groups) != before.group_count) {
    int error = errno;
    free(before.groups);
    return error;
  }
  before.depth = 1;
  int32_t error = 0;
  if (set_groups(user->group_count, user->groups) != 0) error = errno;
  // These calls return the previous value; a second call shows whether anything changed.
  setfsgid(user->group);
  setfsuid(user->user);
  if (error == 0 && ((gid_t)setfsgid((gid_t)-1) != user->group || (uid_t)setfsuid((uid_t)-1) != user->user)) error = EPERM;
  stay_visible();
  if (error != 0) platform_files_as_ourselves();
  return error;
}

void platform_files_as_ourselves(void) {
  if (--before.depth > 0) return;
  int error = errno;
  setfsuid(geteuid());
  setfsgid(getegid());
  if ((uid_t)setfsuid((uid_t)-1) != geteuid() || (gid_t)setfsgid((gid_t)-1) != getegid()) abort();
  if (set_groups(before.group_count, before.groups) != 0) {
    // If it may not be set, it was not changed either.
    if (errno != EPERM) abort();
  }
  stay_visible();
  free(before.groups);
  before.groups = NULL;
  errno = error;
}

uint64_t platform_lacking_capabilities(void) {
  static const int needed[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_KILL, CAP_SETGID, CAP_SETUID};
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct held[2] = {{0}};
  if (syscall(SYS_capget, &header, held) != 0) held[0].effective = 0;
  uint64_t lacking = 0;
  for (unsigned index = 0; index < sizeof needed / sizeof *needed; index++)
    if ((held[0].effective & (1u << needed[index])) == 0) lacking |= 1u << needed[index];
  return lacking;
}

int32_t platform_take_over(int32_t fd) {
  if (fchown(fd, geteuid(), getegid()) != 0 || fchmod(fd, 0600) != 0) return errno;
  // A lease for reading is granted only if no process has the file open for writing.
  if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN ? EAGAIN : 0;
  fcntl(fd, F_SETLEASE, F_UNLCK);
  return 0;
}

int64_t platform_peer_user(int32_t socket) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? (int64_t)peer.uid : -1;
}
