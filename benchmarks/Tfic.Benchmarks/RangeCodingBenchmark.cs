using System.Globalization;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Running;
using Tfic.Kernels;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Benchmarks;

/// <summary>
/// Coding and decoding of 2²⁰ values with the latents' tables, per value and on one thread: every row, one lane, and
/// the coders of other houses if there are any (<see cref="PeerCoder"/>).
/// </summary>
/// <remarks>
/// Each value's table is drawn evenly among those given, and the value from its table. Decoding ends with integers;
/// coding begins with them.
/// </remarks>
[CasesOfPeers]
public class RangeCodingBenchmark
{
    private const int Values = 1 << 20;
    private const string OneLane = "one lane";

    private readonly FrequencyTables _tables = IntegerPriorExport.GaussianTables();
    private readonly byte[] _indexes = new byte[Values];
    private readonly int[] _values = new int[Values];
    private readonly int[] _decoded = new int[Values];
    private readonly SymbolEncoder _encoder = new();
    private readonly SymbolDecoder _decoder = new();
    private CodingMode _mode;
    private byte[] _stream = [];
    private PeerCoder? _peer;

    /// <summary>The first and the last table, of 64, and the mean information of a value.</summary>
    [Params("0-7 (0.1 bits)", "5-40 (2.9 bits)", "40-40 (6.0 bits)", "20-20 (2.4 bits)", "0-63 (4.6 bits)")]
    public string Tables { get; set; } = null!;

    [ParamsSource(nameof(Rows))]
    public string Row { get; set; } = null!;

    /// <summary>The rows of the kernels, which write and read chunks of lanes, the one lane, and the peers.</summary>
    public static IEnumerable<string> Rows =>
    [
        .. RansDecoding.Table.Supported.Where(row => row.Name != "lookup").Select(row => row.Name), OneLane,
        .. PeerCoder.Names,
    ];

    [GlobalSetup]
    public void Setup()
    {
        Draw(_tables, Tables, _indexes, _values);
        double bits = 0;
        for (int i = 0; i < Values; i++)
            bits += _tables.Bits(_indexes[i], _values[i]);
        if (PeerCoder.Names.Contains(Row))
        {
            _peer = new PeerCoder(Row, _tables, _indexes, _values);
            Report(_peer.Bytes, bits);
            return;
        }

        _mode = Row == OneLane ? CodingMode.Range : CodingMode.Chunked;
        VariantChoice.Current = VariantChoice.Parse(Row == OneLane ? "" : string.Join(
            ';',
            new VariantTable[] { RansDecoding.Table, RansEncoding.Table, IntervalLookup.Table }
                .Where(table => table.Variants.Any(row => row.Name == Row))
                .Select(table => $"{table.Kernel}={Row}")));
        Encode();
        Decode();
        if (!_decoded.AsSpan().SequenceEqual(_values))
            throw new InvalidDataException($"{Row} does not decode what it encoded.");
        Report(_stream.Length, bits);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        VariantChoice.Current = VariantChoice.Automatic;
        _peer?.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Values)]
    public long Encode()
    {
        if (_peer is not null)
            return _peer.Encode();
        _encoder.Clear();
        _encoder.Add(_tables, _indexes, _values);
        ReadOnlySpan<byte> stream = _encoder.Finish(_mode);
        if (_stream.Length == 0)
            _stream = stream.ToArray();
        return stream.Length;
    }

    [Benchmark(OperationsPerInvoke = Values)]
    public void Decode()
    {
        if (_peer is not null)
        {
            _peer.Decode();
            return;
        }

        _decoder.Start(_stream, _mode);
        _decoder.Decode(_tables, _indexes, _decoded);
        _decoder.End();
    }

    /// <summary>Draws each value's table, and the value from it; no value is an escape, which not every peer has.</summary>
    private static void Draw(FrequencyTables tables, string which, Span<byte> indexes, Span<int> values)
    {
        int[] range = [.. which.Split(' ')[0].Split('-').Select(part => int.Parse(part, CultureInfo.InvariantCulture))];
        var random = new Random(1);
        for (int i = 0; i < values.Length; i++)
        {
            int table = random.Next(range[0], range[1] + 1);
            ReadOnlySpan<uint> starts = tables.Starts.Slice(tables.Firsts[table], tables.Lengths[table]);
            int symbol = starts.Length;
            while (symbol >= starts.Length - 1)
            {
                int place = starts.BinarySearch((uint)random.Next(FrequencyTables.Total));
                symbol = place < 0 ? ~place - 1 : place;
            }

            indexes[i] = (byte)table;
            values[i] = (int)SymbolValue.FromIndex(symbol, 0);
        }
    }

    private void Report(long bytes, double bits) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"// {Row}: {bytes} bytes, {bits / Values:0.000} bits a value, {((8 * bytes / bits) - 1) * 100:0.000}% above"));

    /// <summary>Leaves out, and says so, what a peer cannot code, such as tables of more than 256 symbols.</summary>
    private sealed class CasesOfPeersAttribute : Attribute, IConfigSource
    {
        private readonly Dictionary<(string, string), bool> _known = [];

        public IConfig Config => ManualConfig.CreateEmpty().AddFilter(new SimpleFilter(IsPossible));

        private bool IsPossible(BenchmarkCase benchmark)
        {
            var row = (string)benchmark.Parameters[nameof(Row)];
            var which = (string)benchmark.Parameters[nameof(RangeCodingBenchmark.Tables)];
            if (!PeerCoder.Names.Contains(row))
                return true;
            if (_known.TryGetValue((row, which), out bool isPossible))
                return isPossible;
            FrequencyTables tables = IntegerPriorExport.GaussianTables();
            var indexes = new byte[1024];
            var values = new int[indexes.Length];
            Draw(tables, which, indexes, values);
            isPossible = PeerCoder.CanCode(row, tables, indexes, values);
            if (!isPossible)
                Console.WriteLine($"// {row} cannot code tables {which}: left out.");
            return _known[(row, which)] = isPossible;
        }
    }
}
