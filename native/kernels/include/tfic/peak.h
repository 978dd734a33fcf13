/* How fast this processor multiplies and adds: what other measurements are held against. */
#ifndef TFIC_PEAK_H
#define TFIC_PEAK_H

#include "tfic/native.h"

enum tfic_peak_instruction {
    TFIC_PEAK_VPDPBUSD = 0, /* 8 bits: 64 multiply-adds */
    TFIC_PEAK_VPDPWSSD = 1, /* 16 bits: 32 */
    TFIC_PEAK_VDPBF16PS = 2 /* bfloat16: 32 */
};

/* Runs an instruction 12 * rounds times on independent sums in registers, 512 bits wide, rounds in 1 ... 2^30. */
TFIC_API int32_t tfic_peak(int32_t instruction, int64_t rounds) TFIC_NOEXCEPT;

#endif
