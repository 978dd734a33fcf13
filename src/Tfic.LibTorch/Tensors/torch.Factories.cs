using System.Runtime.InteropServices;
using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    private static ScalarType defaultType = ScalarType.Float32;
    private static Device defaultDevice = CPU;

    public static ScalarType get_default_dtype() => defaultType;

    public static void set_default_dtype(ScalarType dtype) => defaultType = dtype;

    public static Device get_default_device() => defaultDevice;

    public static void set_default_device(Device device) => defaultDevice = device;

    public static void set_default_device(string device) => defaultDevice = new Device(device);

    public static Tensor empty_like(
        Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        string[]? names = null) => Like("empty_like", input, dtype, device, requires_grad, names);

    public static Tensor zeros_like(
        Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        string[]? names = null) => Like("zeros_like", input, dtype, device, requires_grad, names);

    public static Tensor ones_like(
        Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        string[]? names = null) => Like("ones_like", input, dtype, device, requires_grad, names);

    public static Tensor full_like(
        Tensor input, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        string[]? names = null) => Like("full_like", input, dtype, device, requires_grad, names, value);

    public static Tensor rand_like(
        Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Like("rand_like", input, dtype, device, requires_grad, null);

    public static Tensor randn_like(
        Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Like("randn_like", input, dtype, device, requires_grad, null);

    public static Tensor empty_strided(
        long[] size, long[] strides, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        string[]? names = null) => Make("empty_strided", dtype, device, requires_grad, names, size, strides);

    public static Tensor randint(
        long low, long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        Generator? generator = null, string[]? names = null) => Draw(
            "randint.low_generator", generator, dtype ?? ScalarType.Int64, device, requires_grad, names, low, high,
            size);

    public static Tensor randint(
        long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        Generator? generator = null, string[]? names = null) =>
        randint(0, high, size, dtype, device, requires_grad, generator, names);

    public static Tensor randint(
        long low, long high, Size size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        Generator? generator = null, string[]? names = null) =>
        randint(low, high, size.Shape, dtype, device, requires_grad, generator, names);

    public static Tensor randint(
        long high, Size size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        Generator? generator = null, string[]? names = null) =>
        randint(0, high, size.Shape, dtype, device, requires_grad, generator, names);

    public static Tensor randperm(
        long n, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        Generator? generator = null) =>
        Draw("randperm.generator", generator, dtype ?? ScalarType.Int64, device, requires_grad, null, n);

    public static Tensor normal(
        double mean, double std, ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null,
        bool requires_grad = false, Generator? generator = null, string[]? names = null) =>
        Draw("normal.float_float", generator, dtype, device, requires_grad, names, mean, std, size.ToArray());

    public static Tensor normal(Tensor mean, Tensor std, Generator? generator = null) =>
        Aten.Call("normal.Tensor_Tensor", mean, std, generator);

    public static Tensor arange(
        Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null,
        bool requires_grad = false) => Make(
            "arange.start_step", Counting(dtype, start, stop, step), device, requires_grad, null, start, stop, step);

    public static Tensor arange(
        Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(start, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(
        Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor eye(
        long rows, long columns = -1L, ScalarType? dtype = null, Device? device = null, bool requires_grad = false,
        string[]? names = null) =>
        Make("eye.m", dtype, device, requires_grad, names, rows, columns < 0 ? rows : columns);

    public static Tensor linspace(
        double start, double end, long steps, ScalarType? dtype = null, Device? device = null,
        bool requires_grad = false) => Make("linspace", dtype, device, requires_grad, null, start, end, steps);

    public static Tensor logspace(
        double start, double end, long steps, double @base = 10, ScalarType? dtype = null, Device? device = null,
        bool requires_grad = false) => Make("logspace", dtype, device, requires_grad, null, start, end, steps, @base);

    /// <summary>A tensor with the array's shape and a copy of its elements.</summary>
    public static Tensor from_array(Array rawArray, Device? device = null) => from_array(rawArray, null, device);

    public static Tensor from_array(
        Array rawArray, ScalarType? dtype, Device? device = null, bool requires_grad = false,
        string[]? names = null) => rawArray.GetType().GetElementType() switch
        {
            var t when t == typeof(bool) => FromArray<bool>(rawArray, dtype, device, requires_grad, names),
            var t when t == typeof(byte) => FromArray<byte>(rawArray, dtype, device, requires_grad, names),
            var t when t == typeof(sbyte) => FromArray<sbyte>(rawArray, dtype, device, requires_grad, names),
            var t when t == typeof(short) => FromArray<short>(rawArray, dtype, device, requires_grad, names),
            var t when t == typeof(int) => FromArray<int>(rawArray, dtype, device, requires_grad, names),
            var t when t == typeof(long) => FromArray<long>(rawArray, dtype, device, requires_grad, names),
            var t when t == typeof(float) => FromArray<float>(rawArray, dtype, device, requires_grad, names),
            var t when t == typeof(double) => FromArray<double>(rawArray, dtype, device, requires_grad, names),
            var t => throw new NotSupportedException($"there are no tensors of {t}"),
        };

    public static Tensor as_tensor(Tensor data, ScalarType? dtype = null, Device? device = null) =>
        data.to(dtype ?? data.dtype, device ?? data.device);

    public static Tensor as_tensor(float[] rawArray, ScalarType? dtype = null, Device? device = null) =>
        tensor(rawArray, dtype, device);

    public static Tensor as_tensor(double[] rawArray, ScalarType? dtype = null, Device? device = null) =>
        tensor(rawArray, dtype, device);

    public static Tensor as_tensor(long[] rawArray, ScalarType? dtype = null, Device? device = null) =>
        tensor(rawArray, dtype, device);

    public static Tensor as_tensor(int[] rawArray, ScalarType? dtype = null, Device? device = null) =>
        tensor(rawArray, dtype, device);

    internal static Tensor FromElements<T>(
        ReadOnlySpan<T> elements, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null,
        bool requires_grad = false, string[]? names = null) where T : unmanaged
    {
        NoNames(names);
        long count = 1;
        foreach (long dimension in dimensions)
            count = checked(count * dimension);
        if (count != elements.Length)
            throw new ArgumentException(
                $"mismatched total size creating a tensor from an array: {elements.Length} elements for {count}");

        Tensor made = Aten.Call("empty.memory_format", dimensions.ToArray(), Elements.Of<T>(), Value.None, CPU);
        MemoryMarshal.AsBytes(elements).CopyTo(made.bytes);
        Device target = device ?? defaultDevice;
        if (made.WillCopy(dtype ?? made.dtype, target))
            made = made.to(dtype ?? made.dtype, target, disposeAfter: true);
        made.requires_grad = requires_grad;
        return made;
    }

    private static unsafe Tensor FromArray<T>(
        Array array, ScalarType? dtype, Device? device, bool requires_grad, string[]? names) where T : unmanaged
    {
        var dimensions = new long[array.Rank];
        for (int i = 0; i < dimensions.Length; i++)
            dimensions[i] = array.GetLongLength(i);
        ReadOnlySpan<T> elements = MemoryMarshal.CreateReadOnlySpan(
            ref System.Runtime.CompilerServices.Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(array)),
            array.Length);
        return FromElements(elements, dimensions, dtype, device, requires_grad, names);
    }

    private static ScalarType Counting(ScalarType? dtype, params ReadOnlySpan<Scalar> bounds)
    {
        if (dtype is { } wanted)
            return wanted;
        foreach (Scalar bound in bounds)
        {
            if (is_floating_point(bound.Type))
                return defaultType;
        }

        return ScalarType.Int64;
    }

    /// <summary>A factory whose schema ends in dtype, layout, device, pin_memory.</summary>
    private static Tensor Make(
        string op, ScalarType? dtype, Device? device, bool requires_grad, string[]? names,
        params ReadOnlySpan<Value> arguments)
    {
        NoNames(names);
        Tensor made = Aten.Call(op, [.. arguments, dtype ?? defaultType, Value.None, device ?? defaultDevice]);
        if (requires_grad)
            made.requires_grad = true;
        return made;
    }

    /// <summary>A random factory: its generator stands before dtype.</summary>
    private static Tensor Draw(
        string op, Generator? generator, ScalarType? dtype, Device? device, bool requires_grad, string[]? names,
        params ReadOnlySpan<Value> arguments) =>
        Make(op, dtype, device, requires_grad, names, [.. arguments, generator]);

    private static Tensor Like(
        string op, Tensor input, ScalarType? dtype, Device? device, bool requires_grad, string[]? names,
        params ReadOnlySpan<Value> arguments)
    {
        NoNames(names);
        Tensor made = Aten.Call(op, [input, .. arguments, dtype, Value.None, device]);
        if (requires_grad)
            made.requires_grad = true;
        return made;
    }

    private static void NoNames(string[]? names)
    {
        if (names is not null)
            throw new NotSupportedException("named dimensions are not supported here; TorchSharp has them");
    }

    public partial class Tensor
    {
        public Tensor empty_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            torch.empty_like(this, dtype, device, requires_grad);

        public Tensor zeros_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            torch.zeros_like(this, dtype, device, requires_grad);

        public Tensor ones_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            torch.ones_like(this, dtype, device, requires_grad);

        public Tensor full_like(
            Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            torch.full_like(this, value, dtype, device, requires_grad);

        public Tensor rand_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            torch.rand_like(this, dtype, device, requires_grad);

        public Tensor randn_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            torch.randn_like(this, dtype, device, requires_grad);

        public Tensor new_zeros(
            long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            zeros(size, dtype ?? this.dtype, device ?? this.device, requires_grad);

        public Tensor new_empty(
            long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            empty(size, dtype ?? this.dtype, device ?? this.device, requires_grad);

        public Tensor new_full(
            long[] size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            full(size, value, dtype ?? this.dtype, device ?? this.device, requires_grad);

        public Tensor bernoulli(Generator? generator = null) => Aten.Call("bernoulli", this, generator);

        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) =>
            Aten.Call("bernoulli_.float", this, p, generator);

        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null) =>
            Aten.Call("multinomial", this, num_samples, replacement, generator);

        public Tensor normal_(double mean = 0, double std = 1, Generator? generator = null) =>
            Aten.Call("normal_", this, mean, std, generator);

        public Tensor uniform_(double from, double to, Generator? generator = null) =>
            Aten.Call("uniform_", this, from, to, generator);

        public Tensor exponential_(double lambda = 1, Generator? generator = null) =>
            Aten.Call("exponential_", this, lambda, generator);
    }
}
