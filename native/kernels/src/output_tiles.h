// What the convolutions of few bits share: the sizes of their calls, and the order in which outputs are computed.
#pragma once

#include <cstdint>

namespace tfic {

// Outputs are computed in groups of as many as a 512-bit vector has sums.
constexpr int64_t Group = 16;

// Sizes beyond these are refused before they are multiplied, so that no product below can overflow 64 bits.
constexpr int32_t MaxSize = 1 << 20;
constexpr int32_t MaxOutputs = 1 << 14;
constexpr int32_t MaxKernelHeight = 31;
constexpr int64_t MaxPitch = int64_t{1} << 40;

inline bool in_range(int64_t size, int64_t least, int64_t most) { return size >= least && size <= most; }

// Outputs with those that fill up the last group.
template <class Call>
int64_t padded_outputs(const Call& c) {
    return (c.outputs + Group - 1) / Group * Group;
}

// Whether a call's sizes are possible, and its input and weights long enough for them. Runs are read `together`
// elements at a time.
template <class Call>
bool has_valid_sizes(const Call& c, int32_t together, int32_t max_run) {
    if (!in_range(c.rows, 1, MaxSize) || !in_range(c.outputs, 1, MaxOutputs) ||
        !in_range(c.kernel_height, 1, MaxKernelHeight) || !in_range(c.run, together, max_run) ||
        c.run % together != 0 || !in_range(c.step, 1, MaxSize) || !in_range(c.stride, 1, MaxSize) ||
        !in_range(c.top, 0, MaxSize) || !in_range(c.columns, 1, MaxSize) || !in_range(c.first_row, 0, MaxSize) ||
        !in_range(c.end_row, c.first_row + 1, MaxSize) || !in_range(c.pitch, 1, MaxPitch) ||
        !in_range(c.origin, 0, c.pitch))
        return false;
    const int64_t last = (c.rows - 1) * c.pitch + c.origin + int64_t{c.columns - 1} * c.step + c.run;
    return c.input_length >= last && c.weights_length >= padded_outputs(c) * c.kernel_height * c.run;
}

// All rows with some groups of outputs, so that these groups' weights stay in the nearer caches.
template <template <int, int> class Tile, int Groups, class Call>
void groups_of_outputs(const Call& c, int64_t group) {
    for (int64_t y = c.first_row; y < c.end_row; y++) {
        int64_t x = 0;
        for (; x + 8 <= c.columns; x += 8) Tile<8, Groups>::run(c, group, y, x);
        for (; x + 2 <= c.columns; x += 2) Tile<2, Groups>::run(c, group, y, x);
        if (x < c.columns) Tile<1, Groups>::run(c, group, y, x);
    }
}

// Tile<Positions, Groups>::run computes so many neighbours in a row of so many groups.
template <template <int, int> class Tile, class Call>
void convolve(const Call& c) {
    // Four groups are two and two: one alone is the slowest shape.
    int64_t left = padded_outputs(c) / Group;
    for (int64_t group = 0; left > 0;) {
        const int64_t count = left == 1 ? 1 : left == 2 || left == 4 ? 2 : 3;
        if (count == 3)
            groups_of_outputs<Tile, 3>(c, group);
        else if (count == 2)
            groups_of_outputs<Tile, 2>(c, group);
        else
            groups_of_outputs<Tile, 1>(c, group);
        group += count;
        left -= count;
    }
}

}  // namespace tfic
