// The system's <nghttp2/nghttp2.h> as a module for Swift.
#pragma once
#include <nghttp2/nghttp2.h>
