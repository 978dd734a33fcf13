using TorchSharp.Modules;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            public abstract class Optimizer : IDisposable
            {
                protected IList<ParamGroup> _parameter_groups = [];

                ~Optimizer() => Dispose(false);

                public virtual IEnumerable<ILearningRateController> ParamGroups => _parameter_groups;

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected virtual void Dispose(bool disposing)
                {
                }

                public virtual void zero_grad()
                {
                    foreach (Parameter parameter in parameters())
                    {
                        using Tensor? grad = parameter.grad;
                        grad?.zero_().Dispose();
                    }
                }

                public virtual void add_param_group(ParamGroup param_group) => _parameter_groups.Add(param_group);

                /// <summary>Moves the parameters against their gradients.</summary>
                /// <param name="closure">Computes the loss anew, with its gradients; its result is returned.</param>
                public abstract Tensor? step(Func<Tensor>? closure = null);

                public virtual IEnumerable<Parameter> parameters() =>
                    _parameter_groups.SelectMany(group => group.Parameters);

                public class StateDictionary
                {
                    internal StateDictionary()
                    {
                    }

                    public List<OptimizerOptions> Options { get; } = [];

                    public List<OptimizerState> State { get; } = [];

                    public List<List<int>> StateIndexRef { get; } = [];
                }
            }

            public interface ILearningRateController
            {
                double LearningRate { get; set; }

                double InitialLearningRate { get; set; }
            }

            public interface IMomentum
            {
                double Momentum { get; set; }
            }

            public interface IBetas
            {
                (double, double) Betas { get; set; }
            }
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>Parameters that share their options.</summary>
    public class ParamGroup : torch.optim.ILearningRateController
    {
        public IEnumerable<Parameter> Parameters { get; set; } = [];

        public OptimizerOptions Options { get; set; } = null!;

        public double LearningRate
        {
            get => Options.LearningRate!.Value;
            set => Options.LearningRate = value;
        }

        public double InitialLearningRate
        {
            get => Options.InitialLearningRate;
            set => Options.InitialLearningRate = value;
        }
    }

    public class ParamGroup<TOptions> : ParamGroup where TOptions : OptimizerOptions
    {
        public ParamGroup()
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, TOptions? options = null)
        {
            Parameters = parameters;
            base.Options = options!;
        }

        public new TOptions Options
        {
            get => (TOptions)base.Options;
            set => base.Options = value;
        }
    }

    public class OptimizerOptions
    {
        public double? LearningRate { get; set; }

        public double InitialLearningRate { get; set; }

        public virtual void SaveStateDict(BinaryWriter writer)
        {
            writer.Write(InitialLearningRate);
            writer.Write(LearningRate!.Value);
        }

        public virtual void LoadStateDict(BinaryReader reader)
        {
            InitialLearningRate = reader.ReadDouble();
            LearningRate = reader.ReadDouble();
        }

        public virtual void LoadStateDict(OptimizerOptions source)
        {
            InitialLearningRate = source.InitialLearningRate;
            LearningRate = source.LearningRate;
        }
    }

    /// <summary>What an optimizer remembers of one parameter.</summary>
    public abstract class OptimizerState
    {
        protected Parameter _parameter;

        protected OptimizerState(Parameter parameter)
        {
            _parameter = parameter;
        }

        public abstract void SaveStateDict(BinaryWriter writer);

        public abstract void LoadStateDict(BinaryReader reader);

        public abstract void LoadStateDict(OptimizerState source);

        public abstract void Initialize(OptimizerOptions options);

        public virtual bool ApproximatelyEquals(OptimizerState other) => false;

        public virtual void to(torch.Device device)
        {
        }

        /// <summary>Frees the tensors of the state.</summary>
        internal abstract void Free();

        /// <summary>Puts <paramref name="from"/>, on a device, in a tensor's place and frees what was there.</summary>
        private protected static void Replace(
            ref torch.Tensor? place, torch.Tensor? from, torch.Device device, bool copy)
        {
            torch.Tensor? old = place;
            place = from?.to(device, copy).DetachFromDisposeScope();
            old?.Dispose();
        }

        protected static void LoadConditionalStateTensor(
            BinaryReader reader, ref torch.Tensor? result, torch.Device device)
        {
            torch.Tensor? old = result;
            result = reader.ReadBoolean()
                ? TensorExtensionMethods.Load(reader).to(device, disposeAfter: true).DetachFromDisposeScope()
                : null;
            old?.Dispose();
        }

        protected static void SaveConditionalStateTensor(BinaryWriter writer, torch.Tensor? tensor)
        {
            writer.Write(tensor is not null);
            tensor?.Save(writer);
        }
    }

    /// <summary>Groups, states and their storage: what the optimizers have in common.</summary>
    public abstract class OptimizerHelper : torch.optim.Optimizer
    {
        protected OptimizerOptions _defaults = null!;

        private readonly Dictionary<Parameter, OptimizerState> states = new(ReferenceEqualityComparer.Instance);

        public void save_state_dict(string location)
        {
            using var writer = new BinaryWriter(File.Create(location));
            save_state_dict(writer);
        }

        public void load_state_dict(string location)
        {
            using var reader = new BinaryReader(File.OpenRead(location));
            load_state_dict(reader);
        }

        /// <summary>
        /// Writes TorchSharp's format: the optimizer's name, the counts, the groups' options, the states.
        /// </summary>
        public void save_state_dict(BinaryWriter writer)
        {
            writer.Write(GetType().Name);
            StateDictionary all = state_dict();
            writer.Write7BitEncodedInt64(all.Options.Count);
            writer.Write7BitEncodedInt64(all.State.Count);
            foreach (OptimizerOptions options in all.Options)
                options.SaveStateDict(writer);
            foreach (OptimizerState state in all.State)
                state.SaveStateDict(writer);
        }

        /// <exception cref="InvalidDataException">Another optimizer wrote the file.</exception>
        /// <exception cref="ArgumentException">The file has other groups or parameters.</exception>
        public void load_state_dict(BinaryReader reader)
        {
            string name = reader.ReadString();
            if (name != GetType().Name)
                throw new InvalidDataException(
                    $"Mismatched optimizer type: expected '{GetType().Name}', but found '{name}' in the loaded "
                    + "stream.");
            long options = reader.Read7BitEncodedInt64(), count = reader.Read7BitEncodedInt64();
            StateDictionary own = state_dict();
            Match(options, count, own);
            foreach (OptimizerOptions group in own.Options)
                group.LoadStateDict(reader);
            foreach (OptimizerState state in own.State)
                state.LoadStateDict(reader);
        }

        public virtual void load_state_dict(StateDictionary state_dict)
        {
            StateDictionary own = this.state_dict();
            Match(state_dict.Options.Count, state_dict.State.Count, own);
            foreach ((OptimizerOptions to, OptimizerOptions from) in own.Options.Zip(state_dict.Options))
            {
                if (to != from)
                    to.LoadStateDict(from);
            }

            foreach ((OptimizerState to, OptimizerState from) in own.State.Zip(state_dict.State))
            {
                if (to != from)
                    to.LoadStateDict(from);
            }
        }

        public virtual StateDictionary state_dict()
        {
            var all = new StateDictionary();
            foreach (ParamGroup group in _parameter_groups)
            {
                all.Options.Add(group.Options);
                var indices = new List<int>();
                all.StateIndexRef.Add(indices);
                foreach (Parameter parameter in group.Parameters)
                {
                    indices.Add(all.State.Count);
                    all.State.Add(states[parameter]);
                }
            }

            return all;
        }

        public void to(torch.Device device)
        {
            foreach (OptimizerState state in states.Values)
                state.to(device);
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (!disposing)
                return;
            foreach (OptimizerState state in states.Values)
                state.Free();
        }

        /// <summary>Runs a step on every group, without recording gradients.</summary>
        protected torch.Tensor? _step<T>(Action<T> body, Func<torch.Tensor>? loss_closure = null) where T : ParamGroup
        {
            torch.Tensor? loss = null;
            if (loss_closure is not null)
            {
                using (torch.enable_grad())
                    loss = loss_closure();
            }

            using (torch.no_grad())
            {
                foreach (ParamGroup group in _parameter_groups)
                    body((T)group);
            }

            return loss;
        }

        /// <summary>Runs a step on every parameter that has a gradient; what it makes is freed after each.</summary>
        internal torch.Tensor? Step<TState, TOptions>(
            Action<Parameter, torch.Tensor, TState, TOptions> update, Func<torch.Tensor>? closure)
            where TState : OptimizerState
            where TOptions : OptimizerOptions => _step<ParamGroup>(
            group =>
            {
                foreach (Parameter parameter in group.Parameters)
                {
                    using DisposeScope scope = torch.NewDisposeScope();
                    if (parameter.grad is { } grad)
                        update(parameter, grad, (TState)states[parameter], (TOptions)group.Options);
                }
            },
            closure);

        /// <summary>Takes a group whose options are complete.</summary>
        internal void Enlist(ParamGroup group, Func<Parameter, OptimizerState> make)
        {
            group.Parameters = [.. group.Parameters];
            group.Options.InitialLearningRate = group.Options.LearningRate!.Value;
            _parameter_groups.Add(group);
            foreach (Parameter parameter in group.Parameters)
            {
                OptimizerState state = make(parameter);
                states.Add(parameter, state);
                state.Initialize(group.Options);
            }
        }

        private static void Match(long options, long count, StateDictionary own)
        {
            if (options != own.Options.Count)
                throw new ArgumentException(
                    $"Invalid optimizer state -- {options} parameter groups, not {own.Options.Count}.");
            if (count != own.State.Count)
                throw new ArgumentException($"Invalid optimizer state -- {count} states, not {own.State.Count}.");
        }
    }
}
