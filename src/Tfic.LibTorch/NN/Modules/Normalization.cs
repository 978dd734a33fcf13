using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Modules;

public abstract class NormBase : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    public NormBase(
        long num_features, double eps, double? momentum, bool affine, bool track_running_stats, torch.Device? device,
        torch.ScalarType? dtype, string name)
        : base(name)
    {
        this.num_features = num_features;
        this.eps = eps;
        this.momentum = momentum;
        this.affine = affine;
        this.track_running_stats = track_running_stats;
        if (affine)
        {
            weight = new Parameter(torch.ones(num_features, dtype, device));
            bias = new Parameter(torch.zeros(num_features, dtype, device));
        }

        if (track_running_stats)
        {
            running_mean = torch.zeros(num_features, dtype, device);
            running_var = torch.ones(num_features, dtype, device);
            num_batches_tracked = torch.tensor(0L, device: device);
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

    public torch.Tensor? running_mean
    {
        get => OwnedBuffer(nameof(running_mean));
        set => OwnBuffer(nameof(running_mean), value);
    }

    public torch.Tensor? running_var
    {
        get => OwnedBuffer(nameof(running_var));
        set => OwnBuffer(nameof(running_var), value);
    }

    public torch.Tensor? num_batches_tracked
    {
        get => OwnedBuffer(nameof(num_batches_tracked));
        set => OwnBuffer(nameof(num_batches_tracked), value);
    }

    public long num_features { get; }

    public double eps { get; set; }

    /// <summary>The weight of a new batch in the running statistics; null weighs all batches alike.</summary>
    public double? momentum { get; set; }

    public bool affine { get; }

    public bool track_running_stats { get; }

    public void reset_running_stats()
    {
        if (!track_running_stats)
            return;
        torch.nn.init.zeros_(running_mean!);
        torch.nn.init.ones_(running_var!);
        torch.nn.init.zeros_(num_batches_tracked!);
    }

    public void reset_parameters()
    {
        reset_running_stats();
        if (!affine)
            return;
        torch.nn.init.ones_(weight);
        torch.nn.init.zeros_(bias!);
    }

    protected abstract void ValidateInputDimensions(torch.Tensor input);
}

public abstract class BatchNorm : NormBase
{
    public BatchNorm(
        long num_features, double eps, double momentum, bool affine, bool track_running_stats, torch.Device? device,
        torch.ScalarType? dtype, string name)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, name)
    {
    }

    public override torch.Tensor forward(torch.Tensor input)
    {
        ValidateInputDimensions(input);
        double factor = momentum ?? 0;
        if (training && num_batches_tracked is { } seen)
        {
            seen.add_(1).Dispose();
            factor = momentum ?? 1.0 / seen.ToInt64();
        }

        // A batch is normed by its own statistics in training and where none are kept.
        return F.batch_norm(
            input, running_mean, running_var, affine ? weight : null, bias, training || running_mean is null, factor,
            eps);
    }
}

public sealed class BatchNorm1d : BatchNorm
{
    internal BatchNorm1d(
        long num_features, double eps, double momentum, bool affine, bool track_running_stats, torch.Device? device,
        torch.ScalarType? dtype)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(BatchNorm1d))
    {
    }

    protected override void ValidateInputDimensions(torch.Tensor input)
    {
        if (input.ndim is not (2 or 3))
            throw new ArgumentException($"expected 2D or 3D input, but got {input.ndim}D input.");
    }
}

public sealed class BatchNorm2d : BatchNorm
{
    internal BatchNorm2d(
        long num_features, double eps, double momentum, bool affine, bool track_running_stats, torch.Device? device,
        torch.ScalarType? dtype)
        : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(BatchNorm2d))
    {
    }

    protected override void ValidateInputDimensions(torch.Tensor input)
    {
        if (input.ndim != 4)
            throw new ArgumentException($"expected 4D input, but got {input.ndim}D input.");
    }
}

public sealed class LayerNorm : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    internal LayerNorm(
        long[] normalized_shape, double eps, bool elementwise_affine, bool bias, torch.Device? device,
        torch.ScalarType? dtype)
        : base(nameof(LayerNorm))
    {
        this.normalized_shape = normalized_shape;
        this.eps = eps;
        this.elementwise_affine = elementwise_affine;
        if (elementwise_affine)
        {
            weight = new Parameter(torch.ones(normalized_shape, dtype, device));
            if (bias)
                this.bias = new Parameter(torch.zeros(normalized_shape, dtype, device));
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

    public long[] normalized_shape { get; set; }

    public double eps { get; set; }

    public bool elementwise_affine { get; set; }

    public void reset_parameters()
    {
        if (OwnParameter(nameof(weight)) is { } own)
            torch.nn.init.ones_(own);
        if (bias is not null)
            torch.nn.init.zeros_(bias);
    }

    public override torch.Tensor forward(torch.Tensor tensor) =>
        F.layer_norm(tensor, normalized_shape, OwnParameter(nameof(weight)), bias, eps);
}

public sealed class GroupNorm : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    internal GroupNorm(
        long num_groups, long num_channels, double eps, bool affine, torch.Device? device, torch.ScalarType? dtype)
        : base(nameof(GroupNorm))
    {
        this.num_groups = num_groups;
        this.eps = eps;
        this.affine = affine;
        if (affine)
        {
            weight = new Parameter(torch.ones(num_channels, dtype, device));
            bias = new Parameter(torch.zeros(num_channels, dtype, device));
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

    public long num_groups { get; set; }

    public double eps { get; set; }

    public bool affine { get; set; }

    public override torch.Tensor forward(torch.Tensor tensor) =>
        F.group_norm(tensor, num_groups, OwnParameter(nameof(weight)), bias, eps);
}
