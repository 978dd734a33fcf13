namespace Tfic.Kernels;

/// <summary>Every kernel of the core: what a forced row is checked against, and what reports list.</summary>
public static class KernelTables
{
    /// <summary>The tables, by the names of their folders. A new kernel adds its tables here.</summary>
    public static IReadOnlyList<VariantTable> All { get; } =
    [
        BFloat16Convolution.BFloat16Conv2d.Variants,
        Convolution.Conv2d.Variants,
        Dct.BlockDct.ForwardTable,
        Dct.BlockDct.InverseTable,
        Dct.BlockDct.QuantiseTable,
        Dct.JpegDct.ForwardTable,
        Dct.JpegDct.InverseTable,
        IntegerConvolution.IntegerConvolution.Table,
        JpegColour.ChromaFilter.DoubleTable,
        JpegColour.ChromaFilter.HalveTable,
        JpegColour.JpegColour.FromRgbTable,
        JpegColour.JpegColour.ToRgbTable,
        Pooling.MaxPool.Variants,
        QuantisedConvolution.QuantisedConv2d.Variants,
        RangeCoding.IntervalLookup.Table,
        RangeCoding.RangeDecoding.Table,
        RangeCoding.RansDecoding.Table,
        RangeCoding.RansEncoding.Table,
        Samples.SampleConversion.ToFloatVariants,
        Samples.SampleConversion.ToSamplesVariants,
    ];
}
