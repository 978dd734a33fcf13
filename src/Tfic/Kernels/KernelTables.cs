namespace Tfic.Kernels;

/// <summary>Every kernel of the core: what a forced row is checked against, and what reports list.</summary>
public static class KernelTables
{
    /// <summary>The tables, one a kernel. A new kernel adds its table here.</summary>
    public static IReadOnlyList<VariantTable> All { get; } =
    [
        Dct.BlockDct.ForwardTable,
        Dct.BlockDct.InverseTable,
        Dct.BlockDct.QuantiseTable,
        Convolution.Conv2d.Variants,
        IntegerConvolution.IntegerConvolution.Table,
        RangeCoding.RangeDecoding.Table,
        RangeCoding.RansDecoding.Table,
        Dct.JpegDct.ForwardTable,
        Dct.JpegDct.InverseTable,
    ];
}
