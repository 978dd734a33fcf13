using System.Buffers.Binary;
using System.Globalization;

namespace Tfic.Networks;

/// <summary>Names a codec model in streams: the first four bytes of its hash, the first one highest.</summary>
/// <param name="Value">The bytes as a number.</param>
public readonly record struct ModelId(uint Value)
{
    /// <summary>The id of a hash.</summary>
    /// <param name="hash">At least four bytes.</param>
    public static ModelId FromHash(ReadOnlySpan<byte> hash) => new(BinaryPrimitives.ReadUInt32BigEndian(hash));

    /// <summary>Eight hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x8", CultureInfo.InvariantCulture);
}
