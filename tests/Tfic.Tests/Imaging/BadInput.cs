using Tfic.Imaging;

namespace Tfic.Tests.Imaging;

/// <summary>What every reader has to survive.</summary>
internal static class BadInput
{
    // Beyond the limit: tables, the exception and its text, and what the test itself does.
    private const long Slack = 1 << 20;

    /// <summary>A picture of few pixels is no reason for more than this.</summary>
    public static PictureLimits Small { get; } = new(MaxPixels: 10_000, MaxBytes: 200_000);

    public delegate Picture Reader(ReadOnlySpan<byte> bytes, PictureLimits? limits);

    /// <summary>Every beginning of a file, but for the whole of it, is refused.</summary>
    public static void EveryTruncationIsRefused(byte[] file, Reader read)
    {
        for (int length = 0; length < file.Length; length++)
        {
            // A copy of just this length, so that reading beyond it cannot go unnoticed.
            byte[] start = file[..length];
            Assert.Throws<TficFormatException>(() => read(start, Small));
        }
    }

    /// <summary>Whatever a byte is changed to, reading ends well: with a picture or with TficFormatException.</summary>
    /// <returns>How many of the changed files were refused.</returns>
    public static int MutationsEndWell(byte[] file, Reader read, int count, Action<byte[]>? repair = null)
    {
        var random = new Random(file.Length);
        int refused = 0;
        for (int i = 0; i < count; i++)
        {
            byte[] changed = [.. file];
            int at = random.Next(changed.Length);
            changed[at] = random.Next(3) switch
            {
                0 => (byte)(changed[at] ^ (1 << random.Next(8))),
                1 => (byte)random.Next(256),
                _ => 0xFF,
            };
            repair?.Invoke(changed);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Picture picture = read(changed, Small);
                Assert.InRange(picture.PixelCount, 1, Small.MaxPixels);
            }
            catch (TficFormatException)
            {
                refused++;
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Small.MaxBytes + Slack);
        }

        return refused;
    }

    public static TficFormatException Refused(byte[] file, Reader read, string fragment)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var exception = Assert.Throws<TficFormatException>(() => read(file, null));
        Assert.Contains(fragment, exception.Message, StringComparison.Ordinal);
        Assert.InRange(exception.Offset, 0, file.Length);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Slack);
        return exception;
    }
}
