// Arm's optional instructions: Linux says in bits of its auxiliary vector what there is.
#pragma once

#if defined(__aarch64__) && defined(__linux__) && (defined(__GNUC__) || defined(__clang__))
#define TFIC_ARM 1
#include <arm_neon.h>
#include <sys/auxv.h>

namespace tfic {

// HWCAP2_I8MM and HWCAP2_BF16, which older headers lack.
constexpr unsigned long ArmI8mm = 1ul << 13, ArmBf16 = 1ul << 14;

inline bool has_arm(unsigned long feature) { return (getauxval(AT_HWCAP2) & feature) != 0; }

// Outputs of a group in vectors of four.
constexpr int ArmVectors = 4;

// Positions whose sums stay in registers: 16 of 32 are sums, 4 weights.
constexpr int ArmPositions = 4;

}  // namespace tfic
#endif
