// All generated messages as one module for Swift. Everything else in this folder is generated from proto/ by
// scripts/generate-proto.sh.
#pragma once
#include "attr_value.pb-c.h"
#include "data_types.pb-c.h"
#include "descriptors.h"
#include "error/coordinator.pb-c.h"
#include "error/error.pb-c.h"
#include "google/protobuf/any.pb-c.h"
#include "graph_def.pb-c.h"
#include "message.pb-c.h"
#include "op_def.pb-c.h"
#include "schema_common.pb-c.h"
#include "types.pb-c.h"
