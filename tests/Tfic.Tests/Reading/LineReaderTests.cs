using Tfic.Imaging;
using Tfic.Kernels.Convolution;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Tests.Networks;

namespace Tfic.Tests.Reading;

public sealed class LineReaderTests
{
    private static readonly CompactRecogniser s_model =
        (CompactRecogniser)RecogniserModel.Load(RandomModels.Recogniser(seed: 5));

    [Theory]
    [InlineData(256, 32, 256)]
    [InlineData(10, 32, 256)]
    [InlineData(257, 32, 260)]
    [InlineData(260, 32, 260)]
    [InlineData(512, 256, 256)]
    [InlineData(1000, 32, 1000)]
    [InlineData(1001, 32, 1004)]
    [InlineData(100_000, 1, 2048)]
    [InlineData(1, 1, 256)]
    public void The_input_keeps_the_shape_within_limits(int width, int height, int expected) =>
        Assert.Equal(expected, LineReader.InputWidth(width, height));

    [Fact]
    public void Reading_is_the_network_on_the_stated_input()
    {
        Picture picture = RandomModels.Picture(400, 40, 3, seed: 2);
        var grey = new float[400 * 40];
        for (int i = 0; i < grey.Length; i++)
        {
            grey[i] = 0.299f * picture.Samples[3 * i] + 0.587f * picture.Samples[3 * i + 1]
                + 0.114f * picture.Samples[3 * i + 2];
        }

        float[] input = [.. Resampling.Resize(grey, 400, 40, 1, 320, 32).Select(v => v / 127.5f - 1f)];
        float[] logits = s_model.Logits(input, 320, new Workspace()).ToArray();
        string expected = "";
        int previous = 0;
        for (int frame = 0; frame < 80; frame++)
        {
            float[] scores = logits[(frame * 96)..(frame * 96 + 96)];
            int best = Array.IndexOf(scores, scores.Max());
            if (best != 0 && best != previous)
                expected += RandomModels.Charset[best - 1];
            previous = best;
        }

        ReadLine read = new LineReader(s_model).Read(picture);
        Assert.NotEmpty(expected);
        Assert.Equal(expected, read.Text);
        Assert.Equal(expected.Length, read.Characters.Count);
        Assert.InRange(read.Confidence, 0, 1);
        Assert.Equal(read.Characters.Aggregate(1.0, (p, c) => p * c.Confidence), read.Confidence, 12);
        Assert.Equal(Math.Pow(read.Confidence, 1.0 / expected.Length), read.MeanConfidence, 12);
        Assert.All(read.Characters, c => Assert.InRange(c.Confidence, 1.0 / 96, 1.0));
        Assert.All(read.Characters, c => Assert.InRange(c.Column, 0, 400));
        Assert.Equal(read.Characters.OrderBy(c => c.Column), read.Characters);
    }

    [Fact]
    public void Any_size_is_read_the_same_by_any_reader_on_any_thread()
    {
        Picture[] pictures =
        [
            .. new[] { (1, 1), (1, 300), (300, 30), (37, 53), (37, 53), (512, 256) }
                .Select((size, i) => RandomModels.Picture(size.Item1, size.Item2, 1 + i % 2 * 2, seed: i)),
        ];
        var one = new LineReader(s_model);
        string[] expected = [.. pictures.Select(p => Describe(one.Read(p)))];
        Assert.Contains(expected, text => text.Length > 0);

        Parallel.For(0, 3, i =>
        {
            var reader = new LineReader(s_model, threads: 1 + i % 2);
            for (int k = 0; k < pictures.Length; k++)
            {
                int p = (k + i) % pictures.Length;
                Assert.Equal(expected[p], Describe(reader.Read(pictures[p])));
            }
        });
    }

    [Fact]
    public void Grey_and_equal_colours_read_the_same_up_to_rounding()
    {
        Picture grey = RandomModels.Picture(256, 32, 1, seed: 8);
        var rgb = new Picture(256, 32, 3, [.. grey.Samples.SelectMany(v => new[] { v, v, v })]);
        var reader = new LineReader(s_model);
        Assert.Equal(reader.Read(grey).Text, reader.Read(rgb).Text);
    }

    [SkippableFact]
    public void Only_the_result_is_allocated_after_warming_up()
    {
        Skip.If(
            ReferenceEquals(WinogradConv2d.Variants.Picked, WinogradConv2d.Variants.Reference),
            "Without vector instructions the plain reference runs, which allocates.");
        // Without a character to emit (the blank's bias outweighs all), the result is one small object.
        RecogniserModel blank = RecogniserModel.Load(RandomModels.Recogniser(
            3, "head.bias", [.. Enumerable.Range(0, 96).Select(c => c == 0 ? 1e4f : 0f)]));
        var reader = new LineReader(blank);
        Picture picture = RandomModels.Picture(300, 40, 3, seed: 1);
        Assert.Equal("", reader.Read(picture).Text);

        // The least of several: now and then the runtime allocates too, as when it compiles a method anew.
        long least = Enumerable.Range(0, 5).Min(_ =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            reader.Read(picture);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
        Assert.InRange(least, 0, 512);
    }

    private static string Describe(ReadLine line) =>
        string.Join("", line.Characters.Select(c => $"{c.Text}{c.Confidence:R}@{c.Column:R}"));
}
