using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Reading;

namespace Tfic.Restoration;

/// <summary>A page as it was before it was compressed, as far as can be told.</summary>
/// <param name="Picture">Grey, of the page's size.</param>
/// <param name="Words">The words in it, with boxes of their ink.</param>
public sealed record RestoredPage(Picture Picture, IReadOnlyList<DetectedWord> Words);

/// <summary>
/// Restores pages of text that JPEG has compressed beyond recognition. One for each thread; models may be shared.
/// </summary>
/// <remarks>
/// <code>
/// page ─ D1 ─ cleaned page ─ detector ─ word boxes ─ D2 on each word ─ put back
/// </code>
/// <para>
/// D1 is trained to come close to the page as it was, D2 to make words legible to a recogniser. D2 sees around a word as
/// far as its layers reach, so it is computed once for the rectangle that holds all words; each takes its own part. What
/// it sees is the cleaned page or, as the compact D2 does, the page as JPEG left it (<see cref="RestorerModel.SeesPage"/>). Pictures pass from stage to stage with 8 bits a sample. Results do not depend on the number of threads.
/// </para>
/// </remarks>
public sealed class PageRestorer
{
    /// <summary>Pixels around the box of a word's ink that D2 makes, too, and that a reader had better see.</summary>
    public const int Margin = 2;

    private readonly RestorerModel _first;
    private readonly RestorerModel? _second;
    private readonly WordDetector? _detector;
    private readonly Workspace _workspace;

    /// <summary>Makes a restorer.</summary>
    /// <param name="first">D1, for pages.</param>
    /// <param name="second">D2, for words; null to leave them as D1 makes them.</param>
    /// <param name="detector">Finds words; null where boxes are given or none are wanted.</param>
    /// <param name="threads">How many threads may work on one page.</param>
    public PageRestorer(
        RestorerModel first, RestorerModel? second = null, DetectorModel? detector = null, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(first);
        (_first, _second) = (first, second);
        _detector = detector is null ? null : new WordDetector(detector, threads);
        _workspace = new Workspace(threads);
    }

    /// <summary>Restores a page.</summary>
    /// <param name="page">The decoded file, grey or in colour, of which luma is taken.</param>
    /// <exception cref="InvalidOperationException">There is no detector.</exception>
    public RestoredPage Restore(Picture page)
    {
        if (_detector is null)
            throw new InvalidOperationException("There is no detector to find the words.");
        Picture cleaned = Clean(page);
        IReadOnlyList<DetectedWord> words = PageReader.Detect(_detector, cleaned);
        return new RestoredPage(Enhance(page, cleaned, [.. words.Select(word => word.Box)]), words);
    }

    /// <summary>D1 over the whole page.</summary>
    /// <param name="page">The decoded file, grey or in colour.</param>
    /// <returns>A grey picture of the page's size.</returns>
    public Picture Clean(Picture page)
    {
        ArgumentNullException.ThrowIfNull(page);
        return _first.Restore(PictureConversion.ToGrey(page), _workspace);
    }

    /// <summary>D2 on words of which the places are known.</summary>
    /// <param name="page">The decoded file, grey or in colour.</param>
    /// <param name="cleaned">What <see cref="Clean"/> gave for it.</param>
    /// <param name="words">Boxes of the words' ink, within the page.</param>
    /// <returns>The page, with what D2 makes of the boxes and <see cref="Margin"/> pixels around them.</returns>
    /// <exception cref="ArgumentException">
    /// A box is empty or reaches outside the page, the cleaned page is in colour, or the two differ in size.
    /// </exception>
    public Picture Enhance(Picture page, Picture cleaned, IReadOnlyList<Box> words)
    {
        ArgumentNullException.ThrowIfNull(page);
        ArgumentNullException.ThrowIfNull(cleaned);
        ArgumentNullException.ThrowIfNull(words);
        var whole = new Box(0, 0, cleaned.Width, cleaned.Height);
        if (cleaned.Channels != 1 || words.Any(box => box.Area == 0 || !whole.Contains(box)))
            throw new ArgumentException("The cleaned page is in colour, or a word's box is empty or reaches outside it.", nameof(words));
        if ((page.Width, page.Height) != (cleaned.Width, cleaned.Height))
            throw new ArgumentException("The pages differ in size.", nameof(page));
        if (words.Count == 0 || _second is null)
            return cleaned.Crop(whole);

        Box all = words.Aggregate((a, b) => a.Union(b)).Enlarge(Margin, Margin).Intersect(whole);
        Picture enhanced = cleaned.Crop(whole);
        Picture seen = _second.SeesPage ? PictureConversion.ToGrey(page) : cleaned;
        enhanced.Paste(_second.Restore(seen, all, _workspace), all.Left, all.Top);
        return Compose(cleaned, enhanced, words);
    }

    /// <summary>Takes the words, with <see cref="Margin"/> pixels around them, from another picture of the page.</summary>
    /// <param name="cleaned">The page; it stays as it is.</param>
    /// <param name="enhanced">D2's picture of it, of the same size.</param>
    /// <param name="words">Boxes of the words' ink.</param>
    /// <exception cref="ArgumentException">A box is empty or reaches outside the page, or the pictures differ in size.</exception>
    public static Picture Compose(Picture cleaned, Picture enhanced, IReadOnlyList<Box> words)
    {
        ArgumentNullException.ThrowIfNull(cleaned);
        ArgumentNullException.ThrowIfNull(enhanced);
        ArgumentNullException.ThrowIfNull(words);
        if ((enhanced.Width, enhanced.Height) != (cleaned.Width, cleaned.Height))
            throw new ArgumentException("The pictures differ in size.", nameof(enhanced));
        var whole = new Box(0, 0, cleaned.Width, cleaned.Height);
        Picture page = cleaned.Crop(whole);
        foreach (Box box in words)
        {
            Box place = box.Enlarge(Margin, Margin).Intersect(whole);
            page.Paste(enhanced.Crop(place), place.Left, place.Top);
        }

        return page;
    }
}
