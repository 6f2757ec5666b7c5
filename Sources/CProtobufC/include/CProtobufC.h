// The system's <protobuf-c/protobuf-c.h> as a module for Swift.
#pragma once
#include <protobuf-c/protobuf-c.h>
