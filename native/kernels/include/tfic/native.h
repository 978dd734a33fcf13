/* What every header of libtfic_native has in common: linkage, status codes, version. C and C++. */
#ifndef TFIC_NATIVE_H
#define TFIC_NATIVE_H

#include <stdint.h>

#ifdef __cplusplus
#define TFIC_EXTERN extern "C"
#define TFIC_NOEXCEPT noexcept
#else
#define TFIC_EXTERN extern
#define TFIC_NOEXCEPT
#endif

#if defined(_WIN32) && defined(TFIC_NATIVE_BUILD)
#define TFIC_API TFIC_EXTERN __declspec(dllexport)
#elif defined(_WIN32)
#define TFIC_API TFIC_EXTERN __declspec(dllimport)
#else
#define TFIC_API TFIC_EXTERN __attribute__((visibility("default")))
#endif

/* Every function that can fail returns one of these; nothing is thrown across the boundary. */
enum tfic_status {
    TFIC_OK = 0,
    TFIC_INVALID_ARGUMENT = 1, /* a null pointer, a size out of range, or a buffer too short for the sizes */
    TFIC_UNSUPPORTED = 2       /* this processor, or this build, lacks the instructions */
};

/* Raised with every change of a signature; the managed side refuses a library of another version. */
TFIC_API int32_t tfic_native_version(void) TFIC_NOEXCEPT;

#endif
