using System.Globalization;
using System.IO.MemoryMappedFiles;

namespace Tfic.Fuzz;

/// <summary>What was done on a target so far, over all runs.</summary>
/// <param name="Next">Number of the next input.</param>
/// <param name="Inputs">Inputs tried.</param>
/// <param name="Accepted">Those that were taken for good.</param>
/// <param name="CpuSeconds">Processor time spent.</param>
internal readonly record struct Progress(long Next, long Inputs, long Accepted, double CpuSeconds)
{
    private const string FileName = "progress";

    public static Progress Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return default;
        string[] fields = File.ReadAllText(path).Split(' ');
        return new Progress(
            long.Parse(fields[0], CultureInfo.InvariantCulture),
            long.Parse(fields[1], CultureInfo.InvariantCulture),
            long.Parse(fields[2], CultureInfo.InvariantCulture),
            double.Parse(fields[3], CultureInfo.InvariantCulture));
    }

    public void Save(string folder)
    {
        string path = Path.Combine(folder, FileName);
        File.WriteAllText(
            path + ".new", string.Create(CultureInfo.InvariantCulture, $"{Next} {Inputs} {Accepted} {CpuSeconds:0.##}"));
        File.Move(path + ".new", path, overwrite: true);
    }
}

/// <summary>
/// The input that is being tried, in a file that outlives the process: what is found there after a crash is its cause.
/// </summary>
internal sealed class Journal : IDisposable
{
    private const string FileName = "current";

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public Journal(string folder, int maxLength)
    {
        _file = MemoryMappedFile.CreateFromFile(
            Path.Combine(folder, FileName), FileMode.Create, null, 4 + maxLength);
        _view = _file.CreateViewAccessor();
    }

    public void Begin(byte[] input)
    {
        _view.WriteArray(4, input, 0, input.Length);
        _view.Write(0, input.Length + 1);
    }

    public void End() => _view.Write(0, 0);

    /// <summary>The input that a process was trying when it ended; null if it was trying none.</summary>
    public static byte[]? Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return null;
        byte[] bytes = File.ReadAllBytes(path);
        int length = bytes.Length < 4 ? 0 : BitConverter.ToInt32(bytes);
        return length == 0 ? null : bytes[4..(3 + length)];
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
