// Wraps the few Linux calls that Swift's Glibc module does not expose. Only types of <stdint.h> cross this header: feature macros
// and system headers stay in the .c files, because Clang modules would disagree about them.
#pragma once
#include <stdint.h>

/// Configures malloc for a server that handles large messages: at most `arenas` arenas; blocks of `mmap_bytes` or more are mapped
/// and returned to the kernel when freed. Call it before the first thread starts.
void platform_tune_malloc(int arenas, int64_t mmap_bytes, int64_t trim_bytes);

/// Removes a file, or a directory with its contents. Symbolic links are removed, not followed, even if other processes create
/// them meanwhile. Continues after an entry that cannot be removed. Returns 0 or the first errno.
int platform_remove_tree(const char *path);

/// Opens a directory as a base for opening paths below it; the directory need not be readable. Returns -errno if it is not a
/// directory.
int32_t platform_open_place(const char *path);

/// Opens a path below the directory of a descriptor. Returns -errno: -EXDEV or -ELOOP if the path leads out of the directory,
/// through `..`, an absolute or climbing link, or a link of /proc, whether or not the target exists. What is opened was below the
/// directory at one moment, even if the path is changed meanwhile (`openat2`). If the kernel or a filter lacks that call, uses
/// `platform_open_beneath_walking`.
int32_t platform_open_beneath(int32_t directory, const char *path, int32_t flags);

/// Does the same as `platform_open_beneath`, one component of the path at a time, and follows neither links nor `..`.
int32_t platform_open_beneath_walking(int32_t directory, const char *path, int32_t flags);

/// Returns 1 if a descriptor's file belongs to the kernel, as in /proc and /sys, or if that is unknown; otherwise 0. Such files
/// look like regular files, but contain the state of the machine.
int32_t platform_is_kernels(int32_t fd);

/// Makes standard output and standard error line-buffered, even if they are pipes.
void platform_line_buffer_output(void);

/// Restores the default action of SIGINT and SIGTERM, because a process started by a script with `&` inherits an ignored SIGINT.
/// Ignores SIGPIPE and SIGXFSZ, so that a write to a closed pipe, or beyond the maximum file size, fails instead of ending the
/// process.
void platform_reset_signals(void);

/// The arguments of the process, beginning with the program's name, as the kernel passed them to the C library.
int platform_argument_count(void);
const char *platform_argument(int index);

/// Holds SIGINT and SIGTERM until they are read or released.
void platform_hold_terminations(void);

/// Lets SIGINT and SIGTERM end the process; held signals do so at once.
void platform_release_terminations(void);

/// Returns a descriptor that becomes readable when SIGINT or SIGTERM is held; -1 if there can be none.
int platform_termination_descriptor(void);

/// Reads a held signal from that descriptor; returns 0 if there is none.
int32_t platform_read_termination(int descriptor);

/// Ends the process with SIGKILL if the environment variable GSCOORDINATOR_FAILPOINT is `name`, or is `name:n` and this is the
/// n-th call. Tests use it to crash at every point; release builds contain no failpoints.
void platform_failpoint(const char *name);

/// A limit for `setrlimit`, applied as both the soft and the hard limit, and clamped to the present hard limit.
struct platform_limit {
  int32_t resource;
  uint64_t value;
};

/// A user: its id, the id of its group, and the ids of its other groups.
struct platform_user {
  uint32_t user, group;
  const uint32_t *groups;
  int32_t group_count;
};

/// Makes this thread open, create and remove files as another user, until `platform_files_as_ourselves`; everything else is
/// unaffected. Calls may be nested; inner calls have no effect. Returns 0 or errno.
int32_t platform_files_as(const struct platform_user *user);

/// Ends the effect of `platform_files_as`. Aborts the process if that fails.
void platform_files_as_ourselves(void);

/// Returns the capabilities that this process lacks to start and supervise processes of another user, as a bit set indexed by
/// capability number (CAP_CHOWN 0, CAP_DAC_OVERRIDE 1, CAP_FOWNER 3, CAP_KILL 5, CAP_SETGID 6, CAP_SETUID 7); 0 if it lacks none.
uint64_t platform_lacking_capabilities(void);

/// Returns the user id of the process that listens at the other end of a Unix socket; -1 if it is unknown.
int64_t platform_peer_user(int32_t socket);

/// Makes a file that another user created our own, so that it is not changed while it is mapped. Returns 0 or errno; EAGAIN if a
/// process still has it open for writing. If the file system cannot tell, assumes that there is none.
int32_t platform_take_over(int32_t fd);

/// Describes a child process to start.
struct platform_spawn_request {
  /// The path of the executable; PATH is not searched.
  const char *executable;
  /// The arguments, beginning with the program's own name, terminated by NULL.
  char *const *arguments;
  /// The complete environment, terminated by NULL.
  char *const *environment;
  /// The working directory; NULL for that of the parent.
  const char *directory;
  /// Descriptors for standard output and standard error. Standard input is the null device.
  int32_t output, error;
  /// Other descriptors, above 2 and in ascending order, that it inherits under the same numbers. It inherits no others.
  const int32_t *kept;
  int32_t kept_count;
  /// The user it runs as, without any capability and without a way to become another user; NULL for the parent's user.
  const struct platform_user *user;
  /// The signal it receives when the thread that created it ends; 0 for none.
  int32_t death_signal;
  /// Its niceness; 0 for that of the parent.
  int32_t niceness;
  const struct platform_limit *limits;
  int32_t limit_count;
  /// The file `cgroup.procs` of the control group that it joins before it executes; NULL for that of the parent.
  const char *cgroup;
};

/// The stage of a start that failed.
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
  PLATFORM_STAGE_USER,
};

/// A running child process, or an errno and the stage that failed.
struct platform_spawned {
  int32_t pid, pidfd;
  int32_t error;
  /// One of `enum platform_stage`.
  int32_t stage;
};

/// Starts a child process in a session and process group of its own, with all signals at their defaults. Returns when it executes
/// or has failed to. Requires Linux 5.9 or later. The child uses this process's memory until then, unless it becomes another
/// user: nothing is copied, however much memory this process has.
struct platform_spawned platform_spawn(const struct platform_spawn_request *request);

/// Returns a descriptor for a process, or -errno.
int32_t platform_pidfd_open(int32_t pid);

/// Sends a signal to the process of a descriptor (0 checks whether it exists). Returns 0 or errno.
int32_t platform_pidfd_signal(int32_t pidfd, int32_t number);

/// Returns 1 if a child has ended, 0 if not, or -errno. Sets `code` to 0 if it exited and to 1 if a signal ended it, and `status`
/// to the exit code or the signal. The child remains a zombie, so that its process id is not reused, until a call with `reap` not
/// 0.
int32_t platform_pidfd_wait(int32_t pidfd, int32_t reap, int32_t *code, int32_t *status);

/// Returns the blocks of a part of a file to the file system; the file keeps its length. Returns 0 or errno.
int32_t platform_punch_hole(int32_t fd, int64_t offset, int64_t length);

/// Returns the number of descriptors (files, sockets, pipes) that this process may have open.
int64_t platform_descriptor_limit(void);

/// Raises the limit on open descriptors to the highest that this process may set, and returns it. Children get the original
/// limit.
int64_t platform_raise_descriptor_limit(void);

/// Call in a child: restores the limit that `platform_raise_descriptor_limit` raised.
void platform_restore_descriptor_limit(void);

/// Returns the system's description of an errno, with the remedy if descriptors are lacking. Valid until the thread's next call.
const char *platform_error_text(int32_t code);

/// Sets the weight of a process's session among all sessions, if the kernel schedules by session (autogroup); the niceness of its
/// processes then counts among themselves only. Returns 0 or errno; EAGAIN: the weight was set a moment ago, try again.
int32_t platform_set_group_niceness(int32_t pid, int32_t niceness);

/// Creates a pipe that other programs do not inherit and whose read end does not block. Returns 0 or errno.
int32_t platform_pipe(int32_t *read_end, int32_t *write_end);

/// Releases the resident pages of code and constants of the program and its libraries; pages that are used again come back from
/// the kernel's cache. Most pages that the start needed are not needed afterwards.
void platform_drop_code_pages(void);
