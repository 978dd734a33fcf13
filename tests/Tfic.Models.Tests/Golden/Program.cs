using Tfic.Models.Tests.Golden;

// Writes the golden streams anew: after new weights, or a change of the format.
if (args is not [var folder] || !Directory.Exists(folder))
{
    Console.Error.WriteLine("Usage: ./build.sh golden");
    return 2;
}

GoldenStreams.Write(folder);
Console.WriteLine($"{GoldenStreams.ReadManifest(folder).Count} golden streams in {folder}");
return 0;
