using Tfic.Imaging;

namespace Tfic.Tests.Imaging;

public class PnmTests
{
    [Theory]
    [InlineData("P1\n3 2\n1 0 1\n0 1 0\n", 3, 2, 1, new byte[] { 0, 255, 0, 255, 0, 255 })]
    [InlineData("P1 # comment\n# another\n3 # width\n2\n101010", 3, 2, 1, new byte[] { 0, 255, 0, 255, 0, 255 })]
    [InlineData("P2 2 2 255 0 7 128 255", 2, 2, 1, new byte[] { 0, 7, 128, 255 })]
    [InlineData("P2\r\n2\t2\n3\n0 1 2\n#comment\n3", 2, 2, 1, new byte[] { 0, 85, 170, 255 })]
    [InlineData("P2 2 1 65535 32767 32768", 2, 1, 1, new byte[] { 127, 128 })]
    [InlineData("P3 1 2 15 0 1 2 13 14 15", 1, 2, 3, new byte[] { 0, 17, 34, 221, 238, 255 })]
    public void TextFormsAreRead(string file, int width, int height, int channels, byte[] samples) =>
        TestPictures.AssertEqual(new Picture(width, height, channels, samples), PnmReader.Read(Bytes(file)));

    [Fact]
    public void BinaryFormsAreRead()
    {
        Check("P4\n10 2\n", [0b10101010, 0b01_111111, 0, 0], 10, 2, 1,
            [0, 255, 0, 255, 0, 255, 0, 255, 255, 0, .. Enumerable.Repeat((byte)255, 10)]);
        Check("P5 2 1 255\n", [3, 200], 2, 1, 1, [3, 200]);
        Check("P5 3 1 # c\n100 ", [0, 50, 100], 3, 1, 1, [0, 128, 255]);
        Check("P6 1 1 255\n", [(byte)'#', 10, 32], 1, 1, 3, [35, 10, 32]); // no comments and no space in the raster
        Check("P6 1 1 65535\n", [0, 127, 0, 129, 255, 255], 1, 1, 3, [0, 1, 255]);
        Check("P5 1 1 255\n", [9, 1, 2, 3], 1, 1, 1, [9]); // another picture may follow

        static void Check(string header, byte[] raster, int width, int height, int channels, byte[] samples) =>
            TestPictures.AssertEqual(
                new Picture(width, height, channels, samples), PnmReader.Read([.. Bytes(header), .. raster]));
    }

    [Theory]
    [InlineData("P9 1 1 255 0", "P1 to P6")]
    [InlineData("P5", "truncated")]
    [InlineData("P5 0 1 255 x", "size 0")]
    [InlineData("P5 1 1 0 x", "largest sample is 0")]
    [InlineData("P5 1 1 65536 x", "65536")]
    [InlineData("P5 1 x 255 x", "height is not a number")]
    [InlineData("P5 1 -1 255 x", "height is not a number")]
    [InlineData("P5 99999999999999999999 1 255 x", "width is too large")]
    [InlineData("P5 2147483647 2147483647 255 x", "limit")]
    [InlineData("P5 9999 9999 255\nxyz", "truncated")]
    [InlineData("P5x1 1 255 x", "white space")]
    [InlineData("P5 1 1 100\n\u007fx", "above the largest")]
    [InlineData("P2 1 1 100 101", "above the largest")]
    [InlineData("P1 2 1 12", "neither 0 nor 1")]
    [InlineData("P2 2 2 255 1 2 3 #4", "truncated")]
    public void EveryFaultIsNamed(string file, string fragment) =>
        BadInput.Refused(Bytes(file), PnmReader.Read, fragment);

    [Fact]
    public void TruncationsAndMutationsEndWell()
    {
        foreach (int channels in new[] { 1, 3 })
        {
            using var stream = new MemoryStream();
            PnmWriter.Write(stream, TestPictures.Noise(9, 7, channels));
            BadInput.EveryTruncationIsRefused(stream.ToArray(), PnmReader.Read);
            BadInput.MutationsEndWell(stream.ToArray(), PnmReader.Read, 1000);
        }

        BadInput.EveryTruncationIsRefused(Bytes("P3 # c\n2 1\n255\n1 2 3 4 5 6")[..^1], PnmReader.Read);
        BadInput.MutationsEndWell(Bytes("P1 # c\n3 2\n1 0 1 0 0 1"), PnmReader.Read, 1000);
        BadInput.MutationsEndWell(Bytes("P2 # c\n3 2\n99\n1 0 1 0 0 1"), PnmReader.Read, 1000);
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.Latin1.GetBytes(text);
}
