namespace Tfic.Imaging;

/// <summary>The CRC-32 of PNG (ISO 3309, reflected polynomial 0xEDB88320), eight bytes at a step.</summary>
internal static class Crc32
{
    // Row 0 advances the register by one byte; row k by that byte followed by k zero bytes. The CRC is linear, so
    // eight bytes are eight look-ups whose results are added.
    private static readonly uint[][] Rows = MakeRows();

    /// <summary>Continues a CRC over more bytes; start with 0.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        uint[][] rows = Rows;
        uint[] r0 = rows[0], r1 = rows[1], r2 = rows[2], r3 = rows[3];
        uint[] r4 = rows[4], r5 = rows[5], r6 = rows[6], r7 = rows[7];
        crc = ~crc;
        while (bytes.Length >= 8)
        {
            uint a = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc;
            uint b = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = r7[(byte)a] ^ r6[(byte)(a >> 8)] ^ r5[(byte)(a >> 16)] ^ r4[a >> 24]
                ^ r3[(byte)b] ^ r2[(byte)(b >> 8)] ^ r1[(byte)(b >> 16)] ^ r0[b >> 24];
            bytes = bytes[8..];
        }

        foreach (byte value in bytes)
            crc = r0[(byte)(crc ^ value)] ^ (crc >> 8);
        return ~crc;
    }

    private static uint[][] MakeRows()
    {
        var rows = new uint[8][];
        rows[0] = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint register = i;
            for (int bit = 0; bit < 8; bit++)
                register = (register >> 1) ^ ((register & 1) * 0xEDB88320u);
            rows[0][i] = register;
        }

        for (int k = 1; k < 8; k++)
        {
            rows[k] = new uint[256];
            for (int i = 0; i < 256; i++)
                rows[k][i] = rows[0][(byte)rows[k - 1][i]] ^ (rows[k - 1][i] >> 8);
        }

        return rows;
    }
}
