using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Tfic.Bitstream;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Restoration;

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
    public RecogniserModel Model => model;

    public Pool<LineReader> Readers { get; } = new(() => new LineReader(model, threads));
}

/// <summary>A detector's model with the readers of pages that use it.</summary>
internal sealed class Detector(DetectorModel model, int threads)
{
    // Readers go when their recogniser is closed.
    private readonly ConditionalWeakTable<Recogniser, Pool<PageReader>> _readers = [];

    public DetectorModel Model => model;

    public Pool<PageReader> Readers(Recogniser recogniser) => _readers.GetValue(
        recogniser, other => MakeReaders(model, other.Model, threads));

    // Apart: what a lambda captures lives as long as it does, and here that is as long as the recogniser.
    private static Pool<PageReader> MakeReaders(DetectorModel detector, RecogniserModel recogniser, int threads) =>
        new(() => new PageReader(detector, recogniser, threads));
}

/// <summary>A restorer's model with the restorers of pages of which it is the first.</summary>
internal sealed class Restorer(RestorerModel model, int threads)
{
    private readonly Pool<PageRestorer> _alone = new(() => new PageRestorer(model, threads: threads));
    private readonly ConditionalWeakTable<Restorer, ConditionalWeakTable<Detector, Pool<PageRestorer>>> _pages = [];

    public RestorerModel Model => model;

    /// <summary>Those that leave words as this one makes them.</summary>
    public Pool<PageRestorer> Pages() => _alone;

    /// <summary>Those that go on with the words that a detector finds.</summary>
    public Pool<PageRestorer> Pages(Restorer words, Detector detector) =>
        _pages.GetOrCreateValue(words).GetValue(
            detector, other => MakePages(model, words.Model, other.Model, threads));

    private static Pool<PageRestorer> MakePages(
        RestorerModel first, RestorerModel second, DetectorModel detector, int threads) =>
        new(() => new PageRestorer(first, second, detector, threads));
}
