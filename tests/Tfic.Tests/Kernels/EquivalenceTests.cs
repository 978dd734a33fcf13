using Tfic.Kernels;

namespace Tfic.Tests.Kernels;

[Collection(VariantChoiceCollection.Name)]
public sealed class EquivalenceTests
{
    [Fact]
    public void Every_row_of_every_kernel_is_compared_and_agrees()
    {
        RowCheck[] checks = [.. Equivalence.Check()];
        Assert.Equal(
            KernelTables.All.SelectMany(table => table.Variants.Select(row => (table.Kernel, row.Name, row.IsSupported))),
            checks.Select(check => (check.Kernel, check.Row, check.IsSupported)));
        Assert.Equal(
            KernelTables.All.Select(table => (table.Kernel, table.PickedName)),
            checks.Where(check => check.IsPicked).Select(check => (check.Kernel, check.Row)));
        Assert.All(checks, check => Assert.Equal(check.IsSupported, check.Error is not null));
        Assert.All(checks, check => Assert.True(check.Passed, check.ToString()));
    }

    [Fact]
    public void A_row_that_differs_fails_unless_its_tolerance_allows_it()
    {
        var table = new VariantTable<Func<double>>(
            "number",
            new("reference", true, 0, () => 1),
            new("same", true, 0, () => 1),
            new("near", true, 0.1, () => 1.0625),
            new("far", true, 0.1, () => 1.25),
            new("absent", false, 0, () => throw new InvalidOperationException("never run")),
            new("none", true, 0.1, () => double.NaN));
        RowCheck[] checks = [.. Equivalence.Rows(table, number => [[0, 0], [number(), 7]])];
        Assert.Equal([0, 0, 0.0625, 0.25, null, double.PositiveInfinity], checks.Select(check => check.Error));
        Assert.Equal([true, true, true, false, true, false], checks.Select(check => check.Passed));
        Assert.Equal("none", Assert.Single(checks, check => check.IsPicked).Row);
    }

    [Fact]
    public void Zeros_of_either_sign_differ_and_values_that_are_missing_too()
    {
        Assert.Equal(0, Equivalence.Difference([double.NaN, -0.0], [double.NaN, -0.0]));
        Assert.InRange(Equivalence.Difference([0.0], [-0.0]), double.Epsilon, 1e-300);
        Assert.Equal(double.PositiveInfinity, Equivalence.Difference([1], [1, 2]));
        Assert.Equal(double.PositiveInfinity, Equivalence.Difference([double.PositiveInfinity], [double.NegativeInfinity]));
    }
}
