using Tfic.Models;
using Tfic.Networks;

namespace Tfic.Cli;

/// <summary>Loads weights that ship, by name, or any others, by path.</summary>
internal static class Weights
{
    public static CodecModel Codec(string nameOrPath) => Load(nameOrPath, "codec", CodecModel.Load);

    public static RecogniserModel Recogniser(string nameOrPath) =>
        Load(nameOrPath, "recogniser", RecogniserModel.Load);

    public static DetectorModel Detector(string nameOrPath) => Load(nameOrPath, "detector", DetectorModel.Load);

    public static RestorerModel Restorer(string nameOrPath, bool int8 = false)
    {
        RestorerModel model = Load(nameOrPath, "restorer", RestorerModel.Load);
        return int8 && model is DnCnnRestorer network ? network.InBytes() : model;
    }

    /// <summary>Loads weights in any form.</summary>
    /// <param name="nameOrPath">Name of a model that ships, or a file.</param>
    /// <param name="kind">What the weights are for, in messages.</param>
    /// <param name="load">Reads the safetensors file.</param>
    /// <exception cref="CommandFailure">There are none, or they cannot be used.</exception>
    public static T Load<T>(string nameOrPath, string kind, Func<Stream, T> load)
    {
        try
        {
            using Stream stream = Open(nameOrPath, kind);
            return load(stream);
        }
        catch (TficFormatException e)
        {
            throw new CommandFailure($"{nameOrPath}: cannot serve as {kind}. {e.Message}", inner: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandFailure.From(e, nameOrPath)!;
        }
    }

    private static Stream Open(string nameOrPath, string kind)
    {
        if (ShippedModels.Names.Contains(nameOrPath))
            return ShippedModels.Open(nameOrPath);
        if (File.Exists(nameOrPath))
            return File.OpenRead(nameOrPath);
        if (nameOrPath is ShippedModels.Compact or ShippedModels.CompactMse or ShippedModels.RecogniserCompact
            or ShippedModels.DetectorCompact or ShippedModels.RestorerD1 or ShippedModels.RestorerD2)
        {
            throw new CommandFailure(
                $"This build holds no weights called '{nameOrPath}'. Give a .safetensors file of a {kind} instead.");
        }

        string shipped = ShippedModels.Names.Count > 0 ? string.Join(", ", ShippedModels.Names) : "none";
        throw new CommandFailure(
            $"{nameOrPath}: is neither a file nor a model of this build (it holds: {shipped}). Check the name.");
    }
}
