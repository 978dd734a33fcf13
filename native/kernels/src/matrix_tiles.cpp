#include "matrix_tiles.h"

#ifdef TFIC_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tfic {

bool can_use_amx(int feature) {
    constexpr int TileFeature = 24;             // EDX of leaf 7
    constexpr unsigned OsSavesState = 1 << 27;  // ECX of leaf 1
    constexpr uint64_t TileState = 3 << 17;     // tile configuration and data in XCR0
    constexpr long RequestPermission = 0x1023, TileData = 18;

    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & OsSavesState) == 0) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d >> TileFeature & 1) == 0 || (d >> feature & 1) == 0)
        return false;
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if (((uint64_t{high} << 32 | low) & TileState) != TileState) return false;

    // Linux gives the registers' 8 KB to processes that ask; once is enough, and threads made later have it, too.
    static const bool permitted = syscall(SYS_arch_prctl, RequestPermission, TileData) == 0;
    return permitted;
}

}  // namespace tfic
#endif
