using TorchSharp.Interop;

namespace TorchSharp.Modules;

/// <summary>Long short-term memory. Input and output are [T, N, ·], or [N, T, ·] where the batch comes first.</summary>
public sealed class LSTM
    : torch.nn.Module<torch.Tensor, (torch.Tensor, torch.Tensor)?, (torch.Tensor, torch.Tensor, torch.Tensor)>
{
    private readonly long hiddenSize;
    private readonly long layers;
    private readonly bool hasBias;
    private readonly bool batchFirst;
    private readonly double dropout;
    private readonly bool bidirectional;

    internal LSTM(
        long inputSize, long hiddenSize, long numLayers, bool bias, bool batchFirst, double dropout,
        bool bidirectional, torch.Device? device, torch.ScalarType? dtype)
        : base(nameof(LSTM))
    {
        this.hiddenSize = hiddenSize;
        layers = numLayers;
        hasBias = bias;
        this.batchFirst = batchFirst;
        this.dropout = dropout;
        this.bidirectional = bidirectional;
        double bound = 1 / Math.Sqrt(hiddenSize);
        int directions = bidirectional ? 2 : 1;
        for (long layer = 0; layer < numLayers; layer++)
        {
            long inputs = layer == 0 ? inputSize : hiddenSize * directions;
            for (int direction = 0; direction < directions; direction++)
            {
                string suffix = $"_l{layer}{(direction == 1 ? "_reverse" : "")}";
                Add("weight_ih" + suffix, [4 * hiddenSize, inputs]);
                Add("weight_hh" + suffix, [4 * hiddenSize, hiddenSize]);
                if (bias)
                {
                    Add("bias_ih" + suffix, [4 * hiddenSize]);
                    Add("bias_hh" + suffix, [4 * hiddenSize]);
                }
            }
        }

        void Add(string key, long[] shape)
        {
            Parameter parameter = new(torch.empty(shape, dtype, device));
            torch.nn.init.uniform_(parameter, -bound, bound);
            Own(key, parameter);
        }
    }

    public override (torch.Tensor, torch.Tensor, torch.Tensor) forward(
        torch.Tensor input, (torch.Tensor, torch.Tensor)? h0_c0 = null)
    {
        torch.Tensor[] weights = [.. _internal_params.values()];
        if (h0_c0 is { } given)
            return Run(given.Item1, given.Item2);
        long batch = input.size(batchFirst ? 0 : 1);
        using torch.Tensor zero = torch.zeros(
            [layers * (bidirectional ? 2 : 1), batch, hiddenSize], input.dtype, input.device);
        return Run(zero, zero);

        (torch.Tensor, torch.Tensor, torch.Tensor) Run(torch.Tensor h, torch.Tensor c) => Aten.Call3(
            "lstm.input", input, new[] { h, c }, weights, hasBias, layers, dropout, training, bidirectional,
            batchFirst);
    }

    public new (torch.Tensor, torch.Tensor, torch.Tensor) call(
        torch.Tensor input, (torch.Tensor, torch.Tensor)? h0_c0 = null) => base.call(input, h0_c0);

    /// <summary>Nothing to do: the operator takes the parameters as they are.</summary>
    public void flatten_parameters()
    {
    }
}

/// <summary>One step of a long short-term memory: [N, inputSize] and its state to the next state.</summary>
public sealed class LSTMCell
    : torch.nn.Module<torch.Tensor, (torch.Tensor, torch.Tensor)?, (torch.Tensor, torch.Tensor)>
{
    private readonly long hiddenSize;

    internal LSTMCell(long inputSize, long hiddenSize, bool bias, torch.Device? device, torch.ScalarType? dtype)
        : base(nameof(LSTMCell))
    {
        this.hiddenSize = hiddenSize;
        weight_ih = Draw([4 * hiddenSize, inputSize]);
        weight_hh = Draw([4 * hiddenSize, hiddenSize]);
        if (bias)
        {
            bias_ih = Draw([4 * hiddenSize]);
            bias_hh = Draw([4 * hiddenSize]);
        }

        Parameter Draw(long[] shape)
        {
            double bound = 1 / Math.Sqrt(hiddenSize);
            Parameter parameter = new(torch.empty(shape, dtype, device));
            torch.nn.init.uniform_(parameter, -bound, bound);
            return parameter;
        }
    }

    public Parameter? weight_ih
    {
        get => OwnParameter(nameof(weight_ih));
        set => Own(nameof(weight_ih), value);
    }

    public Parameter? weight_hh
    {
        get => OwnParameter(nameof(weight_hh));
        set => Own(nameof(weight_hh), value);
    }

    public Parameter? bias_ih
    {
        get => OwnParameter(nameof(bias_ih));
        set => Own(nameof(bias_ih), value);
    }

    public Parameter? bias_hh
    {
        get => OwnParameter(nameof(bias_hh));
        set => Own(nameof(bias_hh), value);
    }

    public override (torch.Tensor, torch.Tensor) forward(torch.Tensor input, (torch.Tensor, torch.Tensor)? h0_c0)
    {
        if (h0_c0 is { } given)
            return Run(given.Item1, given.Item2);
        using torch.Tensor zero = torch.zeros([input.size(0), hiddenSize], input.dtype, input.device);
        return Run(zero, zero);

        (torch.Tensor, torch.Tensor) Run(torch.Tensor h, torch.Tensor c) => Aten.Call2(
            "lstm_cell", input, new[] { h, c }, weight_ih, weight_hh, bias_ih, bias_hh);
    }

    public new (torch.Tensor, torch.Tensor) call(
        torch.Tensor input, (torch.Tensor, torch.Tensor)? h0_c0 = null) => base.call(input, h0_c0);
}
