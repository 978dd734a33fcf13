using System.Collections.Concurrent;
using Tfic.Bitstream;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Reading;

namespace Tfic.CApi;

/// <summary>
/// Coders that wait for work, as many as there were calls at the same time. A coder serves one thread, a handle any
/// number; and a coder that is used again has its memory already.
/// </summary>
internal sealed class Pool<T>(Func<T> make)
{
    private readonly ConcurrentStack<T> _idle = new();

    /// <summary>Lends a coder to some work.</summary>
    public TResult Lend<TArgument, TResult>(TArgument argument, Func<T, TArgument, TResult> work)
        where TArgument : allows ref struct
    {
        if (!_idle.TryPop(out T? coder))
            coder = make();

        // One that failed is dropped, with the memory that hostile input may have made it take.
        TResult result = work(coder, argument);
        _idle.Push(coder);
        return result;
    }
}

/// <summary>A codec's model with its coders.</summary>
internal sealed class Codec(CodecModel model, int threads)
{
    private volatile Pool<TficDecoder> _decoders = MakeDecoders(model, TficLimits.Default, threads);

    public Pool<TficEncoder> Encoders { get; } = new(() => new TficEncoder(model, threads));

    public Pool<TficDecoder> Decoders => _decoders;

    /// <summary>Sets the limits of calls that begin after this one.</summary>
    public void SetLimits(TficLimits limits) => _decoders = MakeDecoders(model, limits, threads);

    private static Pool<TficDecoder> MakeDecoders(CodecModel model, TficLimits limits, int threads) =>
        new(() => new TficDecoder(model, limits, threads) { KnownModels = ShippedIds() });

    private static IEnumerable<(ModelId Id, string Name)> ShippedIds()
    {
        foreach (string name in ShippedModels.Codecs)
        {
            using Stream file = ShippedModels.Open(name);
            yield return (CodecModel.Load(file).Prior.Id, name);
        }
    }
}

/// <summary>A recogniser's model with its readers.</summary>
internal sealed class Recogniser(RecogniserModel model, int threads)
{
    public Pool<LineReader> Readers { get; } = new(() => new LineReader(model, threads));
}
