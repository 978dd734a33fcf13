using System.Runtime.InteropServices;

namespace Tfic.Synthesis;

/// <summary>An opened font file at a size; used by one thread at a time.</summary>
/// <remarks>
/// FreeType's faces are not thread safe, and a library guards nothing that its faces share. So each face has
/// a library of its own (some 20 kB): two faces then share nothing at all, whatever threads use them.
/// </remarks>
internal sealed unsafe class Face : IDisposable
{
    private readonly string _path;
    private readonly FreeType.LibraryHandle _library;
    private readonly FreeType.FaceRecord* _face;

    /// <exception cref="FileNotFoundException">No such file.</exception>
    /// <exception cref="TficFormatException">FreeType cannot read the file, or it has no outlines.</exception>
    /// <exception cref="DllNotFoundException">FreeType is not installed.</exception>
    public Face(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no font file {path}.", path);
        _path = path;
        Check(FreeType.FT_Init_FreeType(out _library));
        try
        {
            Check(FreeType.FT_New_Face(_library, path, new CLong(0), out _face));
            if ((_face->FaceFlags.Value & FreeType.FaceFlagScalable) == 0 || _face->UnitsPerEm == 0)
                throw new TficFormatException($"The font {path} has no outlines: it cannot be drawn at any size.");
            HasUnicode = FreeType.FT_Select_Charmap(_face, FreeType.EncodingUnicode) == 0;
            Family = Marshal.PtrToStringUTF8((nint)_face->FamilyName) ?? Path.GetFileNameWithoutExtension(path);
            Style = Marshal.PtrToStringUTF8((nint)_face->StyleName) ?? "";
        }
        catch
        {
            _library.Dispose();
            throw;
        }
    }

    /// <summary>The family's name as the file gives it; the file's own name if it gives none.</summary>
    public string Family { get; }

    /// <summary>The style's name as the file gives it, or nothing.</summary>
    public string Style { get; }

    /// <summary>Whether the face says which glyphs belong to which Unicode characters.</summary>
    public bool HasUnicode { get; }

    /// <summary>Height of the em square in pixels, as last set.</summary>
    public double Size { get; private set; }

    /// <summary>Distance from the baseline to the top of the face's line box, in pixels.</summary>
    public double Ascent => _face->Ascender * Size / _face->UnitsPerEm;

    /// <summary>Distance from the baseline down to the bottom of the face's line box, in pixels; positive.</summary>
    public double Descent => -_face->Descender * Size / _face->UnitsPerEm;

    /// <summary>Sets the height of the em square.</summary>
    /// <param name="pixels">1…2000.</param>
    /// <param name="stretch">Factor of all widths.</param>
    public void SetSize(double pixels, double stretch = 1)
    {
        var width = new CLong((int)Math.Round(pixels * stretch * 64));
        var height = new CLong((int)Math.Round(pixels * 64));
        // 72 dots an inch make a point a pixel.
        Check(FreeType.FT_Set_Char_Size(_face, width, height, 72, 72));
        Size = pixels;
    }

    /// <summary>The glyph of a character; 0 if the face has none.</summary>
    public uint GlyphIndex(char character) => FreeType.FT_Get_Char_Index(_face, new CULong((uint)character));

    /// <summary>How far the second glyph moves towards (negative) or from the first, in pixels.</summary>
    public double Kerning(uint left, uint right) =>
        FreeType.FT_Get_Kerning(_face, left, right, FreeType.KerningUnfitted, out FreeType.Vector kerning) == 0
            ? kerning.X.Value / 64.0
            : 0;

    /// <summary>Draws a glyph at the size set.</summary>
    /// <param name="index">Of <see cref="GlyphIndex"/>.</param>
    /// <param name="shift">Part of a pixel, 0…1, by which it is drawn to the right.</param>
    /// <param name="hinted">Whether outlines are fitted to the pixel rows, as for screens.</param>
    public Glyph Render(uint index, double shift, bool hinted)
    {
        int flags = FreeType.LoadNoBitmap | (hinted ? FreeType.LoadTargetLight : FreeType.LoadNoHinting);
        Check(FreeType.FT_Load_Glyph(_face, index, flags));
        FreeType.GlyphSlotRecord* slot = _face->Glyph;
        double advance = hinted ? slot->Advance.X.Value / 64.0 : slot->LinearHorizontalAdvance.Value / 65536.0;
        if (slot->Format == FreeType.GlyphFormatOutline && shift > 0)
            FreeType.FT_Outline_Translate(&slot->Outline, new CLong((int)(shift * 64)), new CLong(0));
        Check(FreeType.FT_Render_Glyph(slot, FreeType.RenderModeNormal));

        ref FreeType.Bitmap bitmap = ref slot->Bitmap;
        int width = (int)bitmap.Width, height = (int)bitmap.Rows;
        if (width == 0 || height == 0 || bitmap.PixelMode != FreeType.PixelModeGray)
            return new Glyph(advance, 0, 0, 0, 0, []);
        var coverage = new byte[width * height];
        for (int y = 0; y < height; y++)
            new ReadOnlySpan<byte>(bitmap.Buffer + (nint)y * bitmap.Pitch, width).CopyTo(coverage.AsSpan(y * width));
        return new Glyph(advance, slot->BitmapLeft, -slot->BitmapTop, width, height, coverage);
    }

    /// <summary>A number that is the same for glyphs of the same outline; 0 for a blank one.</summary>
    public ulong OutlineHash(uint index)
    {
        if (FreeType.FT_Load_Glyph(_face, index, FreeType.LoadNoScale) != 0)
            return 0;
        FreeType.GlyphSlotRecord* slot = _face->Glyph;
        if (slot->Format != FreeType.GlyphFormatOutline || slot->Outline.PointCount == 0)
            return 0;
        var points = new ReadOnlySpan<byte>(
            slot->Outline.Points, slot->Outline.PointCount * sizeof(FreeType.Vector));
        return StableHash.Of(points);
    }

    /// <inheritdoc/>
    public void Dispose() => _library.Dispose();

    private void Check(int error)
    {
        if (error != 0)
        {
            throw new TficFormatException(
                $"The font {_path} cannot be used: {FreeType.Describe(error)} (FreeType error 0x{error:x2}). " +
                "Give a TrueType or OpenType file.");
        }
    }
}

/// <summary>A drawn glyph: how much of each pixel it covers.</summary>
/// <param name="Advance">Pixels from its origin to the next glyph's.</param>
/// <param name="Left">Column of the first pixel, relative to the origin.</param>
/// <param name="Top">Row of the first pixel, relative to the baseline; negative above it.</param>
/// <param name="Width">Columns; 0 if blank.</param>
/// <param name="Height">Rows; 0 if blank.</param>
/// <param name="Coverage">Height × Width, 0…255.</param>
internal readonly record struct Glyph(double Advance, int Left, int Top, int Width, int Height, byte[] Coverage);
