using Tfic.Imaging;

namespace Tfic.Tests.Imaging;

/// <summary>EXIF blocks with an orientation, and what the orientation means.</summary>
internal static class Exif
{
    public static byte[] Block(int orientation, bool little)
    {
        // Header, one directory of two entries (the other comes first and is to be passed over), no next directory.
        var bytes = new List<byte>();
        bytes.AddRange(little ? "II"u8 : "MM"u8);
        U16(42);
        U32(8);
        U16(2);
        U16(0x0100); // ImageWidth
        U16(4);
        U32(1);
        U32(99);
        U16(0x0112);
        U16(3);
        U32(1);
        U16(orientation);
        U16(0);
        U32(0);
        return [.. bytes];

        void U16(int value)
        {
            byte low = (byte)value, high = (byte)(value >> 8);
            bytes.AddRange(little ? [low, high] : [high, low]);
        }

        void U32(int value)
        {
            if (little)
            {
                U16(value & 0xFFFF);
                U16(value >> 16);
            }
            else
            {
                U16(value >> 16);
                U16(value & 0xFFFF);
            }
        }
    }

    /// <summary>The upright picture, pixel by pixel from the standard's words about row 0 and column 0.</summary>
    public static Picture Upright(Picture stored, int orientation)
    {
        // Where stored row 0 lies in the scene, and stored column 0.
        (string row, string column) = orientation switch
        {
            1 => ("top", "left"),
            2 => ("top", "right"),
            3 => ("bottom", "right"),
            4 => ("bottom", "left"),
            5 => ("left", "top"),
            6 => ("right", "top"),
            7 => ("right", "bottom"),
            _ => ("left", "bottom"),
        };
        bool turned = row is "left" or "right";
        var upright = turned
            ? new Picture(stored.Height, stored.Width, stored.Channels)
            : new Picture(stored.Width, stored.Height, stored.Channels);
        for (int r = 0; r < stored.Height; r++)
        {
            for (int c = 0; c < stored.Width; c++)
            {
                int x = Along(turned ? row : column, turned ? r : c, upright.Width);
                int y = Along(turned ? column : row, turned ? c : r, upright.Height);
                for (int k = 0; k < stored.Channels; k++)
                    upright.Row(y)[x * stored.Channels + k] = stored.Row(r)[c * stored.Channels + k];
            }
        }

        return upright;

        static int Along(string side, int index, int size) => side is "top" or "left" ? index : size - 1 - index;
    }
}
