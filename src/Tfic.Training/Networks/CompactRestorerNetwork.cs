using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks;

/// <summary>
/// The compact restorer: predicts, as DnCNN does, what to take away from a picture, but looks at it one JPEG block at a
/// time.
/// </summary>
/// <remarks>
/// <code>
/// 1 − x ─ unshuffle 8 ─ conv 3×3 ─ N × (x + 1×1(relu(3×3 x))) ─ 1×1, relu, shuffle 2 ─┬─ 2 × (…) ─ 3×3, shuffle 4 ─ r
/// 1 − x ─ unshuffle 4 ─ conv 3×3 ─────────────────────────────────────────────────────┘
/// </code>
/// At quality 1 a block of 8 × 8 pixels has two or three coefficients left, and they mean something only beside those of
/// the blocks around them: a word is four to ten blocks wide. One position for each block, with many channels, sees as
/// far with 12 layers as a chain of 96 at full size, for a fifth of DnCNN's multiply-adds. Ink is 1 and paper 0, so the
/// zeros around a picture are paper. Pictures begin where a block does.
/// </remarks>
public sealed class CompactRestorerNetwork : Module<Tensor, Tensor>
{
    /// <summary>Pixels of a block's side.</summary>
    public const int BlockSize = 8;

    /// <summary>Channels of the part at a quarter of the picture's size.</summary>
    public const int FineFeatures = 64;

    private const int FineBlocks = 2, FineSize = 4;

#pragma warning disable IDE1006 // field names are the names in the state_dict
    private readonly NormalisedConvolution head;
    private readonly ModuleList<RestorerBlock> body = ModuleList<RestorerBlock>();
    private readonly Convolution up;
    private readonly Convolution skip = new(FineSize * FineSize, FineFeatures, (3, 3));
    private readonly ModuleList<RestorerBlock> fine = ModuleList<RestorerBlock>();
    private readonly Convolution tail = new(FineFeatures, FineSize * FineSize, (3, 3), gain: 0.1);
#pragma warning restore IDE1006

    /// <summary>Makes the network with random weights.</summary>
    /// <param name="features">Channels of the part at an eighth of the picture's size.</param>
    /// <param name="blocks">Residual blocks there.</param>
    public CompactRestorerNetwork(int features = 256, int blocks = 12)
        : base(nameof(CompactRestorerNetwork))
    {
        (Features, Blocks) = (features, blocks);
        head = new NormalisedConvolution(BlockSize * BlockSize, features, (3, 3));
        for (int i = 0; i < blocks; i++)
            body.Add(new RestorerBlock(features));
        up = new Convolution(features, 4 * FineFeatures, (1, 1));
        for (int i = 0; i < FineBlocks; i++)
            fine.Add(new RestorerBlock(FineFeatures));
        RegisterComponents();
    }

    /// <summary>Channels at an eighth of the picture's size.</summary>
    public int Features { get; }

    /// <summary>Residual blocks there.</summary>
    public int Blocks { get; }

    /// <summary>The layers with batch normalisation, by their exported names.</summary>
    public IEnumerable<(string Name, NormalisedConvolution Layer)> Normalised =>
    [
        (nameof(head), head),
        .. body.Select((block, i) => ($"{nameof(body)}{i}.conv0", block.First)),
        .. fine.Select((block, i) => ($"{nameof(fine)}{i}.conv0", block.First)),
    ];

    /// <summary>The layers without, by their exported names.</summary>
    public IEnumerable<(string Name, Convolution Layer)> Plain =>
    [
        .. body.Select((block, i) => ($"{nameof(body)}{i}.conv1", block.Second)),
        (nameof(up), up), (nameof(skip), skip),
        .. fine.Select((block, i) => ($"{nameof(fine)}{i}.conv1", block.Second)),
        (nameof(tail), tail),
    ];

    /// <summary>Takes the predicted residual away.</summary>
    /// <param name="input">[B, 1, H, W], 0 (black) … 1 (white).</param>
    /// <returns>x − r(x), of the same shape. Float32.</returns>
    public override Tensor forward(Tensor input)
    {
        (long height, long width) = (input.shape[2], input.shape[3]);
        if (height % BlockSize != 0 || width % BlockSize != 0)
        {
            // Blocks at the edges are filled with paper.
            Tensor whole = functional.pad(
                input, [0, Spare(width), 0, Spare(height)], PaddingModes.Constant, 1);
            return forward(whole).narrow(2, 0, height).narrow(3, 0, width);
        }

        return Draw(input, FeaturesOf(input));
    }

    /// <summary>What the network knows of each block.</summary>
    /// <param name="input">[B, 1, H, W], sides of whole blocks.</param>
    /// <returns>[B, <see cref="Features"/>, H/8, W/8].</returns>
    public Tensor FeaturesOf(Tensor input)
    {
        Tensor blocks = functional.pixel_unshuffle(1 - input, BlockSize);
        Tensor x = functional.relu(head.call(DnCnn.ChannelsLast(blocks)));
        foreach (RestorerBlock block in body)
            x = block.call(x);
        return x;
    }

    /// <summary>The restored picture from what is known of its blocks; arguments and result as of the whole.</summary>
    public Tensor Draw(Tensor input, Tensor features)
    {
        Tensor ink = 1 - input;
        Tensor x = functional.pixel_shuffle(functional.relu(up.call(features)), 2);
        x = DnCnn.ChannelsLast(x) + skip.call(DnCnn.ChannelsLast(functional.pixel_unshuffle(ink, FineSize)));
        foreach (RestorerBlock block in fine)
            x = block.call(x);
        return input - functional.pixel_shuffle(tail.call(x), FineSize).to(ScalarType.Float32);
    }

    /// <summary>Sets the arithmetic of all convolutions but the last to float32 or bfloat16.</summary>
    /// <remarks>The last one's sum is the picture itself, which eight bits would make coarse.</remarks>
    public void SetPrecision(ScalarType precision)
    {
        foreach ((_, NormalisedConvolution layer) in Normalised)
            layer.Convolution.Precision = precision;
        foreach ((_, Convolution layer) in Plain)
            layer.Precision = precision;
        tail.Precision = ScalarType.Float32;
    }

    /// <summary>The same function, each normalisation taken over by the convolution before it and left as identity.</summary>
    public CompactRestorerNetwork Fold()
    {
        using IDisposable guard = no_grad();
        var folded = new CompactRestorerNetwork(Features, Blocks);
        foreach (((_, NormalisedConvolution source), (_, NormalisedConvolution target)) in
            Normalised.Zip(folded.Normalised))
        {
            (Tensor weight, Tensor bias) = source.Fold();
            target.LoadFolded(weight, bias);
        }

        foreach (((_, Convolution source), (_, Convolution target)) in Plain.Zip(folded.Plain))
        {
            target.Weight.copy_(source.Weight);
            target.Bias!.copy_(source.Bias!);
        }

        folded.eval();
        return folded;
    }

    private static long Spare(long pixels) => (BlockSize - pixels % BlockSize) % BlockSize;
}

/// <summary>
/// A compact restorer that also says which character stands where; the head that says so serves its training and is not
/// exported.
/// </summary>
internal sealed class LetterReader : Module
{
    // Cells of a block, across and down.
    private const int Across = CompactRestorerNetwork.BlockSize / Data.LetterTargets.CellWidth,
        Down = CompactRestorerNetwork.BlockSize / Data.LetterTargets.CellHeight;

#pragma warning disable IDE1006
    private readonly CompactRestorerNetwork restorer;
    private readonly Convolution letters;
#pragma warning restore IDE1006

    /// <summary>Adds a head to a restorer.</summary>
    public LetterReader(CompactRestorerNetwork restorer)
        : base(nameof(LetterReader))
    {
        this.restorer = restorer;
        letters = new Convolution(restorer.Features, Charset.ClassCount * Across * Down, (1, 1), gain: 0.5)
        {
            Precision = restorer.Plain.First().Layer.Precision,
        };
        RegisterComponents();
    }

    /// <summary>Restores, and names the characters.</summary>
    /// <param name="input">[B, 1, H, W], sides of whole blocks.</param>
    /// <returns>The restored picture, and logits [B · H/4 · W/2, classes], a row for each cell.</returns>
    public (Tensor Restored, Tensor Logits) Run(Tensor input)
    {
        Tensor features = restorer.FeaturesOf(input);
        Tensor cells = letters.call(features);
        (long batch, long rows, long columns) = (cells.shape[0], cells.shape[2], cells.shape[3]);
        Tensor logits = cells.view(batch, Down, Across, Charset.ClassCount, rows, columns).permute(0, 4, 1, 5, 2, 3)
            .reshape(batch * rows * Down * columns * Across, Charset.ClassCount).to(ScalarType.Float32);
        return (restorer.Draw(input, features), logits);
    }
}

/// <summary>x + 1×1(relu(norm(3×3 x))).</summary>
public sealed class RestorerBlock : Module<Tensor, Tensor>
{
#pragma warning disable IDE1006
    private readonly NormalisedConvolution conv0;
    private readonly Convolution conv1;
#pragma warning restore IDE1006

    /// <summary>Makes the block.</summary>
    /// <param name="channels">Channels in and out.</param>
    public RestorerBlock(long channels)
        : base(nameof(RestorerBlock))
    {
        conv0 = new NormalisedConvolution(channels, channels, (3, 3));
        conv1 = new Convolution(channels, channels, (1, 1), gain: 0.3);
        RegisterComponents();
    }

    /// <summary>The 3 × 3 convolution with its normalisation.</summary>
    public NormalisedConvolution First => conv0;

    /// <summary>The 1 × 1 convolution.</summary>
    public Convolution Second => conv1;

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => x + conv1.call(functional.relu(conv0.call(x)));
}
