namespace Tfic.Kernels;

/// <summary>
/// Which rows are forced: <c>row</c> for every kernel that has such a row, <c>kernel=row</c> for one kernel, and
/// several of these separated by semicolons, the last match winning. Nothing forced: every kernel takes its best row.
/// </summary>
/// <remarks>
/// The process starts with what the environment variable <c>TFIC_VARIANT</c> says. Float rows equal their reference
/// bit for bit, so a choice changes speed, not results, except where a row states a tolerance.
/// </remarks>
public sealed class VariantChoice
{
    /// <summary>Name of the environment variable that is read at first use.</summary>
    public const string EnvironmentVariable = "TFIC_VARIANT";

    private static VariantChoice? s_current;

    private readonly (string? Kernel, string Row)[] _entries;

    private VariantChoice((string? Kernel, string Row)[] entries) => _entries = entries;

    /// <summary>Forces nothing.</summary>
    public static VariantChoice Automatic { get; } = new([]);

    /// <summary>The choice in force in this process; set it to force rows from code.</summary>
    /// <exception cref="ArgumentException">
    /// The value, or the environment variable when it is first read, names a kernel or row that does not exist, or a
    /// row that cannot run on this machine.
    /// </exception>
    public static VariantChoice Current
    {
        get => Volatile.Read(ref s_current) ?? FromEnvironment();
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value._entries.Length > 0)
                value.Check(KernelTables.All);
            Volatile.Write(ref s_current, value);
        }
    }

    /// <summary>The entries as written; a null kernel stands for every kernel that has such a row.</summary>
    internal IReadOnlyList<(string? Kernel, string Row)> Entries => _entries;

    /// <summary>Reads the notation described above.</summary>
    /// <param name="text">Null or blank forces nothing.</param>
    /// <exception cref="ArgumentException">An entry with an empty name.</exception>
    public static VariantChoice Parse(string? text)
    {
        string[] parts = (text ?? "").Split(
            ';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0)
            return Automatic;

        var entries = new (string?, string)[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            int equals = parts[i].IndexOf('=', StringComparison.Ordinal);
            string? kernel = equals < 0 ? null : parts[i][..equals].TrimEnd();
            string row = parts[i][(equals + 1)..].TrimStart();
            if (kernel is "" || row.Length == 0)
                throw new ArgumentException($"'{parts[i]}' is not 'row' or 'kernel=row'.");
            entries[i] = (kernel, row);
        }

        return new VariantChoice(entries);
    }

    /// <summary>Finds an error that no single table can see: a name that no kernel knows.</summary>
    /// <param name="tables">Every table there is.</param>
    /// <exception cref="ArgumentException">
    /// A kernel or row that does not exist, or a row that cannot run on this machine.
    /// </exception>
    internal void Check(IReadOnlyList<VariantTable> tables)
    {
        foreach ((string? kernel, string row) in _entries)
        {
            VariantTable[] meant = [.. tables.Where(table => kernel is null || table.Kernel == kernel)];
            if (meant.Length == 0)
            {
                throw new ArgumentException(
                    $"There is no kernel '{kernel}'. There are: {Names(tables.Select(table => table.Kernel))}.");
            }

            Variant[] rows = [.. meant.SelectMany(table => table.Variants).Where(variant => variant.Name == row)];
            string supported = Names(
                meant.SelectMany(table => table.Variants).Where(variant => variant.IsSupported).Select(v => v.Name));
            string whose = kernel is null ? "No kernel" : $"Kernel '{kernel}'";
            if (rows.Length == 0)
                throw new ArgumentException($"{whose} has {(kernel is null ? "a" : "no")} row '{row}'. Try: {supported}.");
            if (!rows.All(variant => variant.IsSupported))
                throw new ArgumentException($"This machine cannot run row '{row}'. It can run: {supported}.");
        }
    }

    private static VariantChoice FromEnvironment()
    {
        string? text = Environment.GetEnvironmentVariable(EnvironmentVariable);
        try
        {
            Current = Parse(text);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"Environment variable {EnvironmentVariable}={text}: {e.Message}", e);
        }

        return s_current!;
    }

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Distinct());
}
