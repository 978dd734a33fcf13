using Tfic.Models;
using Tfic.Networks;

namespace Tfic.Cli;

/// <summary>The codecs that ship, each loaded when first needed.</summary>
internal static class ShippedCodecs
{
    private static readonly (string Name, Lazy<CodecModel> Model)[] s_all =
        [.. ShippedModels.Codecs.Select(name => (name, new Lazy<CodecModel>(() => Weights.Codec(name))))];

    /// <summary>All of them; each is loaded as the enumeration reaches it.</summary>
    public static IEnumerable<CodecModel> Models => s_all.Select(codec => codec.Model.Value);

    /// <summary>Their ids and the names by which options know them.</summary>
    public static IEnumerable<(ModelId Id, string Name)> Ids =>
        s_all.Select(codec => (codec.Model.Value.Prior.Id, codec.Name));
}
