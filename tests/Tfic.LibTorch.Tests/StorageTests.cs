using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tfic.LibTorch.Tests;

public class StorageTests
{
    [SkippableFact]
    public void Tensor_is_stored_in_TorchSharp_s_bytes()
    {
        Torch.Require();
        using Tensor x = tensor(new[] { 1f, -2f }, [1, 2]);
        // Element type 6 (float32), 2 dimensions, sizes 1 and 2, then the elements.
        byte[] expected = [6, 2, 1, 2, .. BitConverter.GetBytes(1f), .. BitConverter.GetBytes(-2f)];
        Assert.Equal(expected, Stored(x));

        using Tensor wide = zeros(1, 200, ScalarType.Byte);
        Assert.Equal([0, 2, 1, 0xC8, 0x01], Stored(wide)[..5]);
        using Tensor back = Tensor.Load(new BinaryReader(new MemoryStream(expected)));
        Assert.Equal([1, 2], back.shape);
        Assert.Equal([1f, -2f], back.data<float>().ToArray());
    }

    [SkippableFact]
    public void Module_is_stored_by_name_and_comes_back()
    {
        Torch.Require();
        using var from = new Network();
        using var to = new Network();
        Assert.Equal(
            ["scale", "stem.weight", "stem.bias", "body.0.weight", "body.0.bias", "parts.0.weight", "parts.0.bias",
             "offset", "body.0.running_mean", "body.0.running_var", "body.0.num_batches_tracked"],
            from.state_dict().Keys);
        var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true))
            from.save(writer);
        byte[] bytes = stream.ToArray();
        Assert.Equal((byte)11, bytes[0]);
        Assert.Equal("scale", new BinaryReader(new MemoryStream(bytes[1..])).ReadString());

        to.load(new MemoryStream(bytes));
        foreach ((string name, Tensor tensor) in from.state_dict())
            Assert.True(tensor.allclose(to.state_dict()[name]), name);

        using var other = nn.Linear(2, 2);
        Assert.Throws<ArgumentException>(() => other.load(new MemoryStream(bytes)));
        Assert.Throws<InvalidOperationException>(() => other.load_state_dict(from.state_dict()));
        (IList<string> missing, IList<string> unexpected) = other.load_state_dict(from.state_dict(), strict: false);
        Assert.Equal(["weight", "bias"], missing);
        Assert.Equal(11, unexpected.Count);
    }

    [SkippableFact]
    public void Optimizer_goes_on_where_it_was_stored()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        string path = Path.GetTempFileName();
        try
        {
            manual_seed(1);
            var first = nn.Linear(3, 2);
            var adam = optim.Adam(first.parameters(), 0.05, amsgrad: true);
            Tensor x = randn(4, 3);
            Run(first, adam, x, 5);
            adam.save_state_dict(path);

            var second = nn.Linear(3, 2);
            second.load_state_dict(first.state_dict());
            var copy = optim.Adam(second.parameters(), 0.5, amsgrad: true);
            copy.load_state_dict(path);
            Run(first, adam, x, 5);
            Run(second, copy, x, 5);
            Assert.True(first.weight.allclose(second.weight, rtol: 0, atol: 0));

            using var sgd = optim.SGD(second.parameters(), 0.1);
            Assert.Throws<InvalidDataException>(() => sgd.load_state_dict(path));
        }
        finally
        {
            File.Delete(path);
        }

        static void Run(Linear network, OptimizerHelper optimizer, Tensor x, int steps)
        {
            for (int i = 0; i < steps; i++)
            {
                optimizer.zero_grad();
                network.call(x).square().mean().backward();
                optimizer.step();
            }
        }
    }

    [SkippableFact]
    public void Damaged_files_are_refused_before_memory_is_taken()
    {
        Torch.Require();
        Skip.If(Torch.IsTorchSharp, "TorchSharp itself believes what a file says.");
        using Tensor x = ones(5, 7);
        byte[] good = Stored(x);
        for (int length = 0; length < good.Length; length++)
            Assert.Throws<EndOfStreamException>(() => Read(good[..length]));
        // A type that does not exist, 2^40 × 2^40 elements, and more than the file has.
        Assert.Throws<InvalidDataException>(() => Read([99, 1, 1, 0]));
        Assert.Throws<InvalidDataException>(() => Read([6, 2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]));
        Assert.Throws<EndOfStreamException>(() => Read([6, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0]));

        static void Read(byte[] bytes) => Tensor.Load(new BinaryReader(new MemoryStream(bytes))).Dispose();
    }

    private static byte[] Stored(Tensor tensor)
    {
        var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true))
            tensor.Save(writer);
        return stream.ToArray();
    }

    private sealed class Network : nn.Module
    {
        private readonly Linear stem = nn.Linear(2, 3);
        private readonly Sequential body = nn.Sequential(nn.BatchNorm1d(3), nn.ReLU());
        private readonly ModuleList<Linear> parts = nn.ModuleList(nn.Linear(3, 1));
        private readonly Parameter scale = nn.Parameter(ones(1));
        private readonly Tensor offset = zeros(1);

        internal Network()
            : base(nameof(Network))
        {
            RegisterComponents();
            _ = (stem, body, parts, scale, offset);
        }
    }
}
