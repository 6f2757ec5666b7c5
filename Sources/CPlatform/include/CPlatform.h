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
