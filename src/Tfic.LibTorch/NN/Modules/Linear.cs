using TorchSharp.Interop;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Modules;

public sealed class Linear : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    internal Linear(
        long inputSize, long outputSize, bool hasBias, torch.Device? device, torch.ScalarType? dtype)
        : base(nameof(Linear))
    {
        in_features = inputSize;
        out_features = outputSize;
        weight = new Parameter(torch.empty(outputSize, inputSize, dtype, device));
        torch.nn.init.kaiming_uniform_(weight, Math.Sqrt(5));
        if (hasBias)
        {
            double bound = 1 / Math.Sqrt(inputSize);
            bias = new Parameter(torch.empty(outputSize, dtype, device));
            torch.nn.init.uniform_(bias, -bound, bound);
        }
    }

    public Parameter weight
    {
        get => OwnParameter(nameof(weight))!;
        set => Own(nameof(weight), value);
    }

    public Parameter? bias
    {
        get => OwnParameter(nameof(bias));
        set => Own(nameof(bias), value);
    }

    public long in_features { get; set; }

    public long out_features { get; set; }

    public override torch.Tensor forward(torch.Tensor tensor) => F.linear(tensor, weight, bias);
}

public sealed class Embedding : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly long paddingIndex;
    private readonly double? maxNorm;
    private readonly double normType;
    private readonly bool scaleGradByFreq;
    private readonly bool sparse;

    internal Embedding(
        long num_embeddings, long embedding_dims, long? padding_idx, double? max_norm, double norm_type,
        bool scale_grad_by_freq, bool sparse, torch.Device? device, torch.ScalarType? dtype)
        : base(nameof(Embedding))
    {
        // ATen takes -1 for "none", so a count from the end has to be turned round.
        paddingIndex = padding_idx is { } index ? (index < 0 ? index + num_embeddings : index) : -1;
        maxNorm = max_norm;
        normType = norm_type;
        scaleGradByFreq = scale_grad_by_freq;
        this.sparse = sparse;
        Parameter table = new(torch.empty(num_embeddings, embedding_dims, dtype, device));
        torch.nn.init.normal_(table);
        if (paddingIndex >= 0)
        {
            using torch.Tensor row = table.detach();
            using torch.Tensor padding = row.select(0, paddingIndex);
            padding.zero_().Dispose();
        }

        weight = table;
    }

    public Parameter? weight
    {
        get => OwnParameter(nameof(weight));
        set => Own(nameof(weight), value);
    }

    public override torch.Tensor forward(torch.Tensor input)
    {
        if (maxNorm is { } most)
        {
            using (torch.no_grad())
                Aten.Call("embedding_renorm_", weight, input, most, normType).Dispose();
        }

        return Aten.Call("embedding", weight, input, paddingIndex, scaleGradByFreq, sparse);
    }
}
