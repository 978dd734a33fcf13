using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.Interop.NativeMethods;

namespace TorchSharp.Interop;

/// <summary>
/// Calls ATen's operators by their schema's name. The dispatcher checks the arguments, fills in the defaults of those
/// that are left out and records gradients, so that a wrapper needs no native code of its own.
/// </summary>
internal static unsafe class Aten
{
    private static readonly ConcurrentDictionary<string, nint> Operators = new();

    /// <summary>Calls an operator that returns one tensor.</summary>
    /// <param name="name">The name in namespace aten with the overload: "conv2d", "add.Tensor".</param>
    /// <param name="arguments">The arguments in schema order.</param>
    internal static torch.Tensor Call(string name, params ReadOnlySpan<Value> arguments)
    {
        NativeValue* results = Invoke(name, arguments, out _);
        return new torch.Tensor((nint)results[0].Bits);
    }

    /// <summary>Calls an operator that returns two tensors.</summary>
    internal static (torch.Tensor, torch.Tensor) Call2(string name, params ReadOnlySpan<Value> arguments)
    {
        torch.Tensor[] all = CallList(name, arguments);
        return (all[0], all[1]);
    }

    /// <summary>Calls an operator that returns three tensors.</summary>
    internal static (torch.Tensor, torch.Tensor, torch.Tensor) Call3(string name, params ReadOnlySpan<Value> arguments)
    {
        torch.Tensor[] all = CallList(name, arguments);
        return (all[0], all[1], all[2]);
    }

    /// <summary>Calls an operator that returns any number of tensors.</summary>
    internal static torch.Tensor[] CallList(string name, params ReadOnlySpan<Value> arguments)
    {
        NativeValue* results = Invoke(name, arguments, out int count);
        var all = new torch.Tensor[count];
        for (int i = 0; i < count; i++)
            all[i] = new torch.Tensor((nint)results[i].Bits);
        return all;
    }

    /// <summary>Calls an operator whose result is a number or nothing.</summary>
    internal static NativeValue CallScalar(string name, params ReadOnlySpan<Value> arguments)
    {
        NativeValue* results = Invoke(name, arguments, out int count);
        return count > 0 ? results[0] : default;
    }

    /// <summary>The results live in native memory until this thread's next call.</summary>
    private static NativeValue* Invoke(string name, ReadOnlySpan<Value> arguments, out int count)
    {
        const int OnStack = 96;
        int room = 0;
        foreach (Value argument in arguments)
            room += Room(argument);

        long* stack = stackalloc long[OnStack];
        fixed (long* heap = room > OnStack ? new long[room] : null)
        {
            long* free = heap is null ? stack : heap;
            NativeValue* values = stackalloc NativeValue[arguments.Length];
            for (int i = 0; i < arguments.Length; i++)
                values[i] = Marshal(arguments[i], ref free);

            NativeValue* results;
            int found;
            int status = tfic_torch_call(Find(name), values, arguments.Length, &results, &found);
            foreach (Value argument in arguments)
                GC.KeepAlive(argument.Reference);
            Check(status);
            count = found;
            return results;
        }
    }

    /// <summary>The 64-bit words that a list or text needs beside the value itself.</summary>
    private static int Room(Value value) => value.Reference switch
    {
        torch.Tensor => 0,
        Array list => list.Length,
        string text => (Encoding.UTF8.GetByteCount(text) + 7) / 8,
        _ => 0,
    };

    private static NativeValue Marshal(Value value, ref long* free)
    {
        var native = new NativeValue { Kind = value.Kind, Bits = value.Bits };
        switch (value.Reference)
        {
            case torch.Tensor tensor:
                native.Bits = tensor.Handle;
                break;
            case long[] list:
                native.Length = list.Length;
                native.Bits = (nint)free;
                list.CopyTo(new Span<long>(free, list.Length));
                break;
            case double[] list:
                native.Length = list.Length;
                native.Bits = (nint)free;
                list.CopyTo(new Span<double>(free, list.Length));
                break;
            case torch.Tensor?[] list:
                native.Length = list.Length;
                native.Bits = (nint)free;
                for (int i = 0; i < list.Length; i++)
                    ((nint*)free)[i] = list[i]?.Handle ?? 0;
                break;
            case string text:
                native.Bits = (nint)free;
                native.Length = Encoding.UTF8.GetBytes(text, new Span<byte>(free, Room(value) * sizeof(long)));
                break;
        }

        free += Room(value);
        return native;
    }

    private static nint Find(string name)
    {
        if (Operators.TryGetValue(name, out nint known))
            return known;
        // The first use anywhere comes through here or through a factory: say what is missing before P/Invoke does.
        if (LibTorch.Missing is { } problem)
            throw new DllNotFoundException(problem);
        int dot = name.IndexOf('.');
        string overload = dot < 0 ? "" : name[(dot + 1)..];
        Check(tfic_torch_find("aten::" + (dot < 0 ? name : name[..dot]), overload, out nint op));
        return Operators.GetOrAdd(name, op);
    }

    /// <summary>The handles of tensors, for the calls that take them as plain arrays.</summary>
    internal static nint[] Handles(IEnumerable<torch.Tensor?> tensors) => [.. tensors.Select(t => t?.Handle ?? 0)];
}
