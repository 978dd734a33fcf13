using Tfic.Imaging;
using Tfic.Synthesis;

namespace Tfic.Cli.Tests;

public class SynthTests
{
    private static readonly bool s_canDraw = CanDraw();

    private const string Reason = "needs FreeType and an installed font in every split";

    [SkippableFact]
    public void Lines_with_labels_from_a_seed()
    {
        Skip.IfNot(s_canDraw, Reason);
        using var folder = new TemporaryFolder();
        string words = folder.Write("words.txt", [.. "alpha\nbravo\ncharlie\ndelta\necho\nfoxtrot\ngolf\nhotel\n"u8]);
        string[] common = ["--words", words, "-n", "4", "--size", "128x32"];
        Command.Run(["synth", "lines", "-o", folder["a"], "-j", "1", .. common]).Ok();
        Command.Run(["synth", "lines", "-o", folder["b"], "-j", "3", .. common]).Ok();
        string[] rows = File.ReadAllLines(folder["a/labels.tsv"]);
        Assert.Equal(4, rows.Length);
        foreach (string row in rows)
        {
            string[] cells = row.Split('\t');
            Picture picture = PictureFile.Read(folder["a/" + cells[0]]);
            Assert.Equal((128, 32), (picture.Width, picture.Height));
            Assert.NotEqual("", cells[1]);
            Assert.Equal(File.ReadAllBytes(folder["a/" + cells[0]]), File.ReadAllBytes(folder["b/" + cells[0]]));
        }

        Command.Run(["synth", "lines", "-o", folder["a"], .. common]).Refused(folder["a"], "not empty");
        Command.Run(["synth", "lines", "-o", folder["a"], "--overwrite", "--seed", "2", .. common]).Ok();
        Assert.NotEqual(rows, File.ReadAllLines(folder["a/labels.tsv"]));
    }

    [SkippableFact]
    public void Pages_with_boxes()
    {
        Skip.IfNot(s_canDraw, Reason);
        using var folder = new TemporaryFolder();
        string paragraph = string.Join(' ', Enumerable.Repeat("The quick brown fox jumps over the lazy dog.", 12));
        string book = folder["book.txt"];
        File.WriteAllText(book, string.Join("\n\n", Enumerable.Repeat(paragraph, 40)));
        Command.Run("synth", "pages", book, "-o", folder["pages"], "-n", "1", "--font-size", "24").Ok();
        string[] cells = File.ReadAllLines(folder["pages/labels.tsv"])[0].Split('\t');
        Assert.True(PictureFile.Read(folder["pages/" + cells[0]]).Height > 1000);
        Command.Run("synth", "pages", book, "-o", folder["patches"], "-n", "1", "--patches").Ok();
        cells = File.ReadAllLines(folder["patches/labels.tsv"])[0].Split('\t');
        Picture patch = PictureFile.Read(folder["patches/" + cells[0]]);
        Assert.Equal((256, 64), (patch.Width, patch.Height));
    }

    [Fact]
    public void Options_print_and_read_back()
    {
        using var folder = new TemporaryFolder();
        string json = Command.Run("synth", "lines", "--print-options", "--size", "512x256").Ok().Text;
        Assert.Equal(512, LineOptions.FromJson(json).Width);
        File.WriteAllText(folder["options.json"], json);
        Assert.Equal(
            json, Command.Run("synth", "lines", "--print-options", "--options", folder["options.json"]).Ok().Text);
        File.WriteAllText(folder["options.json"], "{ \"colour\": 1 }");
        Command.Run("synth", "lines", "--print-options", "--options", folder["options.json"])
            .Refused(folder["options.json"], "colour");
    }

    [Fact]
    public void Bad_input_leaves_no_folder()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("file", [1]);
        string empty = folder.Write("empty.txt", []);
        Command.Run("synth", "lines").Refused("-o");
        if (s_canDraw)
        {
            foreach (string words in new[] { folder["none.txt"], empty })
                Command.Run("synth", "lines", "-o", folder["out"], "--words", words).Refused(words);
            Command.Run("synth", "lines", "-o", file, "-n", "1").Refused(file);
            Command.Run("synth", "pages", folder["none.txt"], "-o", folder["out"]).Refused(folder["none.txt"]);
            Command.Run("synth", "pages", empty, "-o", folder["out"]).Refused(empty);
        }

        Assert.Equal(["empty.txt", "file"], folder.Names);
    }

    internal static bool CanDraw()
    {
        try
        {
            FontSet fonts = FontSet.Installed();
            return Enum.GetValues<Split>().All(split => fonts.Split(split).Fonts.Length > 0);
        }
        catch (DllNotFoundException)
        {
            return false;
        }
    }
}
