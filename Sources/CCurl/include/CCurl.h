// The system's <curl/curl.h> as a module for Swift.
#pragma once
#include <curl/curl.h>
