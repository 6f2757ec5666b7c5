#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int argument_count;
static char **argument_values;

// The C library passes the program's arguments to constructors.
__attribute__((constructor)) static void remember_arguments(int count, char **values) {
  argument_count = count;
  argument_values = values;
}

int platform_argument_count(void) { return argument_count; }

const char *platform_argument(int index) {
  return index >= 0 && index < argument_count ? argument_values[index] : NULL;
}

// A pipe with one byte per received signal. A handler is required: threads of system libraries wait with all signals unblocked,
// so that the action of a signal takes place whatever our own threads block.
static int signals[2] = {-1, -1};

static void note(int number) {
  int before = errno;
  unsigned char byte = (unsigned char)number;
  (void)!write(signals[1], &byte, 1);
  errno = before;
}

static void handle_terminations(void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

void platform_hold_terminations(void) {
  if (pipe2(signals, O_CLOEXEC | O_NONBLOCK) == 0) handle_terminations(note);
}

void platform_release_terminations(void) {
  handle_terminations(SIG_DFL);
  int32_t number = platform_read_termination(signals[0]);
  if (number != 0) raise(number);
}

int platform_termination_descriptor(void) { return signals[0]; }

int32_t platform_read_termination(int descriptor) {
  unsigned char number;
  return read(descriptor, &number, 1) == 1 ? number : 0;
}
