using System.Security.Cryptography;
using Tfic.Imaging;
using Tfic.Jpeg;
using Tfic.Tests.Imaging;

namespace Tfic.Tests.Jpeg;

public class JpegWriterTests
{
    [Theory]
    [InlineData(1, ChromaSampling.Yuv444)]
    [InlineData(3, ChromaSampling.Yuv444)]
    [InlineData(3, ChromaSampling.Yuv420)]
    public void CoefficientsSurviveTheFile(int channels, ChromaSampling sampling)
    {
        foreach ((int width, int height) in new[] { (1, 1), (8, 8), (17, 9), (40, 33), (16, 16) })
        {
            foreach (int quality in new[] { 1, 50, 100 })
            {
                Picture picture = TestPictures.Noise(width, height, channels);
                JpegCoefficients written = JpegWriter.ToCoefficients(picture, quality, sampling);
                foreach (bool optimise in new[] { false, true })
                {
                    using var stream = new MemoryStream();
                    JpegWriter.Write(stream, written, optimise);
                    JpegCoefficients read = JpegReader.ReadCoefficients(stream.ToArray());
                    Assert.Equal((width, height), (read.Width, read.Height));
                    Assert.Equal(written.ColourSpace, read.ColourSpace);
                    for (int i = 0; i < channels; i++)
                    {
                        Assert.Equal(written.Components[i].Steps, read.Components[i].Steps);
                        Assert.Equal(Coded(written, i), Coded(read, i));
                    }
                }
            }
        }

        // A single component is coded without the blocks that would complete an MCU; there are none here.
        static short[] Coded(JpegCoefficients file, int i) => file.Components[i].Blocks;
    }

    [Theory]
    [InlineData("420")]
    [InlineData("progressive")]
    [InlineData("progressive-restarts")]
    [InlineData("mixed-factors")]
    [InlineData("rgb")]
    [InlineData("grey-progressive")]
    [InlineData("410")]
    public void FilesAreTranscodedWithoutLoss(string name)
    {
        byte[] file = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Jpeg", "Fixtures", name + ".jpg"));
        using var stream = new MemoryStream();
        JpegWriter.Write(stream, JpegReader.ReadCoefficients(file), optimise: true);
        TestPictures.AssertEqual(JpegReader.Read(file), JpegReader.Read(stream.ToArray()));
    }

    [Theory]
    [InlineData(1, ChromaSampling.Yuv420, "grey")]
    [InlineData(3, ChromaSampling.Yuv444, "444")]
    [InlineData(3, ChromaSampling.Yuv420, "420")]
    public void QualityDoesWhatItSays(int channels, ChromaSampling sampling, string name)
    {
        Picture picture = TestPictures.Scene(120, 75, channels);
        double worse = 0;
        long smaller = 0;
        foreach (int quality in new[] { 2, 10, 30, 60, 90, 100 })
        {
            using var stream = new MemoryStream();
            JpegWriter.Write(stream, picture, quality, sampling);
            double psnr = Psnr(picture, JpegReader.Read(stream.ToArray()));
            Assert.True(psnr > worse, $"{name} {quality}: {psnr}");
            Assert.True(stream.Length > smaller, $"{name} {quality}: {stream.Length}");
            (worse, smaller) = (psnr, stream.Length);
        }

        // At steps of 1 only rounding is lost, and where chroma is halved the colour of the scene's sharp edges.
        Assert.InRange(worse, name == "420" ? 25 : name == "444" ? 45 : 50, 70);
    }

    [Fact]
    public void OptimisedCodesAreShorterAndCarryTheSame()
    {
        Picture picture = TestPictures.Scene(200, 150, 3);
        using MemoryStream plain = new(), optimised = new();
        JpegWriter.Write(plain, picture, 60);
        JpegWriter.Write(optimised, picture, 60, optimise: true);
        Assert.True(optimised.Length < plain.Length);
        TestPictures.AssertEqual(JpegReader.Read(plain.ToArray()), JpegReader.Read(optimised.ToArray()));
    }

    [Fact]
    public void SkewedFrequenciesStayWithinSixteenBits()
    {
        // Fibonacci numbers make the deepest Huffman tree; a code without a limit would have 30 bits.
        var frequencies = new long[256];
        long a = 1, b = 1;
        for (int i = 0; i < 30; i++)
            (frequencies[i * 3], a, b) = (a, b, a + b);
        HuffmanEncodingTable table = HuffmanEncodingTable.Optimal(frequencies);
        double kraft = 0;
        for (int symbol = 0; symbol < 256; symbol++)
        {
            Assert.Equal(frequencies[symbol] > 0, table.Lengths[symbol] > 0);
            Assert.InRange(table.Lengths[symbol], 0, 16);
            if (table.Lengths[symbol] > 0)
            {
                kraft += Math.Pow(2, -table.Lengths[symbol]);
                Assert.NotEqual((1 << table.Lengths[symbol]) - 1, table.Codes[symbol]); // all ones are not a code
            }
        }

        Assert.Equal(1 - Math.Pow(2, -16), kraft, 1e-12); // complete, but for the reserved code
    }

    [Fact]
    public void OneSymbolIsEnoughForACode()
    {
        var frequencies = new long[256];
        frequencies[9] = 5;
        HuffmanEncodingTable table = HuffmanEncodingTable.Optimal(frequencies);
        Assert.Equal((1, 0), (table.Lengths[9], table.Codes[9]));
    }

    [Theory]
    [InlineData(50, 16, 99)]
    [InlineData(25, 32, 198)]
    [InlineData(1, 255, 255)]
    [InlineData(90, 3, 20)]
    [InlineData(100, 1, 1)]
    public void QualityScalesTheTables(int quality, int first, int last)
    {
        Assert.Equal(first, JpegQuantisation.Luma(quality)[0]);
        Assert.Equal(last, JpegQuantisation.Luma(quality)[63]);
    }

    [Theory]
    [InlineData(1, ChromaSampling.Yuv444)]
    [InlineData(3, ChromaSampling.Yuv444)]
    [InlineData(3, ChromaSampling.Yuv420)]
    public void PicturesAndTheirCoefficientsMakeTheSameFile(int channels, ChromaSampling sampling)
    {
        // The way without coefficients keeps a row of MCUs and what it had for the last picture: sizes go up and down.
        foreach ((int width, int height) in new[]
                 {
                     (1, 1), (70, 50), (15, 17), (16, 16), (33, 64), (8, 100), (257, 3), (70, 50), (24, 40),
                 })
        {
            foreach (int quality in new[] { 1, 75, 100 })
            {
                Picture picture = quality == 75
                    ? TestPictures.Scene(width, height, channels)
                    : TestPictures.Noise(width, height, channels);
                using MemoryStream direct = new(), kept = new();
                JpegWriter.Write(direct, picture, quality, sampling);
                JpegWriter.Write(kept, JpegWriter.ToCoefficients(picture, quality, sampling));
                Assert.Equal(kept.ToArray(), direct.ToArray());
            }
        }
    }

    [Fact]
    public void CodesReachEveryBitOfTheWindow()
    {
        // Runs of more than sixteen zeros, the longest codes and values of all ones, which make bytes of 0xFF, at all
        // places of the 64 bits that codes are gathered in.
        var random = new Random(4);
        JpegCoefficients file = JpegWriter.ToCoefficients(new Picture(400, 240, 3), 50, ChromaSampling.Yuv420);
        foreach (JpegComponent component in file.Components)
        {
            for (int block = 0; block < component.Blocks.Length; block += 64)
            {
                int rarity = 1 << random.Next(7);
                for (int i = 1; i < 64; i++)
                {
                    if (random.Next(rarity) == 0)
                        component.Blocks[block + i] = (short)((random.Next(3) - 1) * ((1 << random.Next(11)) - 1));
                }

                component.Blocks[block] = (short)((random.Next(3) - 1) * 1023);
            }
        }

        foreach (bool optimise in new[] { false, true })
        {
            using var stream = new MemoryStream();
            JpegWriter.Write(stream, file, optimise);
            JpegCoefficients read = JpegReader.ReadCoefficients(stream.ToArray());
            for (int i = 0; i < 3; i++)
                Assert.Equal(file.Components[i].Blocks, read.Components[i].Blocks);
        }
    }

    [Fact]
    public void NothingIsAllocatedForTheNextPictureOfASize()
    {
        foreach (int channels in new[] { 1, 3 })
        {
            Picture picture = TestPictures.Scene(120, 75, channels);
            using var stream = new MemoryStream(1 << 20);
            long least = long.MaxValue;
            for (int i = 0; i < 5; i++)
            {
                stream.SetLength(0);
                long before = GC.GetAllocatedBytesForCurrentThread();
                JpegWriter.Write(stream, picture, 75);
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            Assert.Equal(0, least);
        }
    }

    [Fact]
    public void FilesAreTheSameEverywhere()
    {
        // Integer arithmetic all the way: the bytes are pinned. They are those of libjpeg-turbo 2.1.5 for the same
        // picture, `cjpeg -dct int -quality 75`.
        using var stream = new MemoryStream();
        Picture picture = TestPictures.Noise(50, 30, 3, seed: 5);
        JpegWriter.Write(stream, picture, 75);
        Assert.Equal(
            "9ce18ece42bf5b5b8f353925094bdbfb994db8455736f30b528ab8006b3d5775",
            Convert.ToHexStringLower(SHA256.HashData(stream.ToArray())));
    }

    [Fact]
    public void WhatCannotBeWrittenIsRefused()
    {
        var picture = new Picture(4, 4, 3);
        Assert.Throws<ArgumentOutOfRangeException>(() => JpegWriter.Write(Stream.Null, picture, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => JpegWriter.Write(Stream.Null, picture, 101));
        Assert.Throws<ArgumentOutOfRangeException>(() => JpegWriter.Write(Stream.Null, new Picture(65536, 1, 1)));
        JpegCoefficients large = JpegWriter.ToCoefficients(picture);
        large.Components[0].Blocks[5] = 1024;
        Assert.Throws<ArgumentException>(() => JpegWriter.Write(Stream.Null, large));
        JpegCoefficients steps = JpegWriter.ToCoefficients(picture);
        steps.Components[0].Steps[5] = 256;
        Assert.Throws<ArgumentException>(() => JpegWriter.Write(Stream.Null, steps));
    }

    private static double Psnr(Picture a, Picture b)
    {
        double sum = 0;
        for (int i = 0; i < a.Samples.Length; i++)
            sum += Math.Pow(a.Samples[i] - b.Samples[i], 2);
        return 10 * Math.Log10(255 * 255 * a.Samples.Length / sum);
    }
}
