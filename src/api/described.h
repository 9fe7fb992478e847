/* described: the description of all calls, api/openapi.yaml as JSON, as packed into the program. */
#pragma once

#include <stddef.h>

extern const char openapi_json[]; /* ends with a newline and NUL */
extern const size_t openapi_json_size;
extern const char openapi_json_etag[];
