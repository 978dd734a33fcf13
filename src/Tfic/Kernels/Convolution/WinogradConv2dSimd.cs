using System.Runtime.CompilerServices;

namespace Tfic.Kernels.Convolution;

/// <summary>The vector rows of <see cref="WinogradConv2d"/>: one text for all vector widths.</summary>
/// <remarks>
/// Lanes are channels: of the input in the first transform, of the output in the second. Between them the 36 elements are
/// 36 products of a matrix [tile][input channel] with a matrix [input channel][output channel], by the tiles of
/// registers of <see cref="Conv2dSimd"/>. A block of tiles goes through all three before the next, so that what is between
/// them stays in the second-level cache, and each element's weights are read once a block.
/// </remarks>
internal static unsafe class WinogradConv2dSimd
{
    private const int Size = WinogradConv2d.Size, TileSize = WinogradConv2d.TileSize;
    private const float A = WinogradConv2d.PointA, B = WinogradConv2d.PointB;

    public static void Run<TVector, TLanes>(
        WinogradConv2d winograd, ReadOnlySpan<float> input, int height, int width, ReadOnlySpan<float> residual,
        Span<float> output, Span<float> scratch, int threads)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        fixed (float* inputStart = input, residualStart = residual, outputStart = output, scratchStart = scratch)
        {
            var planes = new Planes(winograd, inputStart, height, width, residualStart, outputStart);
            if (threads > 1)
            {
                RunParallel<TVector, TLanes>(planes, scratchStart, threads);
                return;
            }

            for (int block = 0; block < planes.Blocks; block++)
                RunBlock<TVector, TLanes>(planes, block, scratchStart);
        }
    }

    private static void RunParallel<TVector, TLanes>(Planes planes, float* scratch, int threads)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        // Whoever is free takes the next block, in memory of its own.
        int taken = 0;
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, worker =>
        {
            for (int block; (block = Interlocked.Increment(ref taken) - 1) < planes.Blocks;)
                RunBlock<TVector, TLanes>(planes, block, scratch + (nint)worker * planes.Winograd.ThreadScratch);
        });
    }

    private static void RunBlock<TVector, TLanes>(in Planes planes, int block, float* scratch)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        WinogradConv2d winograd = planes.Winograd;
        int first = block * winograd.BlockTiles, count = int.Min(winograd.BlockTiles, planes.Tiles - first);
        float* spectrum = (float*)(((nint)scratch + 63) & ~63);
        float* sums = spectrum + WinogradConv2d.Frequencies * winograd.InputStep;
        float* border = sums + WinogradConv2d.Frequencies * winograd.OutputStep;
        float* half = border + WinogradConv2d.Frequencies * winograd.PaddedInputs;
        for (int t = 0; t < count; t++)
            TakeIn<TVector, TLanes>(planes, first + t, spectrum + t * winograd.PaddedInputs, border, half);
        for (int f = 0; f < WinogradConv2d.Frequencies; f++)
        {
            Conv2dSimd.Multiply<TVector, TLanes>(
                winograd.Frequency(f), spectrum + f * winograd.InputStep, winograd.PaddedInputs, count,
                sums + f * winograd.OutputStep, winograd.PaddedOutputs);
        }

        for (int t = 0; t < count; t++)
            GiveOut<TVector, TLanes>(planes, first + t, sums + t * winograd.PaddedOutputs, half);
    }

    /// <summary>The first transform of one tile.</summary>
    private static void TakeIn<TVector, TLanes>(
        in Planes planes, int tile, float* spectrum, float* border, float* half)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        Conv2d layer = planes.Winograd.Layer;
        int channels = layer.InputChannels;
        int top = tile / planes.TilesAcross * TileSize - layer.Padding.Top;
        int left = tile % planes.TilesAcross * TileSize - layer.Padding.Left;
        float* source = planes.Input + ((nint)top * planes.Width + left) * channels;
        nint rowStep = (nint)planes.Width * channels, pixelStep = channels;
        bool isInside = top >= 0 && left >= 0 && top + Size <= planes.Height && left + Size <= planes.Width;
        if (!isInside || channels % TLanes.Count != 0)
        {
            // Zeros stand for what is outside; lanes without a channel hold what multiplies into nothing.
            pixelStep = planes.Winograd.PaddedInputs;
            new Span<float>(border, Size * Size * (int)pixelStep).Clear();
            int firstX = int.Max(0, -left), endX = int.Min(Size, planes.Width - left);
            for (int y = int.Max(0, -top); y < int.Min(Size, planes.Height - top); y++)
            {
                for (int x = firstX; x < endX; x++)
                {
                    new ReadOnlySpan<float>(source + y * rowStep + x * channels, channels)
                        .CopyTo(new Span<float>(border + (y * Size + x) * pixelStep, channels));
                }
            }

            source = border;
            rowStep = Size * pixelStep;
        }

        for (int c = 0; c < channels; c += TLanes.Count)
        {
            Forward<TVector, TLanes>(
                source + c, rowStep, pixelStep, half, spectrum + c, planes.Winograd.InputStep);
        }
    }

    /// <summary>Bᵀ d B of one vector of channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward<TVector, TLanes>(
        float* source, nint rowStep, nint pixelStep, float* half, float* target, nint targetStep)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        for (int x = 0; x < Size; x++)
        {
            Forward<TVector, TLanes>(
                source + x * pixelStep, rowStep, half + x * TLanes.Count, Size * TLanes.Count);
        }

        for (int y = 0; y < Size; y++)
        {
            Forward<TVector, TLanes>(
                half + y * Size * TLanes.Count, TLanes.Count, target + y * Size * targetStep, targetStep);
        }
    }

    /// <summary>Six numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Forward<TVector, TLanes>(float* source, nint step, float* target, nint targetStep)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        TVector d1 = TLanes.Load(source + step), d2 = TLanes.Load(source + 2 * step);
        TVector d3 = TLanes.Load(source + 3 * step), d4 = TLanes.Load(source + 4 * step);
        TVector minusA2 = TLanes.Broadcast(-A * A), minusB2 = TLanes.Broadcast(-B * B);
        TVector p = TLanes.FusedMultiplyAdd(minusB2, d2, d4), q = TLanes.FusedMultiplyAdd(minusB2, d1, d3);
        TVector r = TLanes.FusedMultiplyAdd(minusA2, d2, d4), s = TLanes.FusedMultiplyAdd(minusA2, d1, d3);
        TLanes.Store(TLanes.FusedMultiplyAdd(TLanes.Broadcast(A), q, p), target + targetStep);
        TLanes.Store(TLanes.FusedMultiplyAdd(TLanes.Broadcast(-A), q, p), target + 2 * targetStep);
        TLanes.Store(TLanes.FusedMultiplyAdd(TLanes.Broadcast(B), s, r), target + 3 * targetStep);
        TLanes.Store(TLanes.FusedMultiplyAdd(TLanes.Broadcast(-B), s, r), target + 4 * targetStep);
        TVector product = TLanes.Broadcast(A * A * B * B), minusSum = TLanes.Broadcast(-(A * A + B * B));
        TLanes.Store(
            TLanes.FusedMultiplyAdd(product, TLanes.Load(source), TLanes.FusedMultiplyAdd(minusSum, d2, d4)), target);
        TLanes.Store(
            TLanes.FusedMultiplyAdd(
                product, d1, TLanes.FusedMultiplyAdd(minusSum, d3, TLanes.Load(source + 5 * step))),
            target + 5 * targetStep);
    }

    /// <summary>The second transform of one tile, bias, residual and activation.</summary>
    private static void GiveOut<TVector, TLanes>(in Planes planes, int tile, float* sums, float* half)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        Conv2d layer = planes.Winograd.Layer;
        int top = tile / planes.TilesAcross * TileSize, left = tile % planes.TilesAcross * TileSize;
        int rows = int.Min(TileSize, planes.Rows - top), columns = int.Min(TileSize, planes.Columns - left);
        nint pixelStep = layer.OutputChannels, rowStep = planes.Columns * pixelStep;
        nint origin = ((nint)top * planes.Columns + left) * pixelStep;
        float* whole = half + WinogradConv2d.Frequencies * Lanes512.Count;
        fixed (float* bias = layer.Bias)
        {
            for (int c = 0; c < layer.OutputChannels; c += TLanes.Count)
            {
                Inverse<TVector, TLanes>(sums + c, planes.Winograd.OutputStep, half, whole);
                int channels = int.Min(TLanes.Count, layer.OutputChannels - c);
                for (int y = 0; y < rows; y++)
                {
                    nint at = origin + y * rowStep + c;
                    float* row = whole + y * TileSize * TLanes.Count;
                    if (channels == TLanes.Count)
                        Finish<TVector, TLanes>(planes, row, columns, bias + c, at, pixelStep);
                    else
                        FinishPart(planes, row, TLanes.Count, columns, channels, bias + c, at, pixelStep);
                }
            }
        }
    }

    /// <summary>Aᵀ M A of one vector of channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Inverse<TVector, TLanes>(float* source, nint step, float* half, float* whole)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        for (int x = 0; x < Size; x++)
            Inverse<TVector, TLanes>(source + x * step, Size * step, half + x * TLanes.Count, Size * TLanes.Count);
        for (int y = 0; y < TileSize; y++)
        {
            Inverse<TVector, TLanes>(
                half + y * Size * TLanes.Count, TLanes.Count, whole + y * TileSize * TLanes.Count, TLanes.Count);
        }
    }

    /// <summary>Four numbers of six.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Inverse<TVector, TLanes>(float* source, nint step, float* target, nint targetStep)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        TVector m1 = TLanes.Load(source + step), m2 = TLanes.Load(source + 2 * step);
        TVector m3 = TLanes.Load(source + 3 * step), m4 = TLanes.Load(source + 4 * step);
        TVector minus = TLanes.Broadcast(-1f);
        TVector s = TLanes.Add(m1, m2), e = TLanes.FusedMultiplyAdd(minus, m2, m1);
        TVector t = TLanes.Add(m3, m4), g = TLanes.FusedMultiplyAdd(minus, m4, m3);
        TLanes.Store(TLanes.Add(TLanes.Add(TLanes.Load(source), s), t), target);
        TLanes.Store(
            TLanes.FusedMultiplyAdd(TLanes.Broadcast(B), g, TLanes.Multiply(TLanes.Broadcast(A), e)), target + targetStep);
        TLanes.Store(
            TLanes.FusedMultiplyAdd(TLanes.Broadcast(B * B), t, TLanes.Multiply(TLanes.Broadcast(A * A), s)),
            target + 2 * targetStep);
        TLanes.Store(
            TLanes.FusedMultiplyAdd(
                TLanes.Broadcast(B * B * B), g,
                TLanes.FusedMultiplyAdd(TLanes.Broadcast(A * A * A), e, TLanes.Load(source + 5 * step))),
            target + 3 * targetStep);
    }

    /// <summary>Bias, residual, activation and store of neighbours in a row, a vector of channels each.</summary>
    private static void Finish<TVector, TLanes>(
        in Planes planes, float* row, int columns, float* bias, nint at, nint pixelStep)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        Residual residual = planes.Winograd.Layer.Residual;
        TVector slope = TLanes.Broadcast(planes.Winograd.Layer.NegativeSlope), first = TLanes.Load(bias);
        for (int x = 0; x < columns; x++, at += pixelStep, row += TLanes.Count)
        {
            TVector value = TLanes.Add(TLanes.Load(row), first);
            if (residual == Residual.BeforeActivation)
                value = TLanes.Add(value, TLanes.Load(planes.Residual + at));
            value = TLanes.ScaleNegative(value, slope);
            if (residual == Residual.AfterActivation)
                value = TLanes.Add(value, TLanes.Load(planes.Residual + at));
            TLanes.Store(value, planes.Output + at);
        }
    }

    /// <summary>The same for the channels that do not fill a vector.</summary>
    private static void FinishPart(
        in Planes planes, float* row, int lanes, int columns, int channels, float* bias, nint at, nint pixelStep)
    {
        Conv2d layer = planes.Winograd.Layer;
        for (int x = 0; x < columns; x++, at += pixelStep, row += lanes)
        {
            for (int c = 0; c < channels; c++)
            {
                float value = row[c] + bias[c];
                if (layer.Residual == Residual.BeforeActivation)
                    value += planes.Residual[at + c];
                if (value < 0)
                    value *= layer.NegativeSlope;
                if (layer.Residual == Residual.AfterActivation)
                    value += planes.Residual[at + c];
                planes.Output[at + c] = value;
            }
        }
    }

    /// <summary>Pinned memory of one call.</summary>
    private readonly struct Planes(
        WinogradConv2d winograd, float* input, int height, int width, float* residual, float* output)
    {
        public readonly WinogradConv2d Winograd = winograd;
        public readonly float* Input = input;
        public readonly int Height = height;
        public readonly int Width = width;
        public readonly float* Residual = residual;
        public readonly float* Output = output;
        public readonly int Rows = winograd.Layer.ResultHeight(height);
        public readonly int Columns = winograd.Layer.ResultWidth(width);

        public int TilesAcross => (Columns + TileSize - 1) / TileSize;

        public int Tiles => TilesAcross * ((Rows + TileSize - 1) / TileSize);

        public int Blocks => (Tiles + Winograd.BlockTiles - 1) / Winograd.BlockTiles;
    }
}
