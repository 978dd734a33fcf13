using System.Buffers.Binary;

namespace Tfic.Fuzz;

/// <summary>Changes to bytes that know nothing of their meaning.</summary>
internal static class Mutations
{
    /// <summary>Makes one to eight changes.</summary>
    /// <param name="input">What to change.</param>
    /// <param name="other">Where pieces may be taken from.</param>
    /// <param name="random">Source of all choices.</param>
    /// <param name="maxLength">Longest result.</param>
    public static byte[] Bytes(ReadOnlySpan<byte> input, ReadOnlySpan<byte> other, FuzzRandom random, int maxLength)
    {
        byte[] result = input.ToArray();
        int changes = 1 << random.Below(4);
        for (int i = 0; i < changes; i++)
            result = Change(result, other, random, maxLength);
        return result;
    }

    /// <summary>Changes bytes in place, at most a few: the length stays.</summary>
    public static void InPlace(Span<byte> bytes, FuzzRandom random)
    {
        if (bytes.IsEmpty)
            return;
        for (int i = 1 << random.Below(3); i > 0; i--)
        {
            int at = random.Below(bytes.Length);
            switch (random.Below(5))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Below(8));
                    break;
                case 1:
                    bytes[at] = random.Byte();
                    break;
                case 2:
                    bytes[at] = random.Of<byte>(0, 1, 0x7F, 0x80, 0xFE, 0xFF);
                    break;
                case 3:
                    bytes[at] += (byte)(random.Below(5) - 2);
                    break;
                default:
                    Number(bytes[at..], random);
                    break;
            }
        }
    }

    private static byte[] Change(byte[] bytes, ReadOnlySpan<byte> other, FuzzRandom random, int maxLength)
    {
        int at = bytes.Length == 0 ? 0 : random.Below(bytes.Length + 1);
        switch (random.Below(8))
        {
            case 0 when bytes.Length > 0: // a piece goes
                int gone = Math.Min(bytes.Length - at, 1 + (int)random.Spread(8));
                return [.. bytes.AsSpan(0, at), .. bytes.AsSpan(at + gone)];
            case 1 when bytes.Length > 0: // a piece comes twice
                int length = Math.Min(bytes.Length - at, 1 + (int)random.Spread(7));
                return Limit([.. bytes.AsSpan(0, at + length), .. bytes.AsSpan(at)], maxLength);
            case 2: // noise
                var noise = new byte[1 + (int)random.Spread(5)];
                byte fill = random.Byte();
                bool constant = random.OneIn(2);
                for (int i = 0; i < noise.Length; i++)
                    noise[i] = constant ? fill : random.Byte();
                return Limit([.. bytes.AsSpan(0, at), .. noise, .. bytes.AsSpan(at)], maxLength);
            case 3 when other.Length > 0: // a piece of another
                int from = random.Below(other.Length);
                int count = Math.Min(other.Length - from, 1 + (int)random.Spread(9));
                int kept = random.OneIn(2) ? at : Math.Min(bytes.Length, at + count);
                return Limit([.. bytes.AsSpan(0, at), .. other.Slice(from, count), .. bytes.AsSpan(kept)], maxLength);
            case 4 when random.OneIn(4): // the end is cut off
                return bytes[..at];
            default:
                InPlace(bytes, random);
                return bytes;
        }
    }

    private static byte[] Limit(byte[] bytes, int maxLength) => bytes.Length <= maxLength ? bytes : bytes[..maxLength];

    private static void Number(Span<byte> at, FuzzRandom random)
    {
        long value = random.Number(32);
        switch (random.Below(4))
        {
            case 0 when at.Length >= 4:
                BinaryPrimitives.WriteUInt32BigEndian(at, (uint)value);
                break;
            case 1 when at.Length >= 4:
                BinaryPrimitives.WriteUInt32LittleEndian(at, (uint)value);
                break;
            case 2 when at.Length >= 2:
                BinaryPrimitives.WriteUInt16BigEndian(at, (ushort)value);
                break;
            case 3 when at.Length >= 2:
                BinaryPrimitives.WriteUInt16LittleEndian(at, (ushort)value);
                break;
            default:
                at[0] = (byte)value;
                break;
        }
    }
}
