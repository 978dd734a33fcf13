namespace Tfic.Kernels;

/// <summary>One implementation of a kernel: a row of its table, without its code.</summary>
/// <param name="Name">reference, vector128, vector256, vector512, native, gpu, or the name of an instruction set.</param>
/// <param name="IsSupported">Whether this machine can run it.</param>
/// <param name="Tolerance">
/// Largest difference from the reference that is allowed, in the unit that the kernel states; 0 means bit for bit.
/// </param>
public abstract record Variant(string Name, bool IsSupported, double Tolerance);

/// <summary>One implementation of a kernel: a row of its table.</summary>
/// <typeparam name="TKernel">The delegate that is the kernel's contract.</typeparam>
/// <param name="Name">reference, vector128, vector256, vector512, native, gpu, or the name of an instruction set.</param>
/// <param name="IsSupported">Whether this machine can run it.</param>
/// <param name="Tolerance">
/// Largest difference from the reference that is allowed, in the unit that the kernel states; 0 means bit for bit.
/// </param>
/// <param name="Kernel">The code. It may be called only where <paramref name="IsSupported"/>.</param>
public sealed record Variant<TKernel>(string Name, bool IsSupported, double Tolerance, TKernel Kernel)
    : Variant(Name, IsSupported, Tolerance)
    where TKernel : Delegate;

/// <summary>All implementations of one kernel, without their code: what lists and checks names.</summary>
public abstract class VariantTable
{
    private protected VariantTable(string kernel, ReadOnlySpan<Variant> rows)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(kernel);
        if (rows.IsEmpty || !rows[0].IsSupported)
            throw new ArgumentException($"{kernel}: the first row is the reference and runs everywhere.", nameof(rows));
        for (int i = 1; i < rows.Length; i++)
        {
            foreach (Variant earlier in rows[..i])
            {
                if (earlier.Name == rows[i].Name)
                    throw new ArgumentException($"{kernel}: two rows are called {earlier.Name}.", nameof(rows));
            }
        }

        Kernel = kernel;
        Variants = rows.ToArray();
    }

    /// <summary>Name of the kernel, as <c>TFIC_VARIANT</c> and reports spell it.</summary>
    public string Kernel { get; }

    /// <summary>The rows, reference first, most preferred last.</summary>
    public IReadOnlyList<Variant> Variants { get; }

    /// <summary>Name of the row that dispatch uses now.</summary>
    /// <exception cref="ArgumentException">A row is forced that does not exist or cannot run here.</exception>
    public abstract string PickedName { get; }

    /// <summary>Index of the row that a choice selects: the forced one, else the last supported one.</summary>
    /// <exception cref="ArgumentException">The forced row is not in this table, or cannot run on this machine.</exception>
    private protected int Find(VariantChoice choice)
    {
        for (int e = choice.Entries.Count - 1; e >= 0; e--)
        {
            (string? kernel, string name) = choice.Entries[e];
            if (kernel is not null && kernel != Kernel)
                continue;
            for (int i = 0; i < Variants.Count; i++)
            {
                if (Variants[i].Name != name)
                    continue;
                return Variants[i].IsSupported
                    ? i
                    : throw new ArgumentException(
                        $"{Kernel}: this machine cannot run row '{name}'. It can run: {SupportedNames()}.");
            }

            if (kernel is not null)
                throw new ArgumentException($"{Kernel}: there is no row '{name}'. It can run: {SupportedNames()}.");
        }

        int best = Variants.Count - 1;
        while (!Variants[best].IsSupported)
            best--;
        return best;
    }

    private string SupportedNames() => string.Join(", ", Variants.Where(v => v.IsSupported).Select(v => v.Name));
}

/// <summary>All implementations of one kernel; dispatch, tests and benchmarks read this.</summary>
/// <typeparam name="TKernel">The delegate that is the kernel's contract.</typeparam>
/// <remarks>
/// A kernel holds its table in a static readonly field and adds it to <see cref="KernelTables.All"/>. Read
/// <see cref="Picked"/> when the kernel runs, not in a static initialiser: it checks forced names against every
/// table, so it needs every table made.
/// </remarks>
public sealed class VariantTable<TKernel> : VariantTable
    where TKernel : Delegate
{
    private readonly Variant<TKernel>[] _rows;
    private volatile Pick? _pick;

    /// <summary>Makes a table.</summary>
    /// <param name="kernel">Name of the kernel: lower case, no spaces.</param>
    /// <param name="rows">The reference first, then from least to most preferred.</param>
    /// <exception cref="ArgumentException">No rows, a reference that does not run here, or a repeated name.</exception>
    public VariantTable(string kernel, params ReadOnlySpan<Variant<TKernel>> rows)
        : base(kernel, ReadOnlySpan<Variant>.CastUp(rows))
    {
        _rows = rows.ToArray();
    }

    private sealed record Pick(VariantChoice Choice, Variant<TKernel> Row);

    /// <summary>The rows, reference first, most preferred last.</summary>
    public IReadOnlyList<Variant<TKernel>> Rows => _rows;

    /// <summary>The plain row that defines the kernel.</summary>
    public Variant<TKernel> Reference => _rows[0];

    /// <summary>The rows that this machine can run.</summary>
    public IEnumerable<Variant<TKernel>> Supported => _rows.Where(row => row.IsSupported);

    /// <summary>The row to run: the last supported one, or the forced one (see <see cref="VariantChoice"/>).</summary>
    /// <exception cref="ArgumentException">A row is forced that does not exist or cannot run here.</exception>
    public Variant<TKernel> Picked
    {
        get
        {
            VariantChoice choice = VariantChoice.Current;
            Pick? pick = _pick;
            if (pick is null || !ReferenceEquals(pick.Choice, choice))
                _pick = pick = new Pick(choice, PickFor(choice));
            return pick.Row;
        }
    }

    /// <inheritdoc/>
    public override string PickedName => Picked.Name;

    /// <summary>The row with a given name.</summary>
    /// <exception cref="ArgumentException">No such row, or this machine cannot run it.</exception>
    public Variant<TKernel> Row(string name) => PickFor(VariantChoice.Parse($"{Kernel}={name}"));

    /// <summary>The row that a choice selects.</summary>
    /// <exception cref="ArgumentException">A row is forced that does not exist or cannot run here.</exception>
    public Variant<TKernel> PickFor(VariantChoice choice)
    {
        ArgumentNullException.ThrowIfNull(choice);
        return _rows[Find(choice)];
    }
}
