using System.Text.Json;

namespace Tfic.Tests.Specification;

/// <summary>What a decoder must reject.</summary>
internal sealed class RejectedException(string reason) : Exception(reason);

/// <summary>A layer as a file states it.</summary>
/// <param name="Kind">1 for text, 2 base.</param>
/// <param name="Id">The model's id; of the short form the upper half, the lower being 0.</param>
internal sealed record SpecifiedLayer(int Kind, uint Id, int Quality, int Mode, byte[] Payload);

/// <summary>A file taken apart.</summary>
/// <param name="ShortCheck">In the short form, what the lower half of the model's id must be; else −1.</param>
internal sealed record SpecifiedFile(
    int Width, int Height, bool IsGrey, IReadOnlyList<SpecifiedLayer> Layers, int ShortCheck);

/// <summary>
/// A second decoder of .tfic files, from bytes to ŷ', written from FORMAT.md alone: it shares no code with the product
/// and has no thought for speed. Where the two differ, one of them or the specification is wrong.
/// </summary>
internal static class SpecificationDecoder
{
    /// <summary>ŷ' of a layer in 1/64, rows × columns × channels, with what the header says.</summary>
    /// <param name="file">A whole file.</param>
    /// <param name="models">The models at hand.</param>
    /// <param name="kind">1 or 2; 0 for no layer in particular.</param>
    /// <exception cref="RejectedException">The file must be rejected.</exception>
    public static (SpecifiedFile File, int[] Latents) Decode(
        byte[] file, IReadOnlyList<SpecifiedModel> models, int kind = 0)
    {
        SpecifiedFile parsed = Parse(file);
        SpecifiedLayer layer = parsed.Layers.Where(l => kind == 0 || l.Kind == kind).OrderBy(l => l.Kind)
            .FirstOrDefault() ?? throw new RejectedException("no such layer");
        SpecifiedModel model = models.FirstOrDefault(m => parsed.ShortCheck < 0
            ? m.Id == layer.Id
            : m.Id == (layer.Id | (uint)parsed.ShortCheck)) ?? throw new RejectedException("another model");
        return (parsed, model.DecodeLatents(parsed.Width, parsed.Height, layer));
    }

    /// <summary>Section 1: the container.</summary>
    public static SpecifiedFile Parse(byte[] file)
    {
        Check(file.Length >= 2, "no header");
        Check(file[0] == 0xF4, "byte 0");
        Check((file[1] >> 4 & 7) == 1, "version");
        return (file[1] & 1) == 0 ? ParseShort(file) : ParseLong(file);
    }

    public static void Check(bool holds, string reason)
    {
        if (!holds)
            throw new RejectedException(reason);
    }

    /// <summary>Section 1.1.</summary>
    private static SpecifiedFile ParseShort(byte[] file)
    {
        Check(file.Length is >= 10 and <= 255, "length");
        Check(file[2] <= 224, "quality");
        int sizes = file[3] + 256 * file[4] + 65536 * file[5];
        int width = sizes % 4096 + 1, height = sizes / 4096 + 1;
        if ((file[1] & 0x80) != 0)
        {
            int shorter = sizes % 512 + 1, longer = sizes / 512 % 16384 + 4097;
            (width, height) = sizes >> 23 == 0 ? (longer, shorter) : (shorter, longer);
        }

        uint upper = (uint)(file[6] << 8 | file[7]) << 16;
        int check = (file[^2] << 8 | file[^1]) ^ Crc16(file[..^2]);
        return new SpecifiedFile(
            width, height, (file[1] & 2) != 0, [new SpecifiedLayer(1, upper, file[2], 0, file[8..^2])], check);
    }

    /// <summary>Section 1.2.</summary>
    private static SpecifiedFile ParseLong(byte[] file)
    {
        Check((file[1] & 0x8C) == 0, "reserved bits");
        int at = 2;
        int width = Varint(file, ref at) + 1, height = Varint(file, ref at) + 1;
        Check(width <= 1 << 20 && height <= 1 << 20, "sides");
        byte[] header = file[..at];
        var layers = new List<SpecifiedLayer>();
        bool more = true;
        for (int sections = 1; more; sections++)
        {
            Check(sections <= 16, "a 17th section");
            int start = at;
            Check(at < file.Length, "no section");
            int tag = file[at++];
            Check(tag < 0x20, "tag");
            int kind = tag & 15;
            more = (tag & 16) != 0;
            Check(kind is 1 or 2 or >= 8, "reserved kind");
            int length = Varint(file, ref at);
            Check(length <= file.Length - at - 4, "cut off");
            byte[] body = file[at..(at + length)];
            at += length;
            uint crc = Crc32([.. header, .. file[start..at]]);
            for (int shift = 24; shift >= 0; shift -= 8)
                Check(file[at++] == (byte)(crc >> shift), "checksum");
            if (kind >= 8)
                continue;
            Check(layers.TrueForAll(l => l.Kind != kind), "twice the same kind");
            Check(body.Length >= 6, "layer without its header");
            Check(body[4] <= 224, "quality");
            uint id = (uint)body[0] << 24 | (uint)body[1] << 16 | (uint)body[2] << 8 | body[3];
            layers.Add(new SpecifiedLayer(kind, id, body[4], body[5], body[6..]));
        }

        Check(layers.Count > 0, "no layer");
        Check(at == file.Length, "more bytes");
        return new SpecifiedFile(width, height, (file[1] & 2) != 0, layers, -1);
    }

    private static int Varint(byte[] file, ref int at)
    {
        long value = 0;
        for (int i = 0; i < 5; i++)
        {
            Check(at < file.Length, "number cut off");
            byte b = file[at++];
            value += (long)(b & 127) << (7 * i);
            if (b < 128)
            {
                Check(b != 0 || i == 0, "not the shortest form");
                Check(value < 1L << 31, "number too large");
                return (int)value;
            }
        }

        throw new RejectedException("more than 5 bytes");
    }

    public static int Crc16(byte[] bytes)
    {
        int crc = 0xFFFF;
        foreach (byte b in bytes)
        {
            for (int bit = 7; bit >= 0; bit--)
            {
                int top = (crc >> 15 ^ b >> bit) & 1;
                crc = (crc << 1 & 0xFFFF) ^ (top != 0 ? 0x1021 : 0);
            }
        }

        return crc;
    }

    public static uint Crc32(byte[] bytes)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte b in bytes)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                uint low = (crc ^ (uint)(b >> bit)) & 1;
                crc = crc >> 1 ^ (low != 0 ? 0xEDB88320 : 0);
            }
        }

        return ~crc;
    }
}

/// <summary>Sections 2, 4 and 5: a model's integers from its file, and what they make of a payload.</summary>
internal sealed class SpecifiedModel
{
    private readonly Dictionary<string, (string Type, int[] Sizes, long[] Values)> _tensors = [];
    private readonly SpecifiedTable[] _hyperTables, _latentTables;

    public SpecifiedModel(byte[] file)
    {
        // safetensors: the length of a JSON header in 8 bytes, lowest first, the header, the tensors.
        int length = checked((int)BitConverter.ToInt64(file));
        using JsonDocument header = JsonDocument.Parse(file.AsMemory(8, length));
        foreach (JsonProperty tensor in header.RootElement.EnumerateObject())
        {
            if (tensor.Name == "__metadata__" || tensor.Value.GetProperty("dtype").GetString() is not ("I8" or "I32"))
                continue;
            string type = tensor.Value.GetProperty("dtype").GetString()!;
            int[] sizes = [.. tensor.Value.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32())];
            int from = 8 + length + tensor.Value.GetProperty("data_offsets")[0].GetInt32();
            long[] values = new long[sizes.Aggregate(1, (product, size) => product * size)];
            for (int i = 0; i < values.Length; i++)
                values[i] = type == "I8" ? (sbyte)file[from + i] : BitConverter.ToInt32(file, from + 4 * i);
            _tensors.Add(tensor.Name, (type, sizes, values));
        }

        _hyperTables = Tables(this["z.centres"], this["z.lengths"], this["z.frequencies"]);
        _latentTables = Tables(new long[64], this["y.lengths"], this["y.frequencies"]);
        byte[] hash = Hash();
        Id = (uint)hash[0] << 24 | (uint)hash[1] << 16 | (uint)hash[2] << 8 | hash[3];
    }

    public uint Id { get; }

    private bool HasContext => _tensors.Keys.Any(name => name.StartsWith("context.", StringComparison.Ordinal));

    private long[] this[string name] => _tensors[name].Values;

    /// <summary>Section 2.</summary>
    public int[] DecodeLatents(int width, int height, SpecifiedLayer layer)
    {
        int hz = (height + 63) / 64, wz = (width + 63) / 64;
        int hc = (height + 15) / 16, wc = (width + 15) / 16;
        int channels = this["h_s.conv2.bias"].Length / 2, hyperChannels = _hyperTables.Length;
        SpecifiedRuns runs = SpecifiedRuns.Of(layer.Mode, layer.Payload);

        var places = new List<(int Y, int X, int C)>();
        for (int y = 0; y < hz; y++)
            for (int x = 0; x < wz; x++)
                for (int c = 0; c < hyperChannels; c++)
                    places.Add((y, x, c));
        long[] values = runs.Next([.. places.Select(p => _hyperTables[p.C])]);
        var z = new long[hyperChannels, hz, wz];
        for (int i = 0; i < values.Length; i++)
        {
            SpecificationDecoder.Check(values[i] is >= -128 and <= 127, "ẑ");
            z[places[i].C, places[i].Y, places[i].X] = values[i];
        }

        long[,,] a0 = Shuffle(Clamp(Layer("h_s.conv0", z), 0, 16383));
        long[,,] a1 = Shuffle(Clamp(Layer("h_s.conv1", a0), 0, 16383));
        long[,,] m = Clamp(Layer("h_s.conv2", a1), -(1 << 21), 1 << 21);
        int hy = 4 * hz, wy = 4 * wz;
        var latents = new long[channels, hy, wy];
        for (int pass = 0; pass < 2; pass++)
        {
            if (pass == 1 && HasContext)
                Correct(m, a1, latents, hc, wc);
            for (int y = 0; y < hy; y++)
                for (int x = 0; x < wy; x++)
                    for (int c = 0; c < channels && (y + x) % 2 == pass; c++)
                        latents[c, y, x] = m[c, y, x];

            places.Clear();
            for (int y = 0; y < hc; y++)
                for (int x = 0; x < wc; x++)
                    for (int c = 0; c < channels && (y + x) % 2 == pass; c++)
                        places.Add((y, x, c));
            long[] symbols = runs.Next([.. places.Select(p => _latentTables[
                TableIndex(m[channels + p.C, p.Y, p.X], layer.Quality, p.C, channels)])]);
            for (int i = 0; i < symbols.Length; i++)
            {
                SpecificationDecoder.Check(Math.Abs(symbols[i]) <= 1 << 20, "s");
                latents[places[i].C, places[i].Y, places[i].X] += 64 * symbols[i];
            }
        }

        runs.End();
        var flat = new int[channels * hy * wy];
        for (int i = 0; i < flat.Length; i++)
            flat[i] = checked((int)latents[i % channels, i / channels / wy, i / channels % wy]);
        return flat;
    }

    /// <summary>Section 4, the context model: m at the positions that are no anchors.</summary>
    private void Correct(long[,,] m, long[,,] a1, long[,,] latents, int hc, int wc)
    {
        int channels = latents.GetLength(0), rows = m.GetLength(1), columns = m.GetLength(2);
        var n = new long[4 * channels, rows, columns];
        (int Y, int X)[] neighbours = [(-1, 0), (0, -1), (0, 1), (1, 0)];
        for (int y = 0; y < rows; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                for (int i = 0; i < 4; i++)
                {
                    int ny = y + neighbours[i].Y, nx = x + neighbours[i].X;
                    for (int c = 0; c < channels && ny >= 0 && ny < hc && nx >= 0 && nx < wc; c++)
                        n[i * channels + c, y, x] = Math.Clamp(latents[c, ny, nx], -16383, 16383);
                }
            }
        }

        const int most = 1 << 21;
        long[,,] fromNeighbours = Clamp(Layer("context.conv0", n), -most, most);
        long[,,] fromHyper = Clamp(Layer("context.conv1", a1), -most, most);
        for (int c = 0; c < fromHyper.GetLength(0); c++)
            for (int y = 0; y < rows; y++)
                for (int x = 0; x < columns; x++)
                    fromHyper[c, y, x] += fromNeighbours[c, y, x];
        long[,,] correction = Clamp(Layer("context.conv2", Clamp(fromHyper, 0, 16383)), -most, most);
        for (int c = 0; c < m.GetLength(0); c++)
            for (int y = 0; y < rows; y++)
                for (int x = 1 - y % 2; x < columns; x += 2)
                    m[c, y, x] = Math.Clamp(m[c, y, x] + correction[c, y, x], -most, most);
    }

    private int TableIndex(long t, int quality, int channel, int channels)
    {
        long[] offsets = this["scale_offset_q4"];
        int i = quality / 32, f = quality % 32;
        long below = offsets[i * channels + channel], above = offsets[Math.Min(i + 1, 7) * channels + channel];
        long offset = (below * (32 - f) + above * f + 16) >> 5;
        return (int)Math.Clamp((t + offset + 8) >> 4, 0, 63);
    }

    private long[,,] Layer(string name, long[,,] input)
    {
        int[] sizes = _tensors[$"{name}.weight"].Sizes;
        (int outputs, int inputs, int k) = (sizes[0], sizes[1], sizes[2]);
        long[] weight = this[$"{name}.weight"], bias = this[$"{name}.bias"];
        long[] multiplier = this[$"{name}.multiplier"], shift = this[$"{name}.shift"];
        int rows = input.GetLength(1), columns = input.GetLength(2);

        // Channels side by side and innermost, in plain arrays: tests run without optimisation.
        long[] flat = new long[rows * columns * inputs];
        for (int at = 0; at < flat.Length; at++)
            flat[at] = input[at % inputs, at / inputs / columns, at / inputs % columns];
        long[] taps = new long[weight.Length];
        for (int at = 0; at < taps.Length; at++)
            taps[at] = weight[(at / inputs / (k * k) * inputs + at % inputs) * k * k + at / inputs % (k * k)];

        var result = new long[outputs, rows, columns];
        for (int o = 0; o < outputs; o++)
        {
            for (int y = 0; y < rows; y++)
            {
                for (int x = 0; x < columns; x++)
                {
                    long sum = bias[o];
                    for (int tap = 0; tap < k * k; tap++)
                    {
                        int fromY = y + tap / k - (k - 1) / 2, fromX = x + tap % k - (k - 1) / 2;
                        if (fromY < 0 || fromY >= rows || fromX < 0 || fromX >= columns)
                            continue;
                        int w = (o * k * k + tap) * inputs, v = (fromY * columns + fromX) * inputs;
                        for (int end = w + inputs; w < end; w++, v++)
                            sum += taps[w] * flat[v];
                    }

                    result[o, y, x] = (sum * multiplier[o] + (1L << (int)(shift[o] - 1))) >> (int)shift[o];
                }
            }
        }

        return result;
    }

    private static long[,,] Clamp(long[,,] values, long low, long high)
    {
        for (int c = 0; c < values.GetLength(0); c++)
            for (int y = 0; y < values.GetLength(1); y++)
                for (int x = 0; x < values.GetLength(2); x++)
                    values[c, y, x] = Math.Clamp(values[c, y, x], low, high);
        return values;
    }

    private static long[,,] Shuffle(long[,,] from)
    {
        var to = new long[from.GetLength(0) / 4, from.GetLength(1) * 2, from.GetLength(2) * 2];
        for (int c = 0; c < to.GetLength(0); c++)
            for (int y = 0; y < to.GetLength(1); y++)
                for (int x = 0; x < to.GetLength(2); x++)
                    to[c, y, x] = from[4 * c + 2 * (y % 2) + x % 2, y / 2, x / 2];
        return to;
    }

    /// <summary>Section 5.</summary>
    private byte[] Hash()
    {
        IEnumerable<string> layers = ["h_s.conv0", "h_s.conv1", "h_s.conv2"];
        if (HasContext)
            layers = ["context.conv0", "context.conv1", "context.conv2", .. layers];
        IEnumerable<string> names =
        [
            .. layers.SelectMany(l => new[] { $"{l}.bias", $"{l}.multiplier", $"{l}.shift", $"{l}.weight" }),
            "scale_offset_q4", "y.frequencies", "y.lengths", "z.centres", "z.frequencies", "z.lengths",
        ];
        var bytes = new List<byte>();
        void Number(long value) =>
            bytes.AddRange([(byte)value, (byte)(value >> 8), (byte)(value >> 16), (byte)(value >> 24)]);
        foreach (string name in names)
        {
            (string type, int[] sizes, long[] values) = _tensors[name];
            bytes.AddRange([.. System.Text.Encoding.UTF8.GetBytes(name), 0]);
            bytes.AddRange([.. System.Text.Encoding.UTF8.GetBytes(type), 0]);
            Number(sizes.Length);
            foreach (int size in sizes)
                Number(size);
            foreach (long value in values)
            {
                if (type == "I8")
                    bytes.Add((byte)value);
                else
                    Number(value);
            }
        }

        return System.Security.Cryptography.SHA256.HashData(bytes.ToArray());
    }

    private static SpecifiedTable[] Tables(long[] centres, long[] lengths, long[] frequencies)
    {
        var tables = new SpecifiedTable[lengths.Length];
        int at = 0;
        for (int t = 0; t < tables.Length; t++)
        {
            tables[t] = new SpecifiedTable(centres[t], frequencies[at..(at + (int)lengths[t])]);
            at += (int)lengths[t];
        }

        return tables;
    }
}

/// <summary>A probability table of section 3.</summary>
internal sealed record SpecifiedTable(long Centre, long[] Frequencies)
{
    public static readonly SpecifiedTable RawBit = new(0, [1 << 15, 1 << 15]);

    /// <summary>The symbol that owns a slot, and its first one.</summary>
    public (int Symbol, ulong Start) Find(ulong slot)
    {
        ulong start = 0;
        int k = 0;
        while (slot >= start + (ulong)Frequencies[k])
            start += (ulong)Frequencies[k++];
        return (k, start);
    }

    /// <summary>The value at a place of the list that begins with the centre.</summary>
    public long Value(long place) => place % 2 == 0 ? Centre + place / 2 : Centre - (place + 1) / 2;
}

/// <summary>Section 3: a payload as runs of values.</summary>
internal abstract class SpecifiedRuns
{
    public static SpecifiedRuns Of(int mode, byte[] payload) => mode switch
    {
        0 => new OneLane(payload),
        1 => new Lanes(payload),
        2 => new Chunks(payload),
        _ => throw new RejectedException("unknown coding mode"),
    };

    public abstract long[] Next(SpecifiedTable[] tables);

    /// <summary>After the last run: nothing may be left.</summary>
    public abstract void End();

    /// <summary>Symbols one by one, as modes 0 and 1 have them.</summary>
    private abstract class Symbols : SpecifiedRuns
    {
        protected abstract int Symbol(SpecifiedTable table);

        public override long[] Next(SpecifiedTable[] tables)
        {
            int[] symbols = [.. tables.Select(Symbol)];
            return [.. symbols.Select((symbol, i) => symbol < tables[i].Frequencies.Length - 1
                ? tables[i].Value(symbol)
                : Escape(tables[i]))];
        }

        private long Escape(SpecifiedTable table)
        {
            int zeros = 0;
            while (Symbol(SpecifiedTable.RawBit) == 0)
                SpecificationDecoder.Check(++zeros <= 33, "escape");
            long v = 1;
            for (int i = 0; i < zeros; i++)
                v = 2 * v + Symbol(SpecifiedTable.RawBit);
            long value = table.Value(v - 1 + table.Frequencies.Length - 1);
            SpecificationDecoder.Check(value is >= int.MinValue and <= int.MaxValue, "outside int32");
            return value;
        }
    }

    /// <summary>Section 3.1.</summary>
    private sealed class OneLane : Symbols
    {
        private readonly byte[] _payload;
        private ulong _range = ulong.MaxValue, _code;
        private long _asked;

        public OneLane(byte[] payload)
        {
            _payload = payload;
            Ask(8);
        }

        protected override int Symbol(SpecifiedTable table)
        {
            ulong unit = _range >> 16, slot = _code / unit;
            SpecificationDecoder.Check(slot < 1 << 16, "slot");
            (int k, ulong start) = table.Find(slot);
            _code -= unit * start;
            _range = unit * (ulong)table.Frequencies[k];
            if (_range < 1UL << 40)
            {
                _range <<= 24;
                Ask(3);
            }

            return k;
        }

        public override void End() => SpecificationDecoder.Check(_payload.Length <= _asked, "longer than asked for");

        private void Ask(int count)
        {
            for (int i = 0; i < count; i++, _asked++)
                _code = _code << 8 | (_asked < _payload.Length ? _payload[_asked] : 0u);
        }
    }

    /// <summary>Section 3.2.</summary>
    private sealed class Lanes : Symbols
    {
        private readonly byte[] _payload;
        private readonly ulong[] _states = new ulong[32];
        private int _at;
        private long _count;

        public Lanes(byte[] payload)
        {
            _payload = payload;
            for (int lane = 0; lane < 32; lane++)
            {
                for (int i = 0; i < 4; i++)
                    _states[lane] |= (ulong)Byte() << (8 * i);
            }

            SpecificationDecoder.Check(_states.All(x => x >= 1 << 24), "state at the start");
        }

        protected override int Symbol(SpecifiedTable table)
        {
            int lane = (int)(_count++ % 32);
            ulong x = _states[lane], slot = x % (1 << 16);
            (int k, ulong start) = table.Find(slot);
            x = (ulong)table.Frequencies[k] * (x >> 16) + slot - start;
            if (x < 1 << 16)
            {
                int low = Byte();
                x = x << 16 | (uint)(low | Byte() << 8);
            }
            else if (x < 1 << 24)
            {
                x = x << 8 | Byte();
            }

            _states[lane] = x;
            return k;
        }

        public override void End() =>
            SpecificationDecoder.Check(_at == _payload.Length && _states.All(x => x == 1 << 24), "the lanes' end");

        private byte Byte()
        {
            SpecificationDecoder.Check(_at < _payload.Length, "a byte is missing");
            return _payload[_at++];
        }
    }

    /// <summary>Section 3.3.</summary>
    private sealed class Chunks : SpecifiedRuns
    {
        private readonly byte[] _payload;
        private readonly int _size;
        private int _at = 1;

        public Chunks(byte[] payload)
        {
            SpecificationDecoder.Check(payload.Length > 0 && payload[0] is >= 10 and <= 30, "size of chunks");
            _payload = payload;
            _size = 1 << payload[0];
        }

        public override long[] Next(SpecifiedTable[] tables)
        {
            int count = (int)((tables.Length + (long)_size - 1) / _size);
            int lengths = _at;
            _at += 4 * count;
            SpecificationDecoder.Check(_at <= _payload.Length, "lengths cut off");
            var values = new List<long>();
            for (int j = 0; j < count; j++)
            {
                uint length = BitConverter.ToUInt32(_payload, lengths + 4 * j);
                SpecificationDecoder.Check(length <= _payload.Length - _at, "chunk cut off");
                var chunk = new Lanes(_payload[_at..(_at + (int)length)]);
                _at += (int)length;
                values.AddRange(chunk.Next(tables[(j * _size)..Math.Min(tables.Length, (j + 1) * _size)]));
                chunk.End();
            }

            return [.. values];
        }

        public override void End() => SpecificationDecoder.Check(_at == _payload.Length, "more bytes");
    }
}
