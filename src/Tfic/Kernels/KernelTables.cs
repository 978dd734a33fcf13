namespace Tfic.Kernels;

/// <summary>Every kernel of the core: what a forced row is checked against, and what reports list.</summary>
public static class KernelTables
{
    /// <summary>The tables, by the names of their folders. A new kernel adds its tables here.</summary>
    public static IReadOnlyList<VariantTable> All { get; } =
    [
        Activation.Gelu.Variants,
        Attention.AdditiveAttention.Variants,
        Attention.NeighbourhoodAttention.Variants,
        BFloat16Convolution.BFloat16Conv2d.Variants,
        Convolution.Conv2d.Variants,
        Convolution.WinogradConv2d.Variants,
        Dct.BlockDct.ForwardTable,
        Dct.BlockDct.InverseTable,
        Dct.BlockDct.QuantiseTable,
        Dct.JpegDct.ForwardTable,
        Dct.JpegDct.InverseTable,
        GatedConvolution.GatedUpdate.Variants,
        GridSampling.GridSample.Variants,
        IntegerConvolution.IntegerConvolution.Table,
        JpegColour.ChromaFilter.DoubleTable,
        JpegColour.ChromaFilter.HalveTable,
        JpegColour.JpegColour.FromRgbTable,
        JpegColour.JpegColour.ToRgbTable,
        Lstm.LstmCell.Variants,
        Normalisation.LayerNorm.Variants,
        Pooling.MaxPool.Variants,
        QuantisedConvolution.QuantisedConv2d.Variants,
        RangeCoding.IntervalLookup.Table,
        RangeCoding.RangeDecoding.Table,
        RangeCoding.RansDecoding.Table,
        RangeCoding.RansEncoding.Table,
        Resizing.BilinearResize.Variants,
        Samples.SampleConversion.ToFloatVariants,
        Samples.SampleConversion.ToSamplesVariants,
    ];
}
