namespace TorchSharp;

/// <summary>The C# types that hold torch's element types.</summary>
internal static class Elements
{
    internal static torch.ScalarType Of<T>() where T : unmanaged => default(T) switch
    {
        byte => torch.ScalarType.Byte,
        sbyte => torch.ScalarType.Int8,
        short => torch.ScalarType.Int16,
        int => torch.ScalarType.Int32,
        long => torch.ScalarType.Int64,
        Half => torch.ScalarType.Float16,
        BFloat16 => torch.ScalarType.BFloat16,
        float => torch.ScalarType.Float32,
        double => torch.ScalarType.Float64,
        bool => torch.ScalarType.Bool,
        _ => throw new NotSupportedException($"there are no tensors of {typeof(T)}"),
    };

    internal static bool Match<T>(torch.ScalarType type) where T : unmanaged => Of<T>() == type;
}
