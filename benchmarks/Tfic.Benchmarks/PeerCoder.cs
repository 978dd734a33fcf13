using System.Runtime.InteropServices;
using Tfic.Kernels.RangeCoding;

namespace Tfic.Benchmarks;

/// <summary>
/// A coder of another house, in the library that the environment variable TFIC_PEER_CODERS names; what it exports is
/// in native/include/tfic_peer_coder.h.
/// </summary>
internal sealed unsafe class PeerCoder : IDisposable
{
    public const string EnvironmentVariable = "TFIC_PEER_CODERS";

    private static readonly nint s_library = Load();

    private readonly GCHandle[] _pins;
    private readonly delegate* unmanaged<void*, long> _encode;
    private readonly delegate* unmanaged<void*, void> _decode;
    private void* _coder;

    /// <summary>Opens a coder on a problem; its stream is made and checked.</summary>
    /// <exception cref="NotSupportedException">The coder cannot code this.</exception>
    /// <exception cref="InvalidDataException">It does not decode what it encoded.</exception>
    public PeerCoder(string name, FrequencyTables tables, byte[] tableIndexes, int[] values)
    {
        int[] lengths = tables.Lengths.ToArray();
        int[] frequencies = tables.Frequencies.ToArray();
        _pins = [.. new Array[] { lengths, frequencies, tableIndexes, values }
            .Select(array => GCHandle.Alloc(array, GCHandleType.Pinned))];
        var open = (delegate* unmanaged<int, int, void*, void*, long, void*, void*, void*>)Export("tfic_peer_open");
        var check = (delegate* unmanaged<void*, int>)Export("tfic_peer_check");
        _encode = (delegate* unmanaged<void*, long>)Export("tfic_peer_encode");
        _decode = (delegate* unmanaged<void*, void>)Export("tfic_peer_decode");
        _coder = open(Names.ToList().IndexOf(name), lengths.Length, At(0), At(1), values.Length, At(2), At(3));
        if (_coder == null)
        {
            Dispose();
            throw new NotSupportedException($"{name} cannot code this.");
        }

        Bytes = Encode();
        Decode();
        if (check(_coder) != 1)
            throw new InvalidDataException($"{name} does not decode what it encoded.");
    }

    /// <summary>Names of the library's coders; none if no library is named.</summary>
    public static IEnumerable<string> Names
    {
        get
        {
            if (s_library == 0)
                yield break;
            for (int i = 0; NameOf(i) is { } name; i++)
                yield return name;
        }
    }

    /// <summary>Size of the stream.</summary>
    public long Bytes { get; }

    /// <summary>Whether a coder can code a problem.</summary>
    public static bool CanCode(string name, FrequencyTables tables, byte[] tableIndexes, int[] values)
    {
        try
        {
            new PeerCoder(name, tables, tableIndexes, values).Dispose();
            return true;
        }
        catch (NotSupportedException)
        {
            return false;
        }
    }

    public long Encode() => _encode(_coder);

    public void Decode() => _decode(_coder);

    public void Dispose()
    {
        if (_coder != null)
            ((delegate* unmanaged<void*, void>)Export("tfic_peer_close"))(_coder);
        _coder = null;
        foreach (GCHandle pin in _pins.Where(pin => pin.IsAllocated))
            pin.Free();
    }

    private void* At(int pin) => (void*)_pins[pin].AddrOfPinnedObject();

    private static string? NameOf(int index) =>
        Marshal.PtrToStringUTF8(((delegate* unmanaged<int, nint>)Export("tfic_peer_name"))(index));

    private static void* Export(string name) => (void*)NativeLibrary.GetExport(s_library, name);

    private static nint Load()
    {
        if (Environment.GetEnvironmentVariable(EnvironmentVariable) is { Length: > 0 } path)
            return NativeLibrary.Load(Path.GetFullPath(path));
        Console.Error.WriteLine(
            $"Coders of other houses are left out: {EnvironmentVariable} names no library " +
            "(see native/include/tfic_peer_coder.h).");
        return 0;
    }
}
