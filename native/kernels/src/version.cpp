#include "tfic/native.h"

int32_t tfic_native_version(void) noexcept { return 3; }
