using Tfic.Imaging;

namespace Tfic.Fuzz.Targets;

/// <summary>The PNM reader; changes are made to the numbers of the header.</summary>
internal sealed class PnmTarget : Target
{
    private static readonly PictureLimits s_limits = new(MaxPixels: 1 << 16, MaxBytes: 1 << 17);

    public override string Name => "pnm";

    public override int MaxLength => 1 << 14;

    public override long MaxAllocation(int length) => s_limits.MaxBytes;

    public override IEnumerable<byte[]> Seeds()
    {
        foreach (string text in new[]
                 {
                     "P1\n# a comment\n4 3\n0 1 0 1 1100\n0011", "P2 3 2 15\n0 1 15 7 8 9\n", "P3\n2 1 255\n1 2 3 40 50 60",
                     "P4\n9 2\nabcd", "P5 4 2 255\nabcdefgh", "P5\n2 2 1000\n\0a\0b\0c\0d", "P6 2 2 255\nabcdefghijkl",
                     "P6\r\n1 1\r\n65535\nabcdef", "P6 1 1 #c\n7\n\u0001\u0002\u0003", "P2\n1\n1\n65535\n65535",
                 })
        {
            yield return System.Text.Encoding.Latin1.GetBytes(text);
        }
    }

    public override byte[] Mutate(byte[] input, byte[] other, FuzzRandom random)
    {
        if (random.OneIn(3))
            return Mutations.Bytes(input, other, random, MaxLength);

        // A number of the header, or of the samples in text, becomes another.
        string text = System.Text.Encoding.Latin1.GetString(input);
        int at = random.Below(Math.Min(text.Length, 24) + 1);
        while (at < text.Length && !char.IsAsciiDigit(text[at]))
            at++;
        int end = at;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
            end++;
        string number = random.Below(6) switch
        {
            0 => random.Number(40).ToString(System.Globalization.CultureInfo.InvariantCulture),
            1 => new string('0', random.Below(30)) + random.Below(70000),
            2 => "",
            3 => "# c\n1",
            _ => random.Below(300).ToString(System.Globalization.CultureInfo.InvariantCulture),
        };
        byte[] changed = System.Text.Encoding.Latin1.GetBytes(text[..at] + number + text[end..]);
        if (random.OneIn(2))
        {
            // As many samples as a larger picture needs.
            byte fill = random.Of<byte>(0, (byte)'1', (byte)' ', (byte)'\n', 255, random.Byte());
            byte[] more = new byte[random.Spread(13)];
            Array.Fill(more, fill);
            changed = [.. changed, .. more];
        }

        return changed.Length <= MaxLength ? changed : changed[..MaxLength];
    }

    public override string Run(ReadOnlyMemory<byte> input)
    {
        Picture picture = PnmReader.Read(input.Span, s_limits);
        if (picture.PixelCount > s_limits.MaxPixels)
            throw new PromiseBrokenException($"{picture.PixelCount} pixels");
        return $"P{(char)input.Span[1]} {Magnitude(picture.Width)} {Magnitude(picture.Height)}";
    }
}
