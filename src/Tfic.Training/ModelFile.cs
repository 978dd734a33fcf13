using Tfic.Networks;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training;

/// <summary>Tensors into and out of safetensors files.</summary>
internal static class ModelFile
{
    /// <summary>Adds NAME.weight and NAME.bias in float16.</summary>
    public static void Add(SafetensorsWriter writer, string name, Tensor weight, Tensor bias)
    {
        writer.AddFloat16(name + ".weight", Values(weight), Shape(weight));
        writer.AddFloat16(name + ".bias", Values(bias), Shape(bias));
    }

    /// <summary>Adds convolutions with their normalisations folded in, and a head without one, as "head".</summary>
    public static void AddFolded(
        SafetensorsWriter writer, IEnumerable<(string Name, NormalisedConvolution Layer)> layers, Convolution head)
    {
        foreach ((string name, NormalisedConvolution layer) in layers)
        {
            (Tensor weight, Tensor bias) = layer.Fold();
            Add(writer, name, weight, bias);
        }

        Add(writer, "head", head.Weight, head.Bias!);
    }

    /// <summary>Reads what <see cref="AddFolded"/> added.</summary>
    public static void LoadFolded(
        SafetensorsFile file, IEnumerable<(string Name, NormalisedConvolution Layer)> layers, Convolution head)
    {
        using IDisposable guard = no_grad();
        foreach ((string name, NormalisedConvolution layer) in layers)
        {
            layer.LoadFolded(
                Load(file, name + ".weight", layer.Convolution.Weight),
                Load(file, name + ".bias", layer.Normalisation.bias!));
        }

        LoadInto(file, "head", head);
    }

    /// <summary>A tensor's values in row-major order.</summary>
    public static float[] Values(Tensor tensor) =>
        tensor.detach().to(ScalarType.Float32).contiguous().data<float>().ToArray();

    /// <summary>A tensor's shape as the core has it.</summary>
    public static int[] Shape(Tensor tensor) => Array.ConvertAll(tensor.shape, checked(d => (int)d));

    /// <summary>Reads a tensor that must have the shape of another.</summary>
    public static Tensor Load(SafetensorsFile file, string name, Tensor like) =>
        tensor(file.Float(name, Shape(like)), like.shape);

    /// <summary>Reads NAME.weight and NAME.bias into a convolution.</summary>
    public static void LoadInto(SafetensorsFile file, string name, Convolution layer)
    {
        using IDisposable guard = no_grad();
        layer.Weight.copy_(Load(file, name + ".weight", layer.Weight));
        layer.Bias!.copy_(Load(file, name + ".bias", layer.Bias));
    }

    /// <summary>Writes the file under a temporary name, then renames it.</summary>
    public static void Save(SafetensorsWriter writer, string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        string temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Environment.ProcessId}.tmp");
        try
        {
            using (FileStream stream = File.Create(temporary))
                writer.Write(stream);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
