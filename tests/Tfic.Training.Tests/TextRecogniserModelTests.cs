using Tfic.Kernels.GridSampling;
using Tfic.Kernels.Pooling;
using Tfic.Kernels.Resizing;
using Tfic.Networks;
using Tfic.Networks.Recognition;
using Tfic.Training.Networks;
using Tfic.Training.Networks.Recognition;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Tests;

/// <summary>The published recognisers on the core beside the same in TorchSharp, whole and layer by layer.</summary>
public sealed class TextRecogniserModelTests : TorchTests
{
    private const int Height = 32, Width = 100;

    public static TheoryData<bool, Features, bool, Prediction> All() => TextRecogniserTests.All();

    [SkippableTheory]
    [MemberData(nameof(All))]
    public void Every_combination_computes_what_torch_does(
        bool transformation, Features features, bool sequence, Prediction prediction)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        const int Lines = 2;
        var network = new TextRecogniser(
            new TextRecogniserOptions(transformation, features, sequence, prediction, prediction == Prediction.Ctc ? 37 : 38)
            {
                FeatureChannels = 32,
                HiddenSize = 20,
            });
        PublishedWeights.Fill(network, "GridGenerator");
        network.eval();
        Tensor input = Words(Lines);
        var writer = new PyTorchWriter();
        foreach ((string name, Tensor value) in network.state_dict())
        {
            (TensorType type, byte[] bytes, int[] shape) = StateDict.ToBytes(value);
            writer.Add("module." + name, type, bytes, shape);
        }

        IReadOnlyDictionary<string, (float[] Values, int[] Shape)> actual =
            NetworkRun.Deployed(writer.ToArray(), Inputs(input))!;

        // In float32 torch's spline is off by some 5e-4 of a pixel itself: it multiplies its two tables, whose terms are ten
        // times the result, with the points one after the other.
        network.to(ScalarType.Float64);
        IReadOnlyDictionary<string, Tensor> expected = network.Stages(input.to(ScalarType.Float64));
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach ((string name, (float[] values, int[] shape)) in actual)
        {
            Assert.Equal(expected[name].shape, shape.Select(size => (long)size));
            Close(expected[name], values, 1e-4, name);
        }

        // Words differ, or nothing would be compared.
        Assert.False(expected["logits"][0].allclose(expected["logits"][1], 1e-3, 1e-3));
    }

    [SkippableFact]
    public void A_model_of_full_size_is_imported_and_read_by_its_published_characters()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        var network = new TextRecogniser(new TextRecogniserOptions());
        PublishedWeights.Fill(network, "GridGenerator");
        network.eval();
        var writer = new SafetensorsWriter();
        foreach ((string name, Tensor value) in network.state_dict())
        {
            (TensorType type, byte[] bytes, int[] shape) = StateDict.ToBytes(value);
            writer.Add(name, type, bytes, shape);
        }

        var model = Assert.IsType<TextRecogniserModel>(RecogniserModel.Load(writer.ToArray()));
        Assert.Equal(TextRecogniserOptions.LowerCase, string.Concat(model.Characters));
        Assert.Equal("TPS-ResNet-BiLSTM-Attn", model.Name);
        Tensor input = Words(1);
        Close(network.Read(input), model.Logits(Values(input), Width, 1, new Workspace()), 1e-4, "logits");
    }

    [SkippableFact]
    public void A_recurrent_layer_is_torchs()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        foreach ((int inputs, int units, int outputs, int lines, int count) in new[]
        {
            (1, 1, 1, 1, 1), (7, 17, 5, 3, 4), (33, 16, 9, 2, 11), (8, 70, 31, 1, 26),
        })
        {
            var torchs = new Tfic.Training.Networks.Recognition.BidirectionalLstm(inputs, units, outputs);
            PublishedWeights.Fill(torchs);
            var own = new Tfic.Networks.Recognition.BidirectionalLstm(
                Tfic.Networks.PublishedWeights.Of(State(torchs, "s.")), "s", inputs, units, outputs);
            Tensor frames = PublishedWeights.Input("frames", lines, count, inputs) * 3;
            var output = new float[lines * count * outputs];
            own.Run(Values(frames), lines, count, new Workspace(), output);
            Close(torchs.call(frames), output, 1e-6, $"{inputs} → {units}");
        }
    }

    [SkippableFact]
    public void Attention_is_torchs_and_may_stop_where_all_words_have_ended()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        const int Channels = 21, Lines = 3, Count = 19;
        var options = new TextRecogniserOptions(ClassCount: 9) { HiddenSize = 18, MaxLength = 6 };
        var torchs = new AttentionPrediction(Channels, options.HiddenSize, options.ClassCount, options.MaxLength);
        PublishedWeights.Fill(torchs);
        var own = new AttentionDecoder(
            Tfic.Networks.PublishedWeights.Of(State(torchs, "Prediction.")), options, Channels);
        Tensor frames = PublishedWeights.Input("frames", Lines, Count, Channels) * 4;
        float[] attention = new float[Lines * own.Steps * Count], logits = new float[Lines * own.Steps * options.ClassCount];
        own.Run(Values(frames), Lines, Count, new Workspace(), attention, logits, stopsAtEnd: false);
        Close(torchs.call(frames, null), logits, 1e-5, "logits");
        Assert.All(attention.Chunk(Count), weights => Assert.Equal(1, weights.Sum(), 5));

        // With the end made likely, every word has it at once, and nothing follows.
        using (no_grad())
            torchs.state_dict()["generator.bias"][AttentionDecoder.End] = tensor(1000f);
        own = new AttentionDecoder(Tfic.Networks.PublishedWeights.Of(State(torchs, "Prediction.")), options, Channels);
        var stopped = new float[logits.Length];
        own.Run(Values(frames), Lines, Count, new Workspace(), attention, stopped, stopsAtEnd: true);
        own.Run(Values(frames), Lines, Count, new Workspace(), attention, logits, stopsAtEnd: false);
        int each = own.Steps * options.ClassCount;
        for (int i = 0; i < logits.Length; i++)
            Assert.Equal(i % each < options.ClassCount ? logits[i] : 0, stopped[i]);
    }

    [SkippableFact]
    public void Grid_sampling_is_torchs()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach ((int channels, int height, int width) in new[] { (1, 32, 100), (3, 5, 7), (1, 1, 1) })
        {
            const int Places = 237;
            Tensor picture = PublishedWeights.Input("picture", 1, channels, height, width);
            Tensor grid = PublishedWeights.Input("grid", 1, 1, Places, 2) * 1.3;
            Tensor expected = functional.grid_sample(
                picture, grid, GridSampleMode.Bilinear, GridSamplePaddingMode.Border, align_corners: true);
            var output = new float[Places * channels];
            GridSample.Run(
                Values(picture.permute(0, 2, 3, 1)), height, width, channels, Values(grid.select(3, 0)),
                Values(grid.select(3, 1)), output);

            // Positions of up to 100 have 17 binary places, and neighbours differ by up to 2.
            Close(expected.permute(0, 2, 3, 1), output, 2e-5, $"{channels} × {height} × {width}");
        }
    }

    [SkippableFact]
    public void Bilinear_resizing_is_torchs()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach ((int channels, int height, int width, int rows, int columns) in new[]
        {
            (5, 4, 6, 8, 12), (16, 7, 5, 13, 11), (3, 9, 8, 4, 3), (2, 1, 3, 5, 1), (32, 16, 24, 33, 47),
        })
        {
            foreach (bool alignCorners in new[] { false, true })
            {
                Tensor input = PublishedWeights.Input("features", 1, channels, height, width);
                Tensor expected = functional.interpolate(
                    input, [rows, columns], mode: InterpolationMode.Bilinear, align_corners: alignCorners);
                var output = new float[rows * columns * channels];
                BilinearResize.Run(
                    Values(input.permute(0, 2, 3, 1)), height, width, channels, output, rows, columns, alignCorners);
                Close(expected.permute(0, 2, 3, 1), output, 1e-5, $"{height} × {width} → {rows} × {columns}");
            }
        }
    }

    [SkippableFact]
    public void Pooling_with_strides_and_padding_is_torchs()
    {
        using DisposeScope scope = NewDisposeScope();
        const int Channels = 5, Rows = 8, Columns = 25;
        Tensor input = PublishedWeights.Input("features", 1, Channels, Rows, Columns);
        foreach ((MaxPool2d torchs, PoolingWindow window) in new[]
        {
            (MaxPool2d((2, 2), (2, 1), (0, 1)), new PoolingWindow(2, 2) { ColumnStride = 1, ColumnPadding = 1 }),
            (MaxPool2d((2, 1), (2, 1)), new PoolingWindow(2, 1)),
            (MaxPool2d(3, 1, 1), new(3, 3) { RowStride = 1, ColumnStride = 1, RowPadding = 1, ColumnPadding = 1 }),
        })
        {
            Tensor expected = torchs.call(input).permute(0, 2, 3, 1).contiguous();
            var output = new float[expected.numel()];
            MaxPool.Run(Values(input.permute(0, 2, 3, 1)), Rows, Columns, Channels, window, output);
            Assert.Equal(expected.data<float>().ToArray(), output);
        }
    }

    /// <summary>Strokes on paper, as words are: noise would magnify what the spline's coordinates leave of rounding.</summary>
    private static Tensor Words(int lines)
    {
        var values = new float[lines * Height * Width];
        for (int i = 0; i < values.Length; i++)
        {
            int line = i / (Height * Width), y = i / Width % Height, x = i % Width;
            double stroke = Math.Sin(0.31 * x * (1 + 0.3 * line)) * Math.Cos(0.2 * (y - 16) + 0.05 * x);
            values[i] = (float)Math.Tanh(3 * stroke);
        }

        return tensor(values, [lines, 1, Height, Width]);
    }

    private static Dictionary<string, StoredTensor> Inputs(Tensor input)
    {
        var writer = new SafetensorsWriter();
        writer.AddFloat32("input", Values(input), Array.ConvertAll(input.shape, size => (int)size));
        return new(SafetensorsFile.Read(writer.ToArray()).Tensors);
    }

    private static IReadOnlyDictionary<string, StoredTensor> State(nn.Module module, string prefix)
    {
        var writer = new SafetensorsWriter();
        foreach ((string name, Tensor value) in module.state_dict())
        {
            (TensorType type, byte[] bytes, int[] shape) = StateDict.ToBytes(value);
            writer.Add(prefix + name, type, bytes, shape);
        }

        return SafetensorsFile.Read(writer.ToArray()).Tensors;
    }

    private static float[] Values(Tensor tensor) =>
        tensor.detach().to(ScalarType.Float32).contiguous().data<float>().ToArray();

    /// <summary>Asserts values within a part of the range that the expected ones have.</summary>
    private static void Close(Tensor expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        float[] values = Values(expected);
        Assert.Equal(values.Length, actual.Length);
        double range = values.Max(Math.Abs), error = 0;
        for (int i = 0; i < values.Length; i++)
            error = Math.Max(error, Math.Abs((double)values[i] - actual[i]));
        Assert.True(range > 0 && error <= tolerance * range, $"{what}: off by {error}, range {range}.");
    }
}
