#define _GNU_SOURCE
#include "CPlatform.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef DEBUG
void platform_failpoint(const char *name) {
  static _Atomic int hits = 0;
  const char *wanted = getenv("GSCOORDINATOR_FAILPOINT");
  if (!wanted) return;
  size_t length = strlen(name);
  if (strncmp(wanted, name, length) != 0) return;
  int nth = 1;
  if (wanted[length] == ':') nth = atoi(wanted + length + 1);
  else if (wanted[length] != 0) return;
  if (++hits == nth) kill(getpid(), SIGKILL);
}
#else
void platform_failpoint(const char *name) { (void)name; }
#endif
