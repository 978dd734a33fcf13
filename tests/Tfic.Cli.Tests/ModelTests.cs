using Tfic.Networks;
using TorchSharp;

namespace Tfic.Cli.Tests;

[Collection(nameof(Fixture))]
public class ModelTests(Fixture fixture)
{
    [Fact]
    public void Weights_go_from_pytorch_to_safetensors_and_back()
    {
        using var folder = new TemporaryFolder();
        byte[] checkpoint = Checkpoint();
        string pth = folder.Write("dncnn.pth", checkpoint);
        string safe = folder["dncnn.safetensors"], back = folder["back.pth"];
        Command.Run("model", "import", pth, "-o", safe).Ok();
        SafetensorsFile file = SafetensorsFile.Read(File.ReadAllBytes(safe));
        Assert.Equal([4, 1, 3, 3], file.Tensors["dncnn.0.weight"].Shape);
        Command.Run("model", "export", safe, "-o", back, "--section", "state_dict").Ok();
        IReadOnlyDictionary<string, StoredTensor> expected = PyTorchFile.Read(checkpoint).StateDict();
        PyTorchFile actual = PyTorchFile.Read(File.ReadAllBytes(back));
        Assert.Equal(["state_dict"], actual.Sections);
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), actual.StateDict().Keys.Order(StringComparer.Ordinal));
        foreach ((string name, StoredTensor tensor) in expected)
            Assert.Equal(tensor.Bytes.ToArray(), actual.StateDict()[name].Bytes.ToArray());

        string text = Command.Run("model", "info", pth).Ok().Text;
        Assert.Contains("PyTorch checkpoint, DnCNN", text, StringComparison.Ordinal);
        Assert.Contains("dncnn.0.weight F32 [4, 1, 3, 3]", text, StringComparison.Ordinal);
        Assert.Contains("DnCNN", Command.Run("model", "info", safe).Ok().Text, StringComparison.Ordinal);
        Command.Run("model", "import", pth, "-o", folder["x"], "--section", "none").Refused("'none'");
        Command.Run("model", "import", pth, "-o", safe, "--no-overwrite").Refused("exists already");
    }

    [SkippableFact]
    public void A_reference_writes_all_it_computes()
    {
        Skip.IfNot(Torch(out string? missing), missing);
        using var folder = new TemporaryFolder();
        string pth = folder.Write("dncnn.pth", Checkpoint());
        var input = new SafetensorsWriter();
        input.AddFloat32("input", [.. Enumerable.Range(0, 64).Select(i => i / 64f)], 1, 1, 8, 8);
        string from = folder.Write("in.safetensors", input.ToArray()), to = folder["out.safetensors"];
        Command.Run("model", "run", pth, "--input", from, "--output", to, "--reference").Ok();
        SafetensorsFile outputs = SafetensorsFile.Read(File.ReadAllBytes(to));
        float[] output = outputs.Float("output", 1, 1, 8, 8), residual = outputs.Float("residual", 1, 1, 8, 8);
        for (int i = 0; i < 64; i++)
            Assert.Equal(i / 64f, output[i] + residual[i], 1e-5f);

        Command.Run("model", "run", pth, "--input", from, "--output", to).Refused("--reference");
        Command.Run("model", "run", pth, "--input", fixture.Codec, "--output", to, "--reference").Refused("'input'");
    }

    [SkippableFact]
    public void The_compact_codec_computes_the_same_deployed_as_in_torch()
    {
        Skip.IfNot(Torch(out string? missing), missing);
        using var folder = new TemporaryFolder();
        var input = new SafetensorsWriter();
        input.AddFloat32("input", [.. Enumerable.Range(0, 3 * 64 * 128).Select(i => i * 37 % 256 / 255f)], 1, 3, 64, 128);
        input.AddFloat32("quality", [2.5f]);
        string from = folder.Write("in.safetensors", input.ToArray());
        string deployed = folder["deployed.safetensors"], reference = folder["reference.safetensors"];
        Command.Run("model", "run", fixture.Codec, "--input", from, "--output", deployed).Ok();
        Command.Run("model", "run", fixture.Codec, "--input", from, "--output", reference, "--reference").Ok();
        SafetensorsFile a = SafetensorsFile.Read(File.ReadAllBytes(deployed));
        SafetensorsFile b = SafetensorsFile.Read(File.ReadAllBytes(reference));
        Assert.Equal(["x_hat", "y", "y_scaled", "z"], a.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, StoredTensor tensor) in a.Tensors)
        {
            float[] one = tensor.ToFloat(), other = b.Float(name, tensor.Shape);
            float tolerance = name == "x_hat" ? 0.51f / 255 : 1e-4f * Math.Max(1, one.Max(Math.Abs));
            for (int i = 0; i < one.Length; i++)
                Assert.True(Math.Abs(one[i] - other[i]) <= tolerance, $"{name}[{i}]: {one[i]} and {other[i]}");
        }
    }

    [SkippableFact]
    public void A_restorer_runs_as_torch_runs_it()
    {
        using var folder = new TemporaryFolder();
        var input = new SafetensorsWriter();
        input.AddFloat32("input", [.. Enumerable.Range(0, 20 * 31).Select(i => i * 37 % 256 / 255f)], 1, 1, 20, 31);
        string from = folder.Write("in.safetensors", input.ToArray()), to = folder["out.safetensors"];
        Command.Run("model", "run", fixture.Restorer, "--input", from, "--output", to).Ok();
        float[] deployed = SafetensorsFile.Read(File.ReadAllBytes(to)).Float("output", 1, 1, 20, 31);
        Command.Run("model", "run", fixture.Detector, "--input", from, "--output", to).Ok();
        Assert.Equal(2 * 10 * 16, SafetensorsFile.Read(File.ReadAllBytes(to)).Float("scores", 1, 2, 10, 16).Length);
        Assert.Contains("compact detector", Command.Run("model", "info", fixture.Detector).Ok().Text, StringComparison.Ordinal);
        Assert.Contains("restorer", Command.Run("model", "info", fixture.Restorer).Ok().Text, StringComparison.Ordinal);

        Skip.IfNot(Torch(out string? missing), missing);
        Command.Run("model", "run", fixture.Restorer, "--input", from, "--output", to, "--reference").Ok();
        float[] reference = SafetensorsFile.Read(File.ReadAllBytes(to)).Float("output", 1, 1, 20, 31);
        Assert.All(deployed.Zip(reference), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        Assert.True(deployed.Distinct().Count() > 100);
    }

    [SkippableFact]
    public void A_published_recogniser_runs_as_torch_runs_it()
    {
        using var folder = new TemporaryFolder();
        var input = new SafetensorsWriter();
        input.AddFloat32(
            "input", [.. Enumerable.Range(0, 2 * 32 * 100).Select(i => MathF.Sin(i / 7f) * MathF.Cos(i / 250f))], 2, 1, 32, 100);
        string from = folder.Write("in.safetensors", input.ToArray()), to = folder["out.safetensors"];
        Command.Run("model", "run", fixture.WordRecogniser, "--input", from, "--output", to).Ok();
        SafetensorsFile deployed = SafetensorsFile.Read(File.ReadAllBytes(to));
        Assert.Equal(
            ["base_points", "context", "features", "logits", "rectified"], deployed.Tensors.Keys.Order(StringComparer.Ordinal));
        float[] logits = deployed.Float("logits", 2, 26, 38);
        Assert.Contains(
            "text recogniser", Command.Run("model", "info", fixture.WordRecogniser).Ok().Text, StringComparison.Ordinal);

        Skip.IfNot(Torch(out string? missing), missing);
        Command.Run("model", "run", fixture.WordRecogniser, "--input", from, "--output", to, "--reference").Ok();
        float[] reference = SafetensorsFile.Read(File.ReadAllBytes(to)).Float("logits", 2, 26, 38);
        float range = reference.Max(Math.Abs);
        Assert.All(logits.Zip(reference), pair => Assert.Equal(pair.First, pair.Second, 1e-4f * range));
    }

    [Fact]
    public void Bad_files_are_refused()
    {
        using var folder = new TemporaryFolder();
        string bad = folder.Write("bad.pth", "PK\x03\x04 and then nothing"u8.ToArray());
        foreach (string verb in (string[])["info", "import", "export"])
        {
            string[] args = verb == "info" ? ["model", verb, bad] : ["model", verb, bad, "-o", folder["out"]];
            Command.Run(args).Refused(bad);
        }

        Command.Run("model", "info", folder["missing"]).Refused("missing");
    }

    private static byte[] Checkpoint()
    {
        // The state dictionary of a small DnCNN, without torch.
        var writer = new PyTorchWriter();
        void Add(string name, params int[] shape)
        {
            var bytes = new byte[4 * shape.Aggregate(1, (a, b) => a * b)];
            for (int i = 0; i < bytes.Length; i += 4)
                BitConverter.TryWriteBytes(bytes.AsSpan(i), (i % 28 - 12) / 60f);
            writer.Add(name, TensorType.F32, bytes, shape);
        }

        Add("dncnn.0.weight", 4, 1, 3, 3);
        Add("dncnn.0.bias", 4);
        Add("dncnn.2.weight", 4, 4, 3, 3);
        Add("dncnn.3.weight", 4);
        Add("dncnn.3.bias", 4);
        Add("dncnn.3.running_mean", 4);
        byte[] variances = [0, 0, 128, 63, 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 128, 63]; // 1, 1, 2, 1
        writer.Add("dncnn.3.running_var", TensorType.F32, variances, 4);
        writer.Add("dncnn.3.num_batches_tracked", TensorType.I64, new byte[8]);
        Add("dncnn.5.weight", 1, 4, 3, 3);
        return writer.ToArray();
    }

    private static bool Torch(out string? missing)
    {
        try
        {
            torch.zeros(1).Dispose();
            missing = null;
            return true;
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException)
        {
            missing = e.Message;
            return false;
        }
    }
}
