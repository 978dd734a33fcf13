// AMX's eight registers of 16 rows of 64 bytes, twice: the instructions themselves, and the same in plain C++ for tests
// on processors that have none. Kernels are templates over one of them.
#pragma once

#include <cstdint>
#include <cstring>

#include "output_tiles.h"

namespace tfic {

constexpr int TileRows = 16;
constexpr int TileBytes = 64;

#if defined(__x86_64__) && defined(__linux__) && (defined(__GNUC__) || defined(__clang__))
#define TFIC_AMX 1

// Whether this processor has AMX for `feature` (bit of EDX of cpuid 7: 22 bfloat16, 25 bytes) and the system lets this
// process use it, which it has to ask for once.
bool can_use_amx(int feature);

// The compiler's intrinsics take literals only: these name registers by template arguments.
struct AmxTiles {
    AmxTiles() {
        // Palette 1, all registers whole.
        alignas(64) uint8_t config[64] = {1};
        for (int t = 0; t < 8; t++) {
            config[16 + 2 * t] = TileBytes;
            config[48 + t] = TileRows;
        }
        __asm__ volatile("ldtilecfg %0" : : "m"(config));
    }
    ~AmxTiles() { __asm__ volatile("tilerelease" : : : "memory"); }
    AmxTiles(const AmxTiles&) = delete;
    AmxTiles& operator=(const AmxTiles&) = delete;

    template <int T>
    void zero() {
        __asm__ volatile("tilezero %%tmm%c0" : : "i"(T));
    }
    template <int T>
    void load(const void* from, int64_t stride) {
        __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(T) : "memory");
    }
    template <int T>
    void store(void* to) {
        __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(int64_t{TileBytes}), "i"(T) : "memory");
    }
    template <int Sum, int A, int B>
    void add_products_of_bfloat16() {
        __asm__ volatile("tdpbf16ps %%tmm%c0, %%tmm%c1, %%tmm%c2" : : "i"(B), "i"(A), "i"(Sum));
    }
    template <int Sum, int A, int B>
    void add_products_of_bytes() {
        __asm__ volatile("tdpbusd %%tmm%c0, %%tmm%c1, %%tmm%c2" : : "i"(B), "i"(A), "i"(Sum));
    }
};
#endif

struct EmulatedTiles {
    uint8_t tiles[8][TileRows][TileBytes] = {};

    template <int T>
    void zero() {
        std::memset(tiles[T], 0, sizeof tiles[T]);
    }
    template <int T>
    void load(const void* from, int64_t stride) {
        for (int row = 0; row < TileRows; row++)
            std::memcpy(tiles[T][row], static_cast<const uint8_t*>(from) + row * stride, TileBytes);
    }
    template <int T>
    void store(void* to) {
        std::memcpy(to, tiles[T], sizeof tiles[T]);
    }

    // TDPBF16PS: for each pair of bfloat16, first the lower and then the upper product is added, in float32.
    template <int Sum, int A, int B>
    void add_products_of_bfloat16() {
        for (int m = 0; m < TileRows; m++)
            for (int k = 0; k < TileRows; k++)
                for (int n = 0; n < TileRows; n++) {
                    float sum = get<float>(Sum, m, n);
                    for (int half = 0; half < 2; half++)
                        sum +=
                            value_of(get<uint16_t>(A, m, 2 * k + half)) * value_of(get<uint16_t>(B, k, 2 * n + half));
                    std::memcpy(&tiles[Sum][m][4 * n], &sum, sizeof sum);
                }
    }

    // TDPBUSD: unsigned bytes of A times signed ones of B, four at a time.
    template <int Sum, int A, int B>
    void add_products_of_bytes() {
        for (int m = 0; m < TileRows; m++)
            for (int k = 0; k < TileRows; k++)
                for (int n = 0; n < TileRows; n++) {
                    int32_t sum = get<int32_t>(Sum, m, n);
                    for (int i = 0; i < 4; i++) sum += get<uint8_t>(A, m, 4 * k + i) * get<int8_t>(B, k, 4 * n + i);
                    std::memcpy(&tiles[Sum][m][4 * n], &sum, sizeof sum);
                }
    }

  private:
    template <class Element>
    Element get(int tile, int row, int at) const {
        Element element;
        std::memcpy(&element, &tiles[tile][row][at * sizeof element], sizeof element);
        return element;
    }

    static float value_of(uint16_t upper) {
        const uint32_t bits = static_cast<uint32_t>(upper) << 16;
        float value;
        std::memcpy(&value, &bits, sizeof value);
        return value;
    }
};

// A block of 32 neighbours in a row times up to two groups of 16 outputs: registers 0 to 3 hold its sums, by neighbours
// and groups, 4 and 5 activations, 6 and 7 weights.
constexpr int BlockPositions = 2 * TileRows;

// Adds the products of one row of the kernel to the sums of a block. `input` are the first neighbour's activations,
// `step` elements from one to the next, of which `there` exist; `weights` those of the first group. What is not whole,
// at the end of a row or of a run, is copied among zeros.
template <class Tiles, class Activation, class Weight, int Groups, class Multiply>
inline void add_row(Tiles& tiles, const Activation* input, int64_t step, int64_t there, int64_t run,
                    const Weight* weights, int64_t per_group, Multiply multiply) {
    constexpr int64_t chunk = TileBytes / sizeof(Activation);
    for (int64_t j = 0; j < run; j += chunk) {
        const int64_t left = run - j;
        alignas(64) uint8_t rest[Groups][TileRows][TileBytes];
        const auto load_weights = [&](int group) -> const void* {
            const Weight* at = weights + group * per_group + j * TileRows;
            if (left >= chunk) return at;
            std::memset(rest[group], 0, sizeof rest[group]);
            std::memcpy(rest[group], at, left * TileRows * sizeof *at);
            return rest[group];
        };
        tiles.template load<6>(load_weights(0), TileBytes);
        if constexpr (Groups > 1) tiles.template load<7>(load_weights(1), TileBytes);

        alignas(64) uint8_t copy[BlockPositions][TileBytes];
        const uint8_t* from = reinterpret_cast<const uint8_t*>(input + j);
        int64_t stride = step * static_cast<int64_t>(sizeof *input);
        if (left < chunk || there < BlockPositions) {
            std::memset(copy, 0, sizeof copy);
            const int64_t bytes = (left < chunk ? left : chunk) * static_cast<int64_t>(sizeof *input);
            for (int64_t p = 0; p < there; p++) std::memcpy(copy[p], from + p * stride, bytes);
            from = copy[0];
            stride = TileBytes;
        }
        tiles.template load<4>(from, stride);
        tiles.template load<5>(from + TileRows * stride, stride);
        multiply(tiles);
    }
}

// Computes all blocks of a call: `one` those of a single group of outputs, `two` those of two, each with the group, the
// row, the first column and the number of columns.
template <class Call, class One, class Two>
void for_blocks(const Call& c, One one, Two two) {
    const int64_t groups = padded_outputs(c) / Group;
    for (int64_t group = 0; group < groups; group += 2)
        for (int64_t y = c.first_row; y < c.end_row; y++)
            for (int64_t x = 0; x < c.columns; x += BlockPositions) {
                const int64_t there = c.columns - x < BlockPositions ? c.columns - x : BlockPositions;
                if (group + 1 < groups)
                    two(group, y, x, there);
                else
                    one(group, y, x, there);
            }
}

}  // namespace tfic
