using System.Globalization;
using System.Text;

namespace TorchSharp;

/// <summary>Tensors as text.</summary>
internal static class TensorText
{
    private const int Most = 1000;

    internal static string Metadata(torch.Tensor tensor)
    {
        if (tensor.IsInvalid)
            return "[disposed]";
        string text = $"[{string.Join("x", tensor.shape)}], type = {tensor.dtype}, device = {tensor.device}";
        bool hasNumber = torch.is_floating_point(tensor.dtype) || torch.is_integral(tensor.dtype);
        return tensor.ndim == 0 && hasNumber
            ? $"{text}, value = {tensor.ToDouble().ToString(CultureInfo.InvariantCulture)}"
            : text;
    }

    internal static string Elements(torch.Tensor tensor, string format, CultureInfo? culture)
    {
        if (tensor.NumberOfElements > Most)
            return Metadata(tensor);
        using DisposeScope scope = torch.NewDisposeScope();
        using IDisposable without = torch.no_grad();
        double[] values = tensor.to(torch.ScalarType.Float64, torch.CPU).data<double>().ToArray();
        long[] shape = tensor.shape;
        var text = new StringBuilder(Metadata(tensor)).Append(' ');
        int next = 0;
        Write(0);
        return text.ToString();

        void Write(int axis)
        {
            if (axis == shape.Length)
            {
                text.Append(values[next++].ToString(format, culture ?? CultureInfo.InvariantCulture));
                return;
            }

            text.Append('[');
            for (long i = 0; i < shape[axis]; i++)
            {
                if (i > 0)
                    text.Append(", ");
                Write(axis + 1);
            }

            text.Append(']');
        }
    }
}
