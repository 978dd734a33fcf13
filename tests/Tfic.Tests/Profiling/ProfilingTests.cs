using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Kernels.Convolution;
using Tfic.Networks;
using Tfic.Profiling;
using Tfic.Reading;
using Tfic.Tests.Networks;

namespace Tfic.Tests.Profiling;

public sealed class ProfilingTests
{
    [Fact]
    public void Stages_follow_one_another_without_gaps_and_change_no_result()
    {
        Picture picture = RandomModels.Picture(100, 50, 3, seed: 3);
        var clock = new StageClock();
        var encoder = new TficEncoder(RandomCodec.ContextModel, 1, clock);
        clock.Start();
        byte[] file = encoder.Encode(picture, 3);
        Assert.Equal(new TficEncoder(RandomCodec.ContextModel).Encode(picture, 3), file);
        for (int i = 1; i < clock.Spans.Count; i++)
            Assert.Equal(clock.Spans[i - 1].End, clock.Spans[i].Start);
        Assert.Equal(
            [Stage.Convert, Stage.Analysis, Stage.HyperAnalysis, Stage.Prior, Stage.Quantise, Stage.Code],
            clock.Spans.Select(span => span.Stage).Distinct().Order());

        var reader = new LineReader(RecogniserModel.Load(RandomModels.Recogniser(1)), clock: clock);
        clock.Start();
        reader.Read(picture);
        Assert.Equal(
            [Stage.Resize, Stage.Features, Stage.Sequence, Stage.Predict], clock.Spans.Select(span => span.Stage));
    }

    [Fact]
    public void Nothing_but_the_file_is_allocated_to_encode_after_warming_up()
    {
        Picture picture = RandomModels.Picture(200, 100, 3, seed: 3);
        var encoder = new TficEncoder(RandomCodec.ContextModel);
        for (int i = 0; i < 3; i++)
            encoder.Encode(picture, 3);
        long before = GC.GetAllocatedBytesForCurrentThread();
        byte[] file = encoder.Encode(picture, 3);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        // The file, its payload before it is in its place, and what the container notes about a layer.
        Assert.InRange(allocated, file.Length, 3 * file.Length + 1024);
    }

    [SkippableFact]
    public void Nothing_but_the_text_is_allocated_to_read_after_warming_up()
    {
        Skip.If(
            ReferenceEquals(WinogradConv2d.Variants.Picked, WinogradConv2d.Variants.Reference),
            "Without vector instructions the plain reference runs, which allocates.");
        Picture picture = RandomModels.Picture(300, 40, 1, seed: 4);
        var reader = new LineReader(RecogniserModel.Load(RandomModels.Recogniser(1)));
        for (int i = 0; i < 3; i++)
            reader.Read(picture);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ReadLine read = reader.Read(picture);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 0, 512 + 64 * read.Characters.Count);
    }

    [Fact]
    public void Peaks_are_those_of_a_machine_that_computes()
    {
        MachinePeaks peaks = MachinePeaks.Measure();
        Assert.InRange(peaks.Float32, 1e7, 1e13);
        Assert.InRange(peaks.CopiedBytes, 1e6, 1e13);
        if (peaks.Int8 is { } bytes)
            Assert.InRange(bytes, 1e8, 1e14);
        Assert.Equal(3, new Work(6).LeastSeconds(peaks with { Float32 = 2 }));
        Assert.Equal(4, new Work(6, Int8: 3).LeastSeconds(peaks with { Float32 = 2, Int8 = 3 }));
        Assert.Null(new Work(6, BFloat16: 3).LeastSeconds(peaks with { BFloat16 = null }));
    }
}
