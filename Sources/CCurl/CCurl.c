// SwiftPM wants one source file in a C target; the library itself is the system's.
#include "CCurl.h"
