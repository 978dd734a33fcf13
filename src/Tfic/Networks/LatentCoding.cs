using Tfic.Kernels.RangeCoding;
using Tfic.Profiling;

namespace Tfic.Networks;

/// <summary>
/// How the latents of a layer become symbols and come back: ẑ, then the anchors of ŷ, then the others, each run with
/// the tables that the prior chooses by what has been coded before it. Reuses its memory; one for each thread.
/// </summary>
/// <param name="clock">Notes when the stages of encoding end; null for none.</param>
internal sealed class LatentCoding(StageClock? clock = null)
{
    private readonly IntegerPriorWorkspace _workspace = new();
    private int[] _hyper = [];
    private byte[] _hyperTables = [];
    private int[] _latents = [];
    private byte[] _scales = [];
    private int[] _values = [];
    private byte[] _tables = [];

    /// <summary>Adds a layer's symbols to an encoder.</summary>
    /// <param name="prior">The model's.</param>
    /// <param name="grid">The picture's.</param>
    /// <param name="quality">Quality byte.</param>
    /// <param name="hyper">z, positions × channels; is rounded, and clamped to −128…127.</param>
    /// <param name="latents">y', rows × columns × channels.</param>
    /// <param name="symbols">The encoder.</param>
    /// <returns>ŷ' in 1/64, as the decoder will have it; valid until the next call.</returns>
    public ReadOnlySpan<int> Encode(
        IntegerPrior prior,
        LatentGrid grid,
        int quality,
        ReadOnlySpan<float> hyper,
        ReadOnlySpan<float> latents,
        SymbolEncoder symbols)
    {
        Reserve(prior, grid);
        Span<int> rounded = HyperValues(prior, grid);
        for (int i = 0; i < rounded.Length; i++)
            rounded[i] = Math.Clamp(Round(hyper[i], 128), sbyte.MinValue, sbyte.MaxValue);
        clock?.End(Stage.Quantise);
        symbols.Add(prior.HyperTables, HyperTables(prior, grid), rounded);
        clock?.End(Stage.Code);
        Span<int> decoded = EvaluateAnchors(prior, grid, quality);
        clock?.End(Stage.Prior);
        EncodeColour(prior, grid, 0, latents, decoded, symbols);
        clock?.End(Stage.Code);
        EvaluateOthers(prior, grid, decoded);
        clock?.End(Stage.Prior);
        EncodeColour(prior, grid, 1, latents, decoded, symbols);
        clock?.End(Stage.Code);
        return decoded;
    }

    /// <summary>Takes a layer's symbols from a decoder.</summary>
    /// <param name="prior">The model's.</param>
    /// <param name="grid">The picture's.</param>
    /// <param name="quality">Quality byte.</param>
    /// <param name="symbols">The decoder, at the layer's beginning.</param>
    /// <param name="offset">Where the layer lies in its file, for messages.</param>
    /// <returns>ŷ' in 1/64, rows × columns × channels; valid until the next call.</returns>
    /// <exception cref="TficFormatException">The symbols are damaged.</exception>
    public ReadOnlySpan<int> Decode(
        IntegerPrior prior, LatentGrid grid, int quality, SymbolDecoder symbols, long offset)
    {
        Reserve(prior, grid);
        Span<int> hyper = HyperValues(prior, grid);
        symbols.Decode(prior.HyperTables, HyperTables(prior, grid), hyper);
        if (hyper.ContainsAnyExceptInRange(sbyte.MinValue, sbyte.MaxValue))
            throw OutOfRange("ẑ", offset);
        Span<int> decoded = EvaluateAnchors(prior, grid, quality);
        DecodeColour(prior, grid, 0, decoded, symbols, offset);
        EvaluateOthers(prior, grid, decoded);
        DecodeColour(prior, grid, 1, decoded, symbols, offset);
        return decoded;
    }

    private void EncodeColour(
        IntegerPrior prior,
        LatentGrid grid,
        int colour,
        ReadOnlySpan<float> latents,
        Span<int> decoded,
        SymbolEncoder symbols)
    {
        int channels = prior.LatentChannels;
        Span<byte> tables = Tables(prior, grid, colour);
        Span<int> values = _values.AsSpan(0, tables.Length);
        int next = 0;
        for (int y = 0; y < grid.CodedRows; y++)
        {
            for (int x = (y + colour) & 1; x < grid.CodedColumns; x += 2)
            {
                int at = ((y * grid.Columns) + x) * channels;
                ReadOnlySpan<float> from = latents.Slice(at, channels);
                Span<int> mean = decoded.Slice(at, channels);
                Span<int> to = values.Slice(next, channels);
                next += channels;
                for (int c = 0; c < to.Length; c++)
                {
                    int symbol = Round(from[c] - (mean[c] * (1 / 64f)), LatentGrid.MaxSymbol);
                    to[c] = symbol;
                    mean[c] += 64 * symbol;
                }
            }
        }

        clock?.End(Stage.Quantise);
        symbols.Add(prior.LatentTables, tables, values);
    }

    private void DecodeColour(
        IntegerPrior prior, LatentGrid grid, int colour, Span<int> decoded, SymbolDecoder symbols, long offset)
    {
        int channels = prior.LatentChannels;
        Span<byte> tables = Tables(prior, grid, colour);
        Span<int> values = _values.AsSpan(0, tables.Length);
        symbols.Decode(prior.LatentTables, tables, values);
        if (values.ContainsAnyExceptInRange(-LatentGrid.MaxSymbol, LatentGrid.MaxSymbol))
            throw OutOfRange("ŷ", offset);
        int next = 0;
        for (int y = 0; y < grid.CodedRows; y++)
        {
            for (int x = (y + colour) & 1; x < grid.CodedColumns; x += 2)
            {
                Span<int> to = decoded.Slice(((y * grid.Columns) + x) * channels, channels);
                ReadOnlySpan<int> from = values.Slice(next, channels);
                next += channels;
                for (int c = 0; c < to.Length; c++)
                    to[c] += 64 * from[c];
            }
        }
    }

    /// <summary>The first pass; from here on the latents hold means, which symbols turn into ŷ'.</summary>
    private Span<int> EvaluateAnchors(IntegerPrior prior, LatentGrid grid, int quality)
    {
        int count = grid.Rows * grid.Columns * prior.LatentChannels;
        Span<int> latents = _latents.AsSpan(0, count);
        prior.Evaluate(
            HyperValues(prior, grid),
            grid.HyperRows,
            grid.HyperColumns,
            quality,
            _workspace,
            latents,
            _scales.AsSpan(0, count));
        return latents;
    }

    private void EvaluateOthers(IntegerPrior prior, LatentGrid grid, Span<int> latents) => prior.EvaluateOthers(
        grid.CodedRows, grid.CodedColumns, _workspace, latents, _scales.AsSpan(0, latents.Length));

    private Span<byte> Tables(IntegerPrior prior, LatentGrid grid, int colour)
    {
        int channels = prior.LatentChannels;
        Span<byte> tables = _tables.AsSpan(0, (colour == 0 ? grid.Anchors : grid.Others) * channels);
        grid.Gather<byte>(_scales, channels, colour, tables);
        return tables;
    }

    private Span<int> HyperValues(IntegerPrior prior, LatentGrid grid) =>
        _hyper.AsSpan(0, grid.HyperPositions * prior.HyperChannels);

    private Span<byte> HyperTables(IntegerPrior prior, LatentGrid grid)
    {
        Span<byte> tables = _hyperTables.AsSpan(0, grid.HyperPositions * prior.HyperChannels);
        for (int i = 0; i < tables.Length; i++)
            tables[i] = (byte)(i % prior.HyperChannels);
        return tables;
    }

    private void Reserve(IntegerPrior prior, LatentGrid grid)
    {
        int hyper = checked(grid.HyperPositions * prior.HyperChannels);
        Grow(ref _hyper, hyper);
        Grow(ref _hyperTables, hyper);
        int latents = checked(grid.Rows * grid.Columns * prior.LatentChannels);
        Grow(ref _latents, latents);
        Grow(ref _scales, latents);
        int coded = grid.Anchors * prior.LatentChannels;
        Grow(ref _values, coded);
        Grow(ref _tables, coded);
    }

    /// <summary>To nearest, ties to even; within ± most; 0 for what is no number.</summary>
    private static int Round(float value, int most) =>
        float.IsNaN(value) ? 0 : (int)Math.Clamp(MathF.Round(value), -most, most);

    private static TficFormatException OutOfRange(string what, long offset) => new(
        $"A value of {what} is out of range. The file is damaged; get it again.", offset);

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
            array = new T[length];
    }
}
