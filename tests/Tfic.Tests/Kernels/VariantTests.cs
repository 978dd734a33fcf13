using Tfic.Kernels;

namespace Tfic.Tests.Kernels;

/// <summary>Tests that change the choice of the whole process: they run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class VariantChoiceCollection
{
    public const string Name = "variant choice";
}

[Collection(VariantChoiceCollection.Name)]
public sealed class VariantTests
{
    private static readonly VariantTable<Func<int>> s_table = new(
        "count",
        new("reference", true, 0, () => 1),
        new("vector128", true, 0, () => 2),
        new("vector256", true, 0, () => 3),
        new("gpu", false, 1e-6, () => throw new InvalidOperationException("never run")));

    private static readonly VariantTable<Func<int>> s_other = new(
        "other",
        new("reference", true, 0, () => 10),
        new("vector512", false, 0, () => 20));

    [Fact]
    public void The_last_supported_row_is_picked()
    {
        Assert.Equal("vector256", s_table.PickFor(VariantChoice.Automatic).Name);
        Assert.Equal("reference", s_other.PickFor(VariantChoice.Automatic).Name);
        Assert.Equal(["reference", "vector128", "vector256"], s_table.Supported.Select(row => row.Name));
    }

    [Theory]
    [InlineData("reference", "reference", "reference")]
    [InlineData("vector128", "vector128", "reference")]
    [InlineData("count=vector128", "vector128", "reference")]
    [InlineData("reference; count = vector128", "vector128", "reference")]
    [InlineData("other=reference;vector128", "vector128", "reference")]
    [InlineData("vector128;count=reference", "reference", "reference")]
    [InlineData(" ; ", "vector256", "reference")]
    [InlineData(null, "vector256", "reference")]
    public void A_forced_row_is_picked(string? text, string count, string other)
    {
        VariantChoice choice = VariantChoice.Parse(text);
        choice.Check([s_table, s_other]);
        Assert.Equal(count, s_table.PickFor(choice).Name);
        Assert.Equal(other, s_other.PickFor(choice).Name);
    }

    [Theory]
    [InlineData("vector1024", "No kernel has a row 'vector1024'")]
    [InlineData("count=native", "Kernel 'count' has no row 'native'")]
    [InlineData("cuont=reference", "There is no kernel 'cuont'. There are: count, other")]
    [InlineData("gpu", "cannot run row 'gpu'")]
    [InlineData("count=gpu", "It can run: reference, vector128, vector256")]
    public void A_row_that_does_not_exist_or_cannot_run_is_an_error(string text, string message)
    {
        var e = Assert.Throws<ArgumentException>(() => VariantChoice.Parse(text).Check([s_table, s_other]));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_refuses_a_named_row_that_it_lacks_and_one_it_cannot_run()
    {
        Assert.Throws<ArgumentException>(() => s_table.Row("native"));
        Assert.Throws<ArgumentException>(() => s_table.Row("gpu"));
        Assert.Equal(2, s_table.Row("vector128").Kernel());
    }

    [Theory]
    [InlineData("=reference")]
    [InlineData("count=")]
    public void An_empty_name_is_an_error(string text) =>
        Assert.Throws<ArgumentException>(() => VariantChoice.Parse(text));

    [Fact]
    public void A_table_needs_a_reference_that_runs_and_distinct_names()
    {
        Assert.Throws<ArgumentException>(() => new VariantTable<Func<int>>("none"));
        Assert.Throws<ArgumentException>(
            () => new VariantTable<Func<int>>("absent", new Variant<Func<int>>("reference", false, 0, () => 0)));
        Assert.Throws<ArgumentException>(
            () => new VariantTable<Func<int>>(
                "twice", new("reference", true, 0, () => 0), new("reference", true, 0, () => 0)));
    }

    [Fact]
    public void Every_table_of_the_core_can_be_forced_to_each_of_its_supported_rows()
    {
        VariantChoice before = VariantChoice.Current;
        try
        {
            foreach (VariantTable table in KernelTables.All)
            {
                foreach (Variant row in table.Variants.Where(row => row.IsSupported))
                {
                    VariantChoice.Current = VariantChoice.Parse($"{table.Kernel}={row.Name}");
                    Assert.Equal(row.Name, table.PickedName);
                }
            }

            Assert.Throws<ArgumentException>(() => VariantChoice.Current = VariantChoice.Parse("no-such-row"));
        }
        finally
        {
            VariantChoice.Current = before;
        }
    }

    [Fact]
    public void Kernels_have_distinct_names() =>
        Assert.Distinct(KernelTables.All.Select(table => table.Kernel));
}
