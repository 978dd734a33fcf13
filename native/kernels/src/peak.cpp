#include "tfic/peak.h"

#if (defined(__x86_64__) || defined(_M_X64)) && (defined(__GNUC__) || defined(__clang__))
#define TFIC_X86 1
#include <immintrin.h>
#endif

namespace {

constexpr int64_t MaxRounds = int64_t{1} << 30;

#ifdef TFIC_X86

// Twelve sums cover a latency of up to six cycles at two instructions a cycle. The empty statements keep the loop from
// being optimised away.
#define TFIC_SUMS(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11)
#define TFIC_PEAK(NAME, FEATURE, TYPE, ZERO, OPERAND, INSTRUCTION)          \
    __attribute__((target("avx512f," FEATURE))) void NAME(int64_t rounds) { \
        const OPERAND x = (OPERAND)ZERO, y = (OPERAND)ZERO;                 \
        TYPE s0 = ZERO, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;        \
        TYPE s6 = s0, s7 = s0, s8 = s0, s9 = s0, s10 = s0, s11 = s0;        \
        for (int64_t i = 0; i < rounds; i++) {                              \
            TFIC_SUMS(INSTRUCTION)                                          \
        }                                                                   \
    }
#define TFIC_BYTES(N)                       \
    s##N = _mm512_dpbusd_epi32(s##N, x, y); \
    __asm__ volatile("" : "+v"(s##N));
#define TFIC_WORDS(N)                       \
    s##N = _mm512_dpwssd_epi32(s##N, x, y); \
    __asm__ volatile("" : "+v"(s##N));
#define TFIC_BFLOATS(N)                  \
    s##N = _mm512_dpbf16_ps(s##N, x, y); \
    __asm__ volatile("" : "+v"(s##N));

TFIC_PEAK(bytes, "avx512vnni", __m512i, _mm512_setzero_si512(), __m512i, TFIC_BYTES)
TFIC_PEAK(words, "avx512vnni", __m512i, _mm512_setzero_si512(), __m512i, TFIC_WORDS)
TFIC_PEAK(bfloats, "avx512bf16", __m512, _mm512_setzero_ps(), __m512bh, TFIC_BFLOATS)

#endif

}  // namespace

int32_t tfic_peak(int32_t instruction, int64_t rounds) noexcept {
    if (instruction < TFIC_PEAK_VPDPBUSD || instruction > TFIC_PEAK_VDPBF16PS || rounds < 1 || rounds > MaxRounds)
        return TFIC_INVALID_ARGUMENT;
#ifdef TFIC_X86
    if (!__builtin_cpu_supports("avx512f")) return TFIC_UNSUPPORTED;
    if (instruction == TFIC_PEAK_VDPBF16PS) {
        if (!__builtin_cpu_supports("avx512bf16")) return TFIC_UNSUPPORTED;
        bfloats(rounds);
        return TFIC_OK;
    }
    if (!__builtin_cpu_supports("avx512vnni")) return TFIC_UNSUPPORTED;
    if (instruction == TFIC_PEAK_VPDPBUSD)
        bytes(rounds);
    else
        words(rounds);
    return TFIC_OK;
#else
    return TFIC_UNSUPPORTED;
#endif
}
