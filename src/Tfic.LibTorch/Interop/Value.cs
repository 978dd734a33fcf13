namespace TorchSharp.Interop;

/// <summary>One argument of an ATen operator, made by conversion from what C# code has at hand.</summary>
internal readonly struct Value
{
    private Value(ValueKind kind, long bits = 0, object? reference = null)
    {
        Kind = kind;
        Bits = bits;
        Reference = reference;
    }

    internal ValueKind Kind { get; }

    internal long Bits { get; }

    /// <summary>The list, text or tensor, which has to outlive the call.</summary>
    internal object? Reference { get; }

    internal static Value None => new(ValueKind.None);

    /// <summary>The schema's default.</summary>
    internal static Value Default => default;

    public static implicit operator Value(torch.Tensor? tensor) =>
        tensor is null ? None : new(ValueKind.Tensor, 0, tensor);

    public static implicit operator Value(int value) => new(ValueKind.Int, value);

    public static implicit operator Value(long value) => new(ValueKind.Int, value);

    public static implicit operator Value(long? value) => value is { } v ? v : None;

    public static implicit operator Value(double value) => new(ValueKind.Double, BitConverter.DoubleToInt64Bits(value));

    public static implicit operator Value(double? value) => value is { } v ? v : None;

    public static implicit operator Value(bool value) => new(ValueKind.Bool, value ? 1 : 0);

    public static implicit operator Value(bool? value) => value is { } v ? v : None;

    public static implicit operator Value(string? text) => text is null ? None : new(ValueKind.String, 0, text);

    public static implicit operator Value(long[]? list) => list is null ? None : new(ValueKind.IntList, 0, list);

    public static implicit operator Value(double[]? list) => list is null ? None : new(ValueKind.DoubleList, 0, list);

    public static implicit operator Value(torch.Tensor?[] list) => new(ValueKind.TensorList, 0, list);

    public static implicit operator Value(torch.Size size) => new(ValueKind.IntList, 0, size.Shape);

    public static implicit operator Value(torch.ScalarType type) => (int)type;

    public static implicit operator Value(torch.ScalarType? type) => type is { } t ? (int)t : None;

    public static implicit operator Value(torch.nn.Reduction reduction) => (int)reduction;

    public static implicit operator Value(torch.Device? device) =>
        device is null ? None : new(ValueKind.Device, Pack(device));

    public static implicit operator Value(torch.Generator? generator) =>
        generator is null ? None : new(ValueKind.Generator, Pack(generator.device));

    public static implicit operator Value(Scalar? scalar) => scalar is null ? None : scalar.ToValue();

    private static long Pack(torch.Device device) => ((long)device.type << 32) | (uint)device.index;
}
