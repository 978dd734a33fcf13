namespace TorchSharp.Modules;

/// <summary>
/// What <see cref="Adam"/> and <see cref="AdamW"/> share: all but where the decay of the weights goes.
/// </summary>
public abstract class AdamOptimizer : OptimizerHelper, torch.optim.IBetas
{
    private protected AdamOptimizer(
        IEnumerable<ParamGroup> parameters, double lr, double beta1, double beta2, double eps, double weight_decay,
        bool amsgrad, bool maximize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lr);
        ArgumentOutOfRangeException.ThrowIfNegative(eps);
        ArgumentOutOfRangeException.ThrowIfNegative(weight_decay);
        if (beta1 is not (>= 0 and < 1) || beta2 is not (>= 0 and < 1))
            throw new ArgumentException($"the betas are in [0, 1), got {beta1} and {beta2}");
        _defaults = new Options
        {
            LearningRate = lr,
            beta1 = beta1,
            beta2 = beta2,
            eps = eps,
            weight_decay = weight_decay,
            amsgrad = amsgrad,
            maximize = maximize,
        };
        foreach (ParamGroup group in parameters)
            add_param_group(group);
    }

    public (double, double) Betas
    {
        get => (Defaults.beta1!.Value, Defaults.beta2!.Value);
        set => (Defaults.beta1, Defaults.beta2) = value;
    }

    private Options Defaults => (Options)_defaults;

    public override void add_param_group(Modules.ParamGroup param_group)
    {
        param_group.Options ??= new Options();
        var options = (Options)param_group.Options;
        options.LearningRate ??= Defaults.LearningRate;
        options.beta1 ??= Defaults.beta1;
        options.beta2 ??= Defaults.beta2;
        options.eps ??= Defaults.eps;
        options.weight_decay ??= Defaults.weight_decay;
        options.amsgrad ??= Defaults.amsgrad;
        options.maximize ??= Defaults.maximize;
        Enlist(param_group, parameter => new State(parameter));
    }

    public override torch.Tensor? step(Func<torch.Tensor>? closure = null) => Step<State, Options>(Update, closure);

    /// <summary>Applies the decay to the parameter or to its gradient; returns the gradient to go on with.</summary>
    private protected abstract torch.Tensor Decay(
        Parameter parameter, torch.Tensor grad, double decay, double lr);

    private void Update(Parameter parameter, torch.Tensor grad, State state, Options options)
    {
        double beta1 = options.beta1!.Value, beta2 = options.beta2!.Value, lr = options.LearningRate!.Value;
        if (options.maximize!.Value)
            grad = -grad;
        if (options.weight_decay!.Value != 0)
            grad = Decay(parameter, grad, options.weight_decay.Value, lr);
        state.step++;
        state.exp_avg.mul_(beta1).add_(grad, alpha: 1 - beta1);
        state.exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value: 1 - beta2);
        torch.Tensor square = state.exp_avg_sq;
        if (options.amsgrad!.Value)
        {
            torch.Tensor most = state.max_exp_avg_sq!.maximum(square).DetachFromDisposeScope();
            state.max_exp_avg_sq!.Dispose();
            square = state.max_exp_avg_sq = most;
        }

        // The averages start at zero; these corrections make up for it.
        double first = 1 - Math.Pow(beta1, state.step), second = 1 - Math.Pow(beta2, state.step);
        torch.Tensor denominator = square.sqrt().div_(Math.Sqrt(second)).add_(options.eps!.Value);
        parameter.addcdiv_(state.exp_avg, denominator, value: -lr / first);
    }

    public class Options : OptimizerOptions
    {
        public double? beta1;
        public double? beta2;
        public double? weight_decay;
        public double? eps;
        public bool? amsgrad;
        public bool? maximize;

        public override void SaveStateDict(BinaryWriter writer)
        {
            base.SaveStateDict(writer);
            writer.Write(beta1!.Value);
            writer.Write(beta2!.Value);
            writer.Write(eps!.Value);
            writer.Write(weight_decay!.Value);
            writer.Write(amsgrad!.Value);
            writer.Write(maximize!.Value);
        }

        public override void LoadStateDict(BinaryReader reader)
        {
            base.LoadStateDict(reader);
            beta1 = reader.ReadDouble();
            beta2 = reader.ReadDouble();
            eps = reader.ReadDouble();
            weight_decay = reader.ReadDouble();
            amsgrad = reader.ReadBoolean();
            maximize = reader.ReadBoolean();
        }

        public override void LoadStateDict(OptimizerOptions source)
        {
            base.LoadStateDict(source);
            var other = (Options)source;
            beta1 = other.beta1;
            beta2 = other.beta2;
            eps = other.eps;
            weight_decay = other.weight_decay;
            amsgrad = other.amsgrad;
            maximize = other.maximize;
        }
    }

    public class ParamGroup : ParamGroup<Options>, torch.optim.IBetas
    {
        public ParamGroup()
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, Options options)
            : base(parameters, options)
        {
        }

        public ParamGroup(
            IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999,
            double eps = 1e-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
            : base(parameters, new Options
            {
                LearningRate = lr,
                beta1 = beta1,
                beta2 = beta2,
                eps = eps,
                weight_decay = weight_decay,
                amsgrad = amsgrad,
                maximize = maximize,
            })
        {
        }

        public (double, double) Betas
        {
            get => (Options.beta1!.Value, Options.beta2!.Value);
            set => (Options.beta1, Options.beta2) = value;
        }
    }

    public sealed class State : OptimizerState, IDisposable
    {
        public long step;
        public torch.Tensor exp_avg = null!;
        public torch.Tensor exp_avg_sq = null!;
        public torch.Tensor? max_exp_avg_sq;

        public State(Parameter parameter)
            : base(parameter)
        {
        }

        public void Dispose() => Free();

        public override void Initialize(OptimizerOptions options)
        {
            Free();
            step = 0;
            exp_avg = torch.zeros_like(_parameter).DetachFromDisposeScope();
            exp_avg_sq = torch.zeros_like(_parameter).DetachFromDisposeScope();
            max_exp_avg_sq = ((Options)options).amsgrad!.Value
                ? torch.zeros_like(_parameter).DetachFromDisposeScope()
                : null;
        }

        public override void to(torch.Device device)
        {
            Replace(ref exp_avg!, exp_avg, device, copy: false);
            Replace(ref exp_avg_sq!, exp_avg_sq, device, copy: false);
            Replace(ref max_exp_avg_sq, max_exp_avg_sq, device, copy: false);
        }

        public override void SaveStateDict(BinaryWriter writer)
        {
            writer.Write(step);
            exp_avg.Save(writer);
            exp_avg_sq.Save(writer);
            SaveConditionalStateTensor(writer, max_exp_avg_sq);
        }

        public override void LoadStateDict(BinaryReader reader)
        {
            step = reader.ReadInt64();
            exp_avg.Load(reader);
            exp_avg_sq.Load(reader);
            LoadConditionalStateTensor(reader, ref max_exp_avg_sq, _parameter.device);
        }

        public override void LoadStateDict(OptimizerState source)
        {
            var other = (State)source;
            step = other.step;
            Replace(ref exp_avg!, other.exp_avg, _parameter.device, copy: true);
            Replace(ref exp_avg_sq!, other.exp_avg_sq, _parameter.device, copy: true);
            Replace(ref max_exp_avg_sq, other.max_exp_avg_sq, _parameter.device, copy: true);
        }

        public override bool ApproximatelyEquals(OptimizerState other) =>
            other is State state && step == state.step && exp_avg.allclose(state.exp_avg)
            && exp_avg_sq.allclose(state.exp_avg_sq)
            && (max_exp_avg_sq is null || state.max_exp_avg_sq is { } most && max_exp_avg_sq.allclose(most));

        internal override void Free()
        {
            exp_avg?.Dispose();
            exp_avg_sq?.Dispose();
            max_exp_avg_sq?.Dispose();
        }
    }
}
