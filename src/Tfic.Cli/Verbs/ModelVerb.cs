using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Training;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic model</c>: files of weights, PyTorch's and safetensors, and what the networks make of tensors.</summary>
internal static class ModelVerb
{
    private const string Examples = """
        tfic model info checkpoint.pth.tar
        tfic model import TPS-ResNet-BiLSTM-Attn.pth -o trba.safetensors
        """;

    private const string InfoExamples = """
        tfic model info craft_mlt_25k.pth
        tfic model info my-codec.safetensors
        """;

    private const string ImportExamples = """
        tfic model import dncnn.pth -o dncnn.safetensors
        tfic model import checkpoint.pth.tar --section state_dict -o tinylic.safetensors
        """;

    private const string ExportExamples = """
        tfic model export dncnn.safetensors -o dncnn.pth
        tfic model export tinylic.safetensors --section state_dict -o tinylic.pth.tar
        """;

    private const string RunExamples = """
        tfic model run dncnn.pth --input in.safetensors --output out.safetensors --reference
        tfic model run tinylic.pth.tar --input in.safetensors --output out.safetensors
        tfic model run TPS-ResNet-BiLSTM-Attn.pth --input in.safetensors --output out.safetensors
        tfic model run recogniser-compact --input in.safetensors --output out.safetensors
        """;

    public static Verb Create(Terminal terminal) =>
        new("model", "Convert weights between PyTorch and safetensors; run networks on tensors.", Examples)
        {
            CreateInfo(terminal),
            CreateImport(terminal),
            CreateExport(terminal),
            CreateRun(terminal),
        };

    private static Verb CreateInfo(Terminal terminal)
    {
        var input = new Argument<string>("WEIGHTS") { Description = "A PyTorch checkpoint or a .safetensors file." };
        var verb = new Verb("info", "List a file's tensors, and which network they are of.", InfoExamples) { input };
        verb.Does((result, _) =>
        {
            string path = result.GetRequiredValue(input);
            terminal.Write(Explain(path, () => Describe(path, Read(path, terminal))));
            return ExitCode.Success;
        });
        return verb;
    }

    private static Verb CreateImport(Terminal terminal)
    {
        var input = new Argument<string>("CHECKPOINT") { Description = "A PyTorch checkpoint: .pth, .pt, .pth.tar." };
        Option<string> output = CommonOptions.Output("The .safetensors file to write.");
        output.Required = true;
        Option<string?> section = Section("Dictionary of the checkpoint that holds the weights. Default: found by name.");
        Option<bool> keep = CommonOptions.NoOverwrite();
        var verb = new Verb("import", "Convert a PyTorch checkpoint to safetensors; names stay.", ImportExamples)
        {
            input, output, section, keep,
        };
        verb.Does((result, _) =>
        {
            string path = result.GetRequiredValue(input), to = result.GetRequiredValue(output);
            OutputFile.Check(to, !result.GetValue(keep), terminal, binary: true);
            Explain(path, () =>
            {
                IReadOnlyDictionary<string, StoredTensor> tensors =
                    PyTorchFile.Read(Read(path, terminal)).StateDict(result.GetValue(section));
                var writer = new SafetensorsWriter();
                foreach ((string name, StoredTensor tensor) in tensors)
                    writer.Add(name, tensor.Type, tensor.Bytes.Span, tensor.Shape);
                OutputFile.Write(to, !result.GetValue(keep), terminal, writer.Write);
                return 0;
            });
            return ExitCode.Success;
        });
        return verb;
    }

    private static Verb CreateExport(Terminal terminal)
    {
        var input = new Argument<string>("WEIGHTS") { Description = "A .safetensors file." };
        Option<string> output = CommonOptions.Output("The checkpoint to write.");
        output.Required = true;
        Option<string?> section = Section("Put the weights into a dictionary under this key.");
        Option<bool> keep = CommonOptions.NoOverwrite();
        var verb = new Verb(
            "export", "Convert safetensors to a checkpoint that torch.load reads; names stay.", ExportExamples)
        {
            input, output, section, keep,
        };
        verb.Does((result, _) =>
        {
            string path = result.GetRequiredValue(input), to = result.GetRequiredValue(output);
            OutputFile.Check(to, !result.GetValue(keep), terminal, binary: true);
            Explain(path, () =>
            {
                var writer = new PyTorchWriter();
                try
                {
                    foreach (StoredTensor tensor in SafetensorsFile.Read(Read(path, terminal)).Tensors.Values)
                        writer.Add(tensor);
                }
                catch (ArgumentException e)
                {
                    throw new CommandFailure($"{path}: {e.Message}", inner: e);
                }

                OutputFile.Write(
                    to, !result.GetValue(keep), terminal, stream => writer.Write(stream, result.GetValue(section)));
                return 0;
            });
            return ExitCode.Success;
        });
        return verb;
    }

    private static Verb CreateRun(Terminal terminal)
    {
        var weights = new Argument<string>("WEIGHTS")
        {
            Description = "A PyTorch checkpoint, a .safetensors file, or a model that ships.",
        };
        var input = new Option<string>("--input", "-i")
        {
            Description = "A .safetensors file with the tensor 'input' [B, C, H, W], for a compact codec perhaps 'quality'.",
            HelpName = "IN",
            Required = true,
        };
        Option<string> output = CommonOptions.Output("The .safetensors file for every output and latent, by name.");
        output.Required = true;
        var reference = new Option<bool>("--reference")
        {
            Description = "Run the network as torch runs it, not as it is deployed.",
        };
        Option<string?> section = Section("Dictionary of a checkpoint that holds the weights. Default: found by name.");
        Option<bool> keep = CommonOptions.NoOverwrite();
        var verb = new Verb("run", "Run a network on tensors and keep all it computes.", RunExamples)
        {
            weights, input, output, reference, section, keep,
        };
        verb.Does((result, _) =>
        {
            string path = result.GetRequiredValue(weights), to = result.GetRequiredValue(output);
            string from = result.GetRequiredValue(input);
            OutputFile.Check(to, !result.GetValue(keep), terminal, binary: true);
            SafetensorsFile inputs = Explain(from, () => SafetensorsFile.Read(Read(from, terminal)));
            SafetensorsWriter writer = Explain(path, () => Run(
                path, Open(path, terminal), inputs, result.GetValue(reference), result.GetValue(section)));
            OutputFile.Write(to, !result.GetValue(keep), terminal, writer.Write);
            return ExitCode.Success;
        });
        return verb;
    }

    private static SafetensorsWriter Run(
        string path, byte[] weights, SafetensorsFile inputs, bool reference, string? section)
    {
        var writer = new SafetensorsWriter();
        if (!reference)
        {
            IReadOnlyDictionary<string, (float[] Values, int[] Shape)> outputs =
                NetworkRun.Deployed(weights, inputs.Tensors, section)
                ?? throw new CommandFailure($"{path}: this network has only a reference. Add --reference.");
            foreach ((string name, (float[] values, int[] shape)) in outputs)
                writer.AddFloat32(name, values, shape);
            return writer;
        }

        using DisposeScope scope = NewDisposeScope();
        foreach ((string name, Tensor value) in NetworkRun.Reference(weights, inputs.Tensors, section))
        {
            (TensorType type, byte[] bytes, int[] shape) = StateDict.ToBytes(value);
            writer.Add(name, type, bytes, shape);
        }

        return writer;
    }

    private static string Describe(string path, byte[] bytes)
    {
        var text = new System.Text.StringBuilder();
        IReadOnlyDictionary<string, StoredTensor> tensors;
        KnownNetwork? network;
        if (PyTorchFile.IsPyTorch(bytes))
        {
            PyTorchFile file = PyTorchFile.Read(bytes);
            tensors = file.Tensors;
            string[] sections = ["", .. file.Sections];
            network = sections.Select(s => s.Length == 0 ? tensors : file.StateDict(s))
                .Select(part => NetworkRun.Find(part)).FirstOrDefault(found => found is not null);
            Head(file.IsZip ? "PyTorch checkpoint" : "PyTorch checkpoint of a version before 1.6");
            foreach ((string name, string value) in file.Values.Where(pair => pair.Value.Length <= 80).Take(100))
                text.Append(CultureInfo.InvariantCulture, $"  {name}: {value}\n");
        }
        else
        {
            SafetensorsFile file = SafetensorsFile.Read(bytes);
            tensors = file.Tensors;
            network = NetworkRun.Find(tensors, file.Metadata);
            Head("safetensors");
            foreach ((string name, string value) in file.Metadata.Where(pair => pair.Value.Length <= 80))
                text.Append(CultureInfo.InvariantCulture, $"  {name}: {value}\n");
        }

        foreach ((string name, StoredTensor tensor) in tensors)
            text.Append(CultureInfo.InvariantCulture, $"  {name} {tensor.Type} [{string.Join(", ", tensor.Shape.ToArray())}]\n");
        return text.ToString();

        void Head(string kind) => text.Append(
            CultureInfo.InvariantCulture,
            $"{Inputs.Name(path)}: {kind}, {(network is { } known ? NetworkRun.NameOf(known) : "of no known network")}, {tensors.Count} tensors, " +
            $"{tensors.Values.Sum(t => (long)t.Count):N0} values, {bytes.Length:N0} bytes\n");
    }

    private static Option<string?> Section(string description) => new("--section")
    {
        Description = description,
        HelpName = "KEY",
    };

    private static byte[] Read(string path, Terminal terminal) =>
        Inputs.Read(path, new InputLimits(MaxBytes: Array.MaxLength), terminal);

    private static byte[] Open(string nameOrPath, Terminal terminal)
    {
        if (!ShippedModels.Names.Contains(nameOrPath))
            return Read(nameOrPath, terminal);
        using Stream stream = ShippedModels.Open(nameOrPath);
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    private static T Explain<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (DllNotFoundException e)
        {
            throw new CommandFailure($"This needs libtorch. {e.Message}", inner: e);
        }
        catch (ExternalException e)
        {
            throw new CommandFailure($"{path}: torch refuses this input: {e.Message}", inner: e);
        }
        catch (Exception e) when (CommandFailure.From(e, path) is { } failure)
        {
            throw failure;
        }
    }
}
