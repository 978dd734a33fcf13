namespace Tfic.Bitstream;

/// <summary>The two checksums of the container.</summary>
internal static class Checksum
{
    private static readonly uint[] s_crc32 = MakeTable();

    /// <summary>
    /// CRC-16 with polynomial x¹⁶ + x¹² + x⁵ + 1, highest bit first, starting from 0xFFFF, no final inversion; of
    /// "123456789" it is 0x29B1. Finds every error of one, two or three bits and every burst of up to 16 in files of
    /// the short form.
    /// </summary>
    public static ushort Crc16(ReadOnlySpan<byte> bytes)
    {
        ushort crc = 0xFFFF;
        foreach (byte b in bytes)
            crc = Crc16(crc, b);
        return crc;
    }

    /// <summary>One byte more.</summary>
    public static ushort Crc16(ushort crc, byte next)
    {
        uint value = crc ^ ((uint)next << 8);
        for (int bit = 0; bit < 8; bit++)
            value = (value << 1) ^ ((value & 0x8000) != 0 ? 0x1021u : 0);
        return (ushort)value;
    }

    /// <summary>
    /// CRC-32 of Ethernet, zip and PNG (reflected polynomial 0xEDB88320, start and final inversion); of "123456789" it
    /// is 0xCBF43926.
    /// </summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="crc">The checksum of what precedes them.</param>
    public static uint Crc32(ReadOnlySpan<byte> bytes, uint crc = 0)
    {
        crc = ~crc;
        foreach (byte b in bytes)
            crc = (crc >> 8) ^ s_crc32[(byte)crc ^ b];
        return ~crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint crc = i;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
            table[i] = crc;
        }

        return table;
    }
}
