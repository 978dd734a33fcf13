using ILGPU;

namespace Tfic.Gpu.RangeCoding;

/// <summary>What is decoded on the device, a chunk a group.</summary>
public struct DecodingArguments
{
    /// <summary>The whole stream.</summary>
    public ArrayView<byte> Stream;

    /// <summary>Where each chunk begins in the stream, and where the last one ends.</summary>
    public ArrayView<int> Bounds;

    /// <summary>Each table's place in <see cref="Starts"/>.</summary>
    public ArrayView<int> Firsts;

    /// <summary>Each table's number of symbols.</summary>
    public ArrayView<int> Lengths;

    /// <summary>The first slot of every symbol of every table, each table closed by 2¹⁶.</summary>
    public ArrayView<uint> Starts;

    /// <summary>For each symbol the index of its table.</summary>
    public ArrayView<byte> TableIndexes;

    /// <summary>Receives what each symbol adds to its table's centre, the least int for a table's last.</summary>
    public ArrayView<int> Differences;

    /// <summary>Receives each chunk's states, lane by lane.</summary>
    public ArrayView<uint> States;

    /// <summary>Receives each chunk's place in the stream behind its symbols, or −1 if it ends too soon.</summary>
    public ArrayView<int> Positions;

    /// <summary>Binary logarithm of a full chunk's symbols.</summary>
    public int ChunkBits;
}

/// <summary>What is encoded on the device, a chunk a group.</summary>
public struct EncodingArguments
{
    /// <summary>The chunks' intervals, one chunk behind the other: the start in the low 16 bits, the frequency above.</summary>
    public ArrayView<uint> Intervals;

    /// <summary>Where each chunk begins in the intervals, and where the last one ends.</summary>
    public ArrayView<int> Bounds;

    /// <summary>Each chunk's states, lane by lane; moved on.</summary>
    public ArrayView<uint> States;

    /// <summary>Where each chunk's next byte goes in the output.</summary>
    public ArrayView<int> Places;

    /// <summary>Receives the bytes that symbols move out; a chunk's last comes first.</summary>
    public ArrayView<byte> Output;

    /// <summary>Receives how many bytes each chunk has.</summary>
    public ArrayView<int> Counts;
}

/// <summary>What runs on the device: one group of 32 threads a chunk, one thread a lane.</summary>
/// <remarks>
/// In each step the threads say in two masks who moves one byte and who two, and count there who comes before them.
/// Three pairs of masks take turns, so that one barrier a step suffices: a pair is cleared while the next one is
/// written, and not touched again before every thread has passed a barrier.
/// </remarks>
public static class RangeCodingKernels
{
    /// <summary>Threads of a group, and lanes.</summary>
    public const int Lanes = 32;

    private const uint Least = 1u << 24;

    /// <summary>Decodes the symbols of chunks, but not the raw bits behind them.</summary>
    public static void Decode(DecodingArguments arguments)
    {
        ArrayView<int> masks = SharedMemory.Allocate<int>(6);
        int lane = Group.IdxX;
        int chunk = Grid.IdxX;
        int lower = (1 << lane) - 1;
        int position = arguments.Bounds[chunk];
        int end = arguments.Bounds[chunk + 1];
        uint x = 0;
        for (int i = 3; i >= 0; i--)
            x = (x << 8) | arguments.Stream[position + (4 * lane) + i];
        position += 4 * Lanes;

        // Chunks are full but for the last; no product overflows, since a chunk begins within the symbols.
        int total = arguments.TableIndexes.IntLength;
        int first = chunk << arguments.ChunkBits;
        int count = total - first;
        if (count >> arguments.ChunkBits != 0)
            count = 1 << arguments.ChunkBits;
        if (lane < 6)
            masks[lane] = 0;
        Group.Barrier();

        int turn = 0;
        bool isShort = false;
        for (int step = 0; step < count; step += Lanes)
        {
            bool isActive = step + lane < count;
            int moved = 0;
            if (isActive)
            {
                int table = arguments.TableIndexes[first + step + lane];
                int from = arguments.Firsts[table];
                int length = arguments.Lengths[table];
                uint slot = x & 0xFFFF;
                int symbol = 0;
                int beyond = length;
                while (beyond - symbol > 1)
                {
                    int middle = (symbol + beyond) >> 1;
                    if (arguments.Starts[from + middle] <= slot)
                        symbol = middle;
                    else
                        beyond = middle;
                }

                uint start = arguments.Starts[from + symbol];
                uint frequency = arguments.Starts[from + symbol + 1] - start;
                x = (frequency * (x >> 16)) + slot - start;
                int difference = (symbol >> 1) ^ -(symbol & 1);
                arguments.Differences[first + step + lane] = symbol == length - 1 ? int.MinValue : difference;
                if (x < Least)
                {
                    moved = x < Least >> 8 ? 2 : 1;
                    Announce(masks, turn, lane, moved);
                }
            }

            int at = TakeTurn(masks, ref turn, lane, lower, ref position);
            if (position > end)
                isShort = true;
            if (!isShort)
            {
                uint bytes = 0;
                if (moved > 0)
                    bytes = arguments.Stream[at];
                if (moved > 1)
                    bytes |= (uint)arguments.Stream[at + 1] << 8;
                x = (x << (8 * moved)) | bytes;
            }
        }

        arguments.States[(chunk * Lanes) + lane] = x;
        if (lane == 0)
            arguments.Positions[chunk] = isShort ? -1 : position;
    }

    /// <summary>Encodes the symbols of chunks, from the last to the first.</summary>
    public static void Encode(EncodingArguments arguments)
    {
        ArrayView<int> masks = SharedMemory.Allocate<int>(6);
        int lane = Group.IdxX;
        int chunk = Grid.IdxX;

        // Lanes behind this one come first: all that are not this one or before.
        int higher = ~((1 << lane) | ((1 << lane) - 1));
        int first = arguments.Bounds[chunk];
        int count = arguments.Bounds[chunk + 1] - first;
        int position = arguments.Places[chunk];
        uint x = arguments.States[(chunk * Lanes) + lane];
        if (lane < 6)
            masks[lane] = 0;
        Group.Barrier();

        int turn = 0;
        for (int step = (count - 1) / Lanes * Lanes; step >= 0; step -= Lanes)
        {
            bool isActive = step + lane < count;
            int moved = 0;
            uint frequency = 1;
            uint start = 0;
            if (isActive)
            {
                uint interval = arguments.Intervals[first + step + lane];
                frequency = interval >> 16;
                start = interval & 0xFFFF;
                uint limit = frequency << 16;
                if (x >= limit)
                {
                    moved = x >> 8 >= limit ? 2 : 1;
                    Announce(masks, turn, lane, moved);
                }
            }

            int at = TakeTurn(masks, ref turn, lane, higher, ref position);
            if (moved == 2)
            {
                arguments.Output[at] = (byte)(x >> 8);
                arguments.Output[at + 1] = (byte)x;
            }
            else if (moved == 1)
            {
                arguments.Output[at] = (byte)x;
            }

            if (isActive)
            {
                x >>= 8 * moved;
                uint quotient = x / frequency;
                x = (quotient << 16) + start + (x - (quotient * frequency));
            }
        }

        arguments.States[(chunk * Lanes) + lane] = x;
        if (lane == 0)
            arguments.Counts[chunk] = position - arguments.Places[chunk];
    }

    /// <summary>Says that a lane moves one or two bytes in this step.</summary>
    private static void Announce(ArrayView<int> masks, int turn, int lane, int moved)
    {
        Atomic.Add(ref masks[turn], 1 << lane);
        if (moved == 2)
            Atomic.Add(ref masks[turn + 1], 1 << lane);
    }

    /// <summary>Waits for what all lanes say in this step, and moves on to the next pair of masks.</summary>
    /// <returns>Where the lane's bytes lie, if it moves any: behind those of the lanes before it.</returns>
    private static int TakeTurn(ArrayView<int> masks, ref int turn, int lane, int before, ref int position)
    {
        Group.Barrier();
        int one = masks[turn];
        int two = masks[turn + 1];
        int clear = turn == 0 ? 4 : turn - 2;
        if (lane < 2)
            masks[clear + lane] = 0;
        turn = turn == 4 ? 0 : turn + 2;
        int at = position + Count(one & before) + Count(two & before);
        position += Count(one) + Count(two);
        return at;
    }

    /// <summary>Number of bits that are set.</summary>
    private static int Count(int mask)
    {
        uint bits = (uint)mask;
        bits -= (bits >> 1) & 0x55555555;
        bits = (bits & 0x33333333) + ((bits >> 2) & 0x33333333);
        bits = (bits + (bits >> 4)) & 0x0F0F0F0F;
        return (int)((bits * 0x01010101) >> 24);
    }
}
