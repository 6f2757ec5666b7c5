#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <ftw.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>

void platform_tune_malloc(int arenas, int64_t mmap_bytes, int64_t trim_bytes) {
  mallopt(M_ARENA_MAX, arenas);
  mallopt(M_MMAP_THRESHOLD, (int)mmap_bytes);
  mallopt(M_TRIM_THRESHOLD, (int)trim_bytes);
}

static _Thread_local int first_failure;

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)info, (void)kind, (void)place;
  if (remove(path) != 0 && errno != ENOENT && first_failure == 0) first_failure = errno;
  return 0;
}

int platform_remove_tree(const char *path) {
  first_failure = 0;
  if (nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT && first_failure == 0)
    first_failure = errno;
  return first_failure;
}

void platform_line_buffer_output(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  setvbuf(stderr, NULL, _IOLBF, 0);
}

void platform_reset_signals(void) {
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
}
