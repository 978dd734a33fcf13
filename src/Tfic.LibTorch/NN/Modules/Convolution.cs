using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Modules;

/// <summary>
/// What the convolutions have in common: [out, in / groups, …] weights, and how the borders are padded.
/// </summary>
public abstract class Convolution : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    protected long[] _reversed_padding_repeated_twice = [];

    protected Convolution(
        string name, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[]? padding,
        Padding? padding_type, long[] dilation, bool transposed, long[] output_padding, long groups, bool bias,
        PaddingModes padding_mode, torch.Device? device = null, torch.ScalarType? dtype = null)
        : base(name)
    {
        if (transposed && padding_mode != PaddingModes.Zeros)
            throw new ArgumentException(
                "Only PaddingModes.Zeros is supported for ConvTransposeND", nameof(padding_mode));
        if (groups < 1 || in_channels % groups != 0 || out_channels % groups != 0)
            throw new ArgumentException(
                $"{in_channels} and {out_channels} channels cannot be divided into {groups} groups");
        this.in_channels = in_channels;
        this.out_channels = out_channels;
        this.kernel_size = kernel_size;
        this.stride = stride;
        this.dilation = dilation;
        this.transposed = transposed;
        this.output_padding = output_padding;
        this.groups = groups;
        this.padding_mode = padding_mode;
        if (padding_type is { } type)
            SetPadding(type);
        else
            SetPadding(padding ?? new long[kernel_size.Length]);

        long[] shape = transposed
            ? [in_channels, out_channels / groups, .. kernel_size]
            : [out_channels, in_channels / groups, .. kernel_size];
        weight = new Parameter(torch.empty(shape, dtype, device));
        if (bias)
            this.bias = new Parameter(torch.empty(out_channels, dtype, device));
        reset_parameters();
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

    public long in_channels { get; }

    public long out_channels { get; }

    public bool transposed { get; }

    public Padding? padding_type { get; private set; }

    public long[]? padding { get; private set; }

    public PaddingModes padding_mode { get; set; }

    public long groups { get; set; }

    public long[] kernel_size { get; set; }

    public long[] stride { get; set; }

    public long[] dilation { get; set; }

    public long[] output_padding { get; set; }

    /// <summary>Draws weights and bias between ±1 / √(inputs of an output).</summary>
    public void reset_parameters()
    {
        torch.nn.init.kaiming_uniform_(weight, Math.Sqrt(5));
        if (bias is not null)
        {
            (long fanIn, _) = torch.nn.init.CalculateFanInAndFanOut(weight);
            double bound = 1 / Math.Sqrt(fanIn);
            torch.nn.init.uniform_(bias, -bound, bound);
        }
    }

    public void SetPadding(long[] padding)
    {
        padding_type = null;
        this.padding = padding;
        _reversed_padding_repeated_twice = [.. padding.Reverse().SelectMany(size => new[] { size, size })];
    }

    public void SetPadding(Padding padding)
    {
        if (transposed)
            throw new ArgumentException("Cannot set padding type on ConvTransposeND");
        if (padding == Padding.Same && stride.Any(step => step != 1))
            throw new ArgumentException("padding='same' is not supported for strided convolutions");
        this.padding = null;
        padding_type = padding;
        int axes = kernel_size.Length;
        _reversed_padding_repeated_twice = new long[2 * axes];
        for (int i = 0; i < axes && padding == Padding.Same; i++)
        {
            long total = dilation[i] * (kernel_size[i] - 1);
            int place = 2 * (axes - 1 - i);
            _reversed_padding_repeated_twice[place] = total / 2;
            _reversed_padding_repeated_twice[place + 1] = total - (total / 2);
        }
    }

    protected bool ValidateShape(torch.Tensor input, long dimensions)
    {
        long[] shape = input.shape;
        return (shape.Length == dimensions + 2 && shape[1] == in_channels)
            || (shape.Length == dimensions + 1 && shape[0] == in_channels);
    }

    /// <summary>
    /// The input with the borders that the operator does not add itself, and what is left for it to add.
    /// </summary>
    private protected (torch.Tensor Input, long[] Padding) Padded(torch.Tensor input)
    {
        bool same = padding_mode == PaddingModes.Zeros;
        if (same && padding is not null)
            return (input, padding);
        torch.Tensor padded = F.pad(
            input, _reversed_padding_repeated_twice, same ? PaddingModes.Constant : padding_mode);
        return (padded, new long[kernel_size.Length]);
    }
}

public sealed class Conv1d : Convolution
{
    internal Conv1d(
        long in_channels, long out_channels, long kernel_size, long stride, long[]? padding, Padding? padding_type,
        long dilation, PaddingModes padding_mode, long groups, bool bias, torch.Device? device,
        torch.ScalarType? dtype)
        : base(
            nameof(Conv1d), in_channels, out_channels, [kernel_size], [stride], padding, padding_type, [dilation],
            false, [0], groups, bias, padding_mode, device, dtype)
    {
    }

    public override torch.Tensor forward(torch.Tensor input)
    {
        if (!ValidateShape(input, 1))
            throw new ArgumentException(
                $"Expected 2D (unbatched) or 3D (batched) input with {in_channels} channels to Conv1d.");
        (torch.Tensor padded, long[] padding) = Padded(input);
        torch.Tensor result = F.conv1d(padded, weight, bias, stride[0], padding[0], dilation[0], groups);
        if (!ReferenceEquals(padded, input))
            padded.Dispose();
        return result;
    }
}

public sealed class Conv2d : Convolution
{
    internal Conv2d(
        long in_channels, long out_channels, (long, long) kernel_size, (long, long) stride, long[]? padding,
        Padding? padding_type, (long, long) dilation, PaddingModes padding_mode, long groups, bool bias,
        torch.Device? device, torch.ScalarType? dtype)
        : base(
            nameof(Conv2d), in_channels, out_channels, F.List(kernel_size), F.List(stride), padding, padding_type,
            F.List(dilation), false, [0, 0], groups, bias, padding_mode, device, dtype)
    {
    }

    public override torch.Tensor forward(torch.Tensor input)
    {
        if (!ValidateShape(input, 2))
            throw new ArgumentException(
                $"Expected 3D (unbatched) or 4D (batched) input with {in_channels} channels to Conv2d.");
        (torch.Tensor padded, long[] padding) = Padded(input);
        torch.Tensor result = F.conv2d(padded, weight, bias, stride, padding, dilation, groups);
        if (!ReferenceEquals(padded, input))
            padded.Dispose();
        return result;
    }
}

public abstract class ConvolutionTranspose : Convolution
{
    protected ConvolutionTranspose(
        string name, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[]? padding,
        Padding? padding_type, long[] dilation, bool transposed, long[] output_padding, long groups, bool bias,
        PaddingModes padding_mode, torch.Device? device = null, torch.ScalarType? dtype = null)
        : base(
            name, in_channels, out_channels, kernel_size, stride, padding, padding_type, dilation, transposed,
            output_padding, groups, bias, padding_mode, device, dtype)
    {
    }

    public override torch.Tensor forward(torch.Tensor input) => forward(input, null);

    /// <param name="input">The input.</param>
    /// <param name="output_size">The output's size, where the stride leaves a choice; with or without N and C.</param>
    public abstract torch.Tensor forward(torch.Tensor input, long[]? output_size);

    /// <summary>What to add at the far border for an output of the wanted size.</summary>
    protected long[] _output_padding(
        torch.Tensor input, long[]? output_size, long[] kernel_size, long[] stride, long[] padding, long[] dilation,
        long num_spatial_dims)
    {
        if (output_size is null)
            return output_padding;
        int axes = (int)num_spatial_dims;
        long[] wanted = output_size.Length > axes ? output_size[^axes..] : output_size;
        if (wanted.Length != axes)
            throw new ArgumentException(
                $"output_size must have {axes} or {input.dim()} elements (got {output_size.Length})");
        long[] shape = input.shape[^axes..];
        var more = new long[axes];
        for (int i = 0; i < axes; i++)
        {
            long least = ((shape[i] - 1) * stride[i]) - (2 * padding[i]) + (dilation[i] * (kernel_size[i] - 1)) + 1;
            more[i] = wanted[i] - least;
            if (more[i] < 0 || more[i] >= Math.Max(stride[i], 1))
                throw new ArgumentException(
                    $"Requested an output size of {wanted[i]}, but valid sizes range from {least} to "
                    + $"{least + stride[i] - 1}");
        }

        return more;
    }
}

public sealed class ConvTranspose2d : ConvolutionTranspose
{
    internal ConvTranspose2d(
        long in_channels, long out_channels, (long, long) kernel_size, (long, long) stride, (long, long) padding,
        (long, long) output_padding, (long, long) dilation, PaddingModes padding_mode, long groups, bool bias,
        torch.Device? device, torch.ScalarType? dtype)
        : base(
            nameof(ConvTranspose2d), in_channels, out_channels, F.List(kernel_size), F.List(stride), F.List(padding),
            null, F.List(dilation), true, F.List(output_padding), groups, bias, padding_mode, device, dtype)
    {
    }

    public override torch.Tensor forward(torch.Tensor input, long[]? output_size)
    {
        if (!ValidateShape(input, 2))
            throw new ArgumentException(
                $"Expected 3D (unbatched) or 4D (batched) input with {in_channels} channels to ConvTranspose2d.");
        long[] more = _output_padding(input, output_size, kernel_size, stride, padding!, dilation, 2);
        return F.conv_transpose2d(input, weight, bias, stride, padding, more, dilation, groups);
    }
}
