using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Tfic.Synthesis;

/// <summary>The few functions and records of FreeType 2 that drawing a line of text needs.</summary>
/// <remarks>
/// FreeType's records use C's <c>long</c>, which is 64 bits on Unix and 32 on Windows: hence <see cref="CLong"/>.
/// Only the public, documented leading fields are declared; they have not moved since FreeType 2.0.
/// </remarks>
internal static unsafe partial class FreeType
{
    private const string Library = "freetype";

    /// <summary>FT_FACE_FLAG_SCALABLE: the face has outlines.</summary>
    public const int FaceFlagScalable = 1;

    public const int LoadNoScale = 1 << 0;
    public const int LoadNoHinting = 1 << 1;
    public const int LoadNoBitmap = 1 << 3;

    /// <summary>FT_LOAD_TARGET_LIGHT: hints vertically only, as screens do today.</summary>
    public const int LoadTargetLight = 1 << 16;

    public const int RenderModeNormal = 0;
    public const uint KerningUnfitted = 1;
    public const byte PixelModeGray = 2;

    /// <summary>FT_ENCODING_UNICODE, the tag 'unic'.</summary>
    public const uint EncodingUnicode = 0x756e6963;

    /// <summary>FT_GLYPH_FORMAT_OUTLINE, the tag 'outl'.</summary>
    public const uint GlyphFormatOutline = 0x6f75746c;

    static FreeType()
    {
        NativeLibrary.SetDllImportResolver(typeof(FreeType).Assembly, Resolve);
    }

    [LibraryImport(Library)]
    public static partial int FT_Init_FreeType(out LibraryHandle library);

    [LibraryImport(Library)]
    public static partial int FT_Done_FreeType(nint library);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int FT_New_Face(LibraryHandle library, string path, CLong index, out FaceRecord* face);

    [LibraryImport(Library)]
    public static partial int FT_Select_Charmap(FaceRecord* face, uint encoding);

    [LibraryImport(Library)]
    public static partial int FT_Set_Char_Size(
        FaceRecord* face, CLong width, CLong height, uint horizontalResolution, uint verticalResolution);

    [LibraryImport(Library)]
    public static partial uint FT_Get_Char_Index(FaceRecord* face, CULong character);

    [LibraryImport(Library)]
    public static partial int FT_Load_Glyph(FaceRecord* face, uint glyph, int flags);

    [LibraryImport(Library)]
    public static partial int FT_Render_Glyph(GlyphSlotRecord* slot, int mode);

    [LibraryImport(Library)]
    public static partial int FT_Get_Kerning(FaceRecord* face, uint left, uint right, uint mode, out Vector kerning);

    [LibraryImport(Library)]
    public static partial void FT_Outline_Translate(Outline* outline, CLong x, CLong y);

    /// <summary>Makes sure that FreeType is there.</summary>
    /// <exception cref="DllNotFoundException">It is not installed; the message says how to install it.</exception>
    public static void Require()
    {
        if (FT_Init_FreeType(out LibraryHandle library) == 0)
            library.Dispose();
    }

    /// <summary>The message for an error code that opening or drawing can give.</summary>
    public static string Describe(int error) => error switch
    {
        0x01 => "the file cannot be opened",
        0x02 => "the file is no font that FreeType knows",
        0x03 => "the file is broken",
        0x08 => "a table is broken",
        0x10 or 0x12 or 0x14 => "a glyph is broken",
        0x40 => "out of memory",
        0x51 or 0x52 or 0x53 or 0x54 or 0x55 => "the file is truncated",
        0x8e or 0x8f or 0x90 or 0x91 or 0x92 or 0x93 or 0x94 => "a table is missing or broken",
        _ => "FreeType refuses it",
    };

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library)
            return 0;
        string[] candidates = OperatingSystem.IsWindows() ? ["freetype.dll", "freetype6.dll", "libfreetype-6.dll"]
            : OperatingSystem.IsMacOS() ? ["libfreetype.6.dylib", "/opt/homebrew/lib/libfreetype.6.dylib"]
            : ["libfreetype.so.6", "libfreetype.so"];
        foreach (string candidate in candidates)
        {
            if (NativeLibrary.TryLoad(candidate, assembly, path, out nint handle))
                return handle;
        }

        throw new DllNotFoundException(
            $"FreeType ({candidates[0]}) is not installed. On Debian or Ubuntu: apt install libfreetype6.");
    }

    /// <summary>An FT_Library; closing it closes the faces opened with it.</summary>
    public sealed class LibraryHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        protected override bool ReleaseHandle() => FT_Done_FreeType(handle) == 0;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Vector
    {
        public CLong X, Y;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Generic
    {
        public nint Data, Finalizer;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Bitmap
    {
        public uint Rows, Width;
        public int Pitch;
        public byte* Buffer;
        public ushort GreyLevels;
        public byte PixelMode, PaletteMode;
        public nint Palette;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Outline
    {
        public ushort ContourCount, PointCount;
        public Vector* Points;
        public byte* Tags;
        public ushort* Contours;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct FaceRecord
    {
        public CLong FaceCount, FaceIndex, FaceFlags, StyleFlags, GlyphCount;
        public byte* FamilyName, StyleName;
        public int FixedSizeCount;
        public nint FixedSizes;
        public int CharmapCount;
        public nint Charmaps;
        public Generic Generic;
        public CLong MinX, MinY, MaxX, MaxY;
        public ushort UnitsPerEm;
        public short Ascender, Descender, Height, MaxAdvanceWidth, MaxAdvanceHeight;
        public short UnderlinePosition, UnderlineThickness;
        public GlyphSlotRecord* Glyph;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct GlyphMetrics
    {
        public CLong Width, Height, HorizontalBearingX, HorizontalBearingY, HorizontalAdvance;
        public CLong VerticalBearingX, VerticalBearingY, VerticalAdvance;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct GlyphSlotRecord
    {
        public nint Library, Face, Next;
        public uint GlyphIndex;
        public Generic Generic;
        public GlyphMetrics Metrics;
        public CLong LinearHorizontalAdvance, LinearVerticalAdvance;
        public Vector Advance;
        public uint Format;
        public Bitmap Bitmap;
        public int BitmapLeft, BitmapTop;
        public Outline Outline;
    }
}
