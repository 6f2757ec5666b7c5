#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// The child's stack, with the data shared with the parent at the other end.
enum { memory_bytes = 64 * 1024 };

// The data that parent and child share while the parent waits.
struct birth {
  const struct platform_spawn_request *request;
  pid_t parent;
  int32_t stage;
  int32_t error;
};

// Ends the child; the parent reads the reason.
static _Noreturn void give_up(struct birth *birth, int32_t stage) {
  birth->error = errno;
  birth->stage = stage;
  _exit(127);
}

// After this, no signal is handled by a handler of the parent, and none is ignored or blocked.
static void reset_signals(void) {
  // The kernel's own structure, all zero: the default action. The C library's function rejects the two signals that it reserves
  // for itself, but a parent that is not a C program may have left them ignored.
  const struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
  } standard = {0};
  for (int number = 1; number < NSIG; number++) syscall(SYS_rt_sigaction, number, &standard, NULL, sizeof(standard.mask));
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static int apply_limit(const struct platform_limit *limit) {
  struct rlimit now;
  if (getrlimit(limit->resource, &now) != 0) return -1;
  rlim_t value = limit->value;
  if (value > now.rlim_max) value = now.rlim_max;
  struct rlimit wanted = {.rlim_cur = value, .rlim_max = value};
  return setrlimit(limit->resource, &wanted);
}

static int enter_cgroup(const char *path) {
  char digits[16];
  char *first = digits + sizeof digits;
  for (pid_t rest = getpid(); rest > 0; rest /= 10) *--first = (char)('0' + rest % 10);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return -1;
  ssize_t length = digits + sizeof digits - first;
  ssize_t written = write(fd, first, (size_t)length);
  int error = errno;
  close(fd);
  errno = error;
  return written == length ? 0 : -1;
}

// Moves null device, output and error to 0, 1 and 2, wherever they are now, and closes all other descriptors except those to
// keep.
static int arrange_descriptors(const struct platform_spawn_request *request) {
  int null = open("/dev/null", O_RDONLY);
  if (null < 0) return -1;
  // Above 2, so that none is overwritten before it is used.
  int input = fcntl(null, F_DUPFD, 3);
  int output = fcntl(request->output, F_DUPFD, 3);
  int error = fcntl(request->error, F_DUPFD, 3);
  if (input < 0 || output < 0 || error < 0) return -1;
  if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(error, 2) < 0) return -1;
  unsigned next = 3;
  for (int32_t index = 0; index < request->kept_count; index++) {
    unsigned kept = (unsigned)request->kept[index];
    if (kept < next || fcntl((int)kept, F_SETFD, 0) != 0) return -1;
    if (kept > next && syscall(SYS_close_range, next, kept - 1, 0u) != 0) return -1;
    next = kept + 1;
  }
  return (int)syscall(SYS_close_range, next, ~0u, 0u);
}

// Becomes another user for good, by direct system calls: those of the C library would also change the parent's threads.
static int become(const struct platform_user *user) {
  // Programs open /dev/stdout and /dev/stderr by name, which the permissions of pipes, as of files, must allow.
  struct stat info;
  for (int output = 1; output <= 2; output++)
    if (fstat(output, &info) == 0 && S_ISFIFO(info.st_mode) && fchown(output, user->user, user->group) != 0) return -1;
  if (syscall(SYS_setgroups, (long)user->group_count, user->groups) != 0) return -1;
  if (syscall(SYS_setresgid, user->group, user->group, user->group) != 0) return -1;
  if (syscall(SYS_setresuid, user->user, user->user, user->user) != 0) return -1;
  // Clears all capabilities, which the secure bits might otherwise preserve.
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}};
  if (syscall(SYS_capset, &header, none) != 0) return -1;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  uid_t user_ids[3];
  gid_t group_ids[3];
  if (syscall(SYS_getresuid, user_ids, user_ids + 1, user_ids + 2) != 0) return -1;
  if (syscall(SYS_getresgid, group_ids, group_ids + 1, group_ids + 2) != 0) return -1;
  for (int index = 0; index < 3; index++)
    if (user_ids[index] != user->user || group_ids[index] != user->group) {
      errno = EPERM;
      return -1;
    }
  return 0;
}

// Runs in the child, on its own stack but in the parent's memory, unless it becomes another user: system calls only.
static int be_born(void *argument) {
  struct birth *birth = argument;
  const struct platform_spawn_request *request = birth->request;
  if (setsid() < 0) give_up(birth, PLATFORM_STAGE_SESSION);
  reset_signals();
  if (request->cgroup != NULL && enter_cgroup(request->cgroup) != 0) give_up(birth, PLATFORM_STAGE_CGROUP);
  if (arrange_descriptors(request) != 0) give_up(birth, PLATFORM_STAGE_DESCRIPTORS);
  if (request->niceness != 0 && setpriority(PRIO_PROCESS, 0, request->niceness) != 0)
    give_up(birth, PLATFORM_STAGE_NICENESS);
  platform_restore_descriptor_limit();
  for (int32_t index = 0; index < request->limit_count; index++)
    if (apply_limit(&request->limits[index]) != 0) give_up(birth, PLATFORM_STAGE_LIMIT);
  if (request->user != NULL && become(request->user) != 0) give_up(birth, PLATFORM_STAGE_USER);
  if (request->directory != NULL && chdir(request->directory) != 0) give_up(birth, PLATFORM_STAGE_DIRECTORY);
  // Follows the change of the user, which clears this signal.
  if (request->death_signal != 0) {
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)request->death_signal, 0, 0, 0) != 0)
      give_up(birth, PLATFORM_STAGE_DEATH_SIGNAL);
    // The parent may have died before the previous call.
    if (getppid() != birth->parent) _exit(127);
  }
  execve(request->executable, request->arguments, request->environment);
  give_up(birth, PLATFORM_STAGE_EXECUTE);
}

struct platform_spawned platform_spawn(const struct platform_spawn_request *request) {
  struct platform_spawned spawned = {.pid = -1, .pidfd = -1};
  // Shared, because a child that becomes another user has its own memory.
  char *memory = mmap(NULL, memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    spawned.error = errno;
    spawned.stage = PLATFORM_STAGE_CLONE;
    return spawned;
  }
  struct birth *birth = (struct birth *)memory;
  *birth = (struct birth){.request = request, .parent = getpid()};
  // A signal handler that ran in the child would modify the parent's memory.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  // Processes of that user must not find the parent's memory in a process of their user, not even for a moment.
  int flags = CLONE_VFORK | CLONE_PIDFD | SIGCHLD | (request->user == NULL ? CLONE_VM : 0);
  pid_t pid = clone(be_born, memory + memory_bytes, flags, birth, &pidfd);
  if (pid < 0) {
    birth->error = errno;
    birth->stage = PLATFORM_STAGE_CLONE;
  }
  if (pid > 0 && pidfd < 0 && birth->error == 0) {
    // The kernel does not support the flag. Without the descriptor, the end of the child would go unnoticed.
    kill(pid, SIGKILL);
    birth->error = ENOSYS;
    birth->stage = PLATFORM_STAGE_CLONE;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  struct birth outcome = *birth;
  munmap(memory, memory_bytes);
  if (outcome.error != 0) {
    if (pid > 0) {
      while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
      }
      if (pidfd >= 0) close(pidfd);
    }
    spawned.error = outcome.error;
    spawned.stage = outcome.stage;
    return spawned;
  }
  spawned.pid = pid;
  spawned.pidfd = pidfd;
  return spawned;
}

int32_t platform_pidfd_open(int32_t pid) {
  long fd = syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? -errno : (int32_t)fd;
}

int32_t platform_pidfd_signal(int32_t pidfd, int32_t number) {
  return syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) == 0 ? 0 : errno;
}

int32_t platform_pidfd_wait(int32_t pidfd, int32_t reap, int32_t *code, int32_t *status) {
  siginfo_t info = {.si_pid = 0};
  int result;
  do {
    // P_PIDFD is 3 on all systems, but older headers do not define it.
    result = waitid((idtype_t)3, (id_t)pidfd, &info, WEXITED | WNOHANG | (reap ? 0 : WNOWAIT));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return -errno;
  if (info.si_pid == 0) return 0;
  *code = info.si_code == CLD_EXITED ? 0 : 1;
  *status = info.si_status;
  return 1;
}

int32_t platform_punch_hole(int32_t fd, int64_t offset, int64_t length) {
  return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) == 0 ? 0 : errno;
}

int32_t platform_pipe(int32_t *read_end, int32_t *write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  *read_end = ends[0];
  *write_end = ends[1];
  return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}
