// The few calls of Linux that Swift's Glibc module does not show. Only <stdint.h> types cross this header:
// feature macros and system headers stay in CPlatform.c, or Clang modules disagree about them.
#pragma once
#include <stdint.h>

/// Sets malloc's limits for a server that moves large messages: at most `arenas` arenas, and blocks of `mmap_bytes`
/// or more from the kernel and given back at once. Call before the first thread starts.
void platform_tune_malloc(int arenas, int64_t mmap_bytes, int64_t trim_bytes);

/// Removes a file, or a directory with everything in it; links are removed, not followed. Goes on behind what cannot be
/// removed, and returns 0 or the first errno.
int platform_remove_tree(const char *path);

/// Makes standard output and standard error line buffered, also when they are pipes.
void platform_line_buffer_output(void);

/// Restores the default action of SIGINT, SIGTERM and SIGPIPE's being ignored: a process started by a script with
/// `&` inherits an ignored SIGINT.
void platform_reset_signals(void);

/// Ends the process with SIGKILL when the environment variable GSCOORDINATOR_FAILPOINT names this point, or
/// `name:n` and this is the n-th time. Tests walk through all points; release builds have none.
void platform_failpoint(const char *name);

/// A bound of `setrlimit`, soft and hard; never above the hard bound that already holds.
struct platform_limit {
  int32_t resource;
  uint64_t value;
};

/// What a child process shall be.
struct platform_spawn_request {
  /// The file to execute; it is not searched for.
  const char *executable;
  /// The arguments, the program's own name first, then NULL.
  char *const *arguments;
  /// The whole environment, then NULL.
  char *const *environment;
  /// Where it runs; NULL for where the parent runs.
  const char *directory;
  /// Its standard output and standard error. Its standard input is the null device; it gets no other descriptor.
  int32_t output, error;
  /// What it is sent when the thread that made it ends; 0 for nothing.
  int32_t death_signal;
  /// Its niceness; 0 for that of the parent.
  int32_t niceness;
  const struct platform_limit *limits;
  int32_t limit_count;
  /// The file `cgroup.procs` of the group it shall belong to before it executes; NULL for that of the parent.
  const char *cgroup;
};

/// What was being done when it failed.
enum platform_stage {
  PLATFORM_STAGE_CLONE = 1,
  PLATFORM_STAGE_SESSION,
  PLATFORM_STAGE_DEATH_SIGNAL,
  PLATFORM_STAGE_CGROUP,
  PLATFORM_STAGE_DESCRIPTORS,
  PLATFORM_STAGE_DIRECTORY,
  PLATFORM_STAGE_NICENESS,
  PLATFORM_STAGE_LIMIT,
  PLATFORM_STAGE_EXECUTE,
};

/// A child process that executes, or an errno and what was being done.
struct platform_spawned {
  int32_t pid, pidfd;
  int32_t error;
  /// One of `enum platform_stage`.
  int32_t stage;
};

/// Makes a child process in a session and process group of its own, with all signals at their defaults, and returns when
/// it executes or failed to. Needs Linux 5.9 or later. The child borrows this process's memory until then: nothing is copied,
/// however much memory this process has.
struct platform_spawned platform_spawn(const struct platform_spawn_request *request);

/// A descriptor for a process, or -errno.
int32_t platform_pidfd_open(int32_t pid);

/// Sends a signal to that very process (0: looks whether it is there); 0 or errno.
int32_t platform_pidfd_signal(int32_t pidfd, int32_t number);

/// Whether a child has ended: 1, or 0, or -errno. `code` is 0 when it exited and 1 when a signal ended it; `status` is the
/// exit code or the signal. The child stays a zombie, and its number its own, until `reap` is not 0.
int32_t platform_pidfd_wait(int32_t pidfd, int32_t reap, int32_t *code, int32_t *status);

/// Gives the blocks of a part of a file back to the file system; the file keeps its length. 0 or errno.
int32_t platform_punch_hole(int32_t fd, int64_t offset, int64_t length);

/// A pipe that no other program inherits and whose read end does not block; 0 or errno.
int32_t platform_pipe(int32_t *read_end, int32_t *write_end);

/// Lets go of the pages of code and constants that are in memory, of the program and its libraries; those that are used
/// again come back from the kernel's cache. After the start, most of what the start needed is needed no more.
void platform_drop_code_pages(void);
