namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        /// <summary>Learning rates by step. A scheduler sets the first rate when it is made.</summary>
        public static partial class lr_scheduler
        {
            public static LRScheduler StepLR(
                Optimizer optimizer, int step_size, double gamma = 0.1, int last_epoch = -1, bool verbose = false) =>
                new impl.StepLR(optimizer, step_size, gamma, last_epoch, verbose);

            public static LRScheduler MultiStepLR(
                Optimizer optimizer, IList<int> milestones, double gamma = 0.1, int last_epoch = -1,
                bool verbose = false) => new impl.MultiStepLR(optimizer, milestones, gamma, last_epoch, verbose);

            public static LRScheduler ExponentialLR(
                Optimizer optimizer, double gamma = 0.1, int last_epoch = -1, bool verbose = false) =>
                new impl.ExponentialLR(optimizer, gamma, last_epoch, verbose);

            public static LRScheduler LambdaLR(
                Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false) =>
                new impl.LambdaLR(optimizer, lr_lambda, last_epoch, verbose);

            public static LRScheduler CosineAnnealingLR(
                Optimizer optimizer, double T_max, double eta_min = 0, int last_epoch = -1, bool verbose = false) =>
                new impl.CosineAnnealingLR(optimizer, T_max, eta_min, last_epoch, verbose);

            public static LRScheduler OneCycleLR(
                Optimizer optimizer, double max_lr, int total_steps = -1, int epochs = -1, int steps_per_epoch = -1,
                double pct_start = 0.3,
                impl.OneCycleLR.AnnealStrategy anneal_strategy = impl.OneCycleLR.AnnealStrategy.Cos,
                bool cycle_momentum = true, double base_momentum = 0.85, double max_momentum = 0.95,
                double div_factor = 25, double final_div_factor = 10000.0, bool three_phase = false,
                int last_epoch = -1, bool verbose = false) => new impl.OneCycleLR(
                    optimizer, max_lr, total_steps, epochs, steps_per_epoch, pct_start, anneal_strategy, cycle_momentum,
                    base_momentum, max_momentum, div_factor, final_div_factor, three_phase, last_epoch, verbose);

            public abstract class LRScheduler
            {
                protected int _step_count;

                internal readonly Optimizer _optimizer;
                internal readonly ILearningRateController[] groups;
                internal readonly double[] _base_lrs;
                internal int _last_epoch;

                private readonly bool verbose;
                private double[] lastRates;

                protected LRScheduler(Optimizer optimizer, int last_epoch = -1, bool verbose = false)
                {
                    _optimizer = optimizer ?? throw new ArgumentNullException(nameof(optimizer));
                    _last_epoch = last_epoch;
                    this.verbose = verbose;
                    groups = [.. optimizer.ParamGroups];
                    _base_lrs = [.. groups.Select(group => group.InitialLearningRate)];
                    lastRates = [.. groups.Select(group => group.LearningRate)];
                }

                public virtual void step() => step(null);

                /// <param name="epoch">The step to go to; the next one where it is null.</param>
                public virtual void step(int? epoch)
                {
                    _step_count++;
                    _last_epoch = epoch ?? _last_epoch + 1;
                    double[] rates = [.. epoch is null ? get_lr() : get_closed_form_lr()];
                    for (int i = 0; i < groups.Length; i++)
                    {
                        groups[i].LearningRate = rates[i];
                        if (verbose && lastRates[i] != rates[i])
                            Console.WriteLine($"Adjusting learning rate to {rates[i]}");
                    }

                    lastRates = rates;
                }

                /// <param name="current">A measurement, which most schedulers do not look at.</param>
                /// <param name="epoch">As in <see cref="step(int?)"/>.</param>
                public virtual void step(double current, int? epoch = null) => step(epoch);

                public IEnumerable<double> get_last_lr() => lastRates;

                protected virtual IEnumerable<double> get_lr() => groups.Select(group => group.LearningRate);

                protected virtual IEnumerable<double> get_closed_form_lr() => get_lr();
            }

            public static partial class impl
            {
                public class LambdaLR : LRScheduler
                {
                    private readonly Func<int, double>[] factors;

                    public LambdaLR(
                        Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        factors = [.. Enumerable.Repeat(lr_lambda, groups.Length)];
                        step();
                    }

                    public LambdaLR(
                        Optimizer optimizer, IEnumerable<Func<int, double>> lr_lambdas, int last_epoch = -1,
                        bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        factors = [.. lr_lambdas];
                        step();
                    }

                    protected override IEnumerable<double> get_lr() =>
                        _base_lrs.Select((rate, i) => rate * factors[i](_last_epoch));
                }

                public class StepLR : LRScheduler
                {
                    private readonly int every;
                    private readonly double gamma;

                    public StepLR(
                        Optimizer optimizer, int step_size, double gamma = 0.1, int last_epoch = -1,
                        bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        every = step_size;
                        this.gamma = gamma;
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => groups.Select(group =>
                        _last_epoch == 0 || _last_epoch % every != 0 ? group.LearningRate : group.LearningRate * gamma);

                    protected override IEnumerable<double> get_closed_form_lr() =>
                        _base_lrs.Select(rate => rate * Math.Pow(gamma, _last_epoch / every));
                }

                public class MultiStepLR : LRScheduler
                {
                    private readonly IList<int> milestones;
                    private readonly double gamma;

                    public MultiStepLR(
                        Optimizer optimizer, IList<int> milestones, double gamma = 0.1, int last_epoch = -1,
                        bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        this.milestones = milestones;
                        this.gamma = gamma;
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => groups.Select(group =>
                        milestones.Contains(_last_epoch) ? group.LearningRate * gamma : group.LearningRate);

                    protected override IEnumerable<double> get_closed_form_lr() => _base_lrs.Select(rate =>
                        rate * Math.Pow(gamma, milestones.Distinct().Count(milestone => milestone <= _last_epoch)));
                }

                public class ExponentialLR : LRScheduler
                {
                    private readonly double gamma;

                    public ExponentialLR(
                        Optimizer optimizer, double gamma = 0.1, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        this.gamma = gamma;
                        step();
                    }

                    protected override IEnumerable<double> get_lr() =>
                        groups.Select(group => _last_epoch == 0 ? group.LearningRate : group.LearningRate * gamma);

                    protected override IEnumerable<double> get_closed_form_lr() =>
                        _base_lrs.Select(rate => rate * Math.Pow(gamma, _last_epoch));
                }

                /// <summary>Half a cosine from the first rate to eta_min in T_max steps, and back in as many.</summary>
                public class CosineAnnealingLR : LRScheduler
                {
                    private readonly double steps;
                    private readonly double least;

                    public CosineAnnealingLR(
                        Optimizer optimizer, double T_max, double eta_min = 0, int last_epoch = -1,
                        bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        steps = T_max;
                        least = eta_min;
                        step();
                    }

                    // PyTorch's recurrence, which honours a rate that was changed in between.
                    protected override IEnumerable<double> get_lr() => groups.Select((group, i) =>
                    {
                        if (_last_epoch == 0)
                            return group.LearningRate;
                        // At the bottom the quotient below is 0 / 0.
                        if ((_last_epoch - 1 - steps) % (2 * steps) == 0)
                            return group.LearningRate + ((_base_lrs[i] - least) * (1 - Math.Cos(Math.PI / steps)) / 2);
                        double quotient = (1 + Math.Cos(Math.PI * _last_epoch / steps))
                            / (1 + Math.Cos(Math.PI * (_last_epoch - 1) / steps));
                        return (quotient * (group.LearningRate - least)) + least;
                    });

                    protected override IEnumerable<double> get_closed_form_lr() => _base_lrs.Select(rate =>
                        least + ((rate - least) * (1 + Math.Cos(Math.PI * _last_epoch / steps)) / 2));
                }

                /// <summary>
                /// Up to the largest rate and down to a very small one: Smith and Topin 2017, arXiv 1708.07120.
                /// </summary>
                public class OneCycleLR : LRScheduler
                {
                    private readonly int total;
                    private readonly AnnealStrategy strategy;
                    private readonly bool cycleMomentum;
                    private readonly Phase[] phases;

                    public OneCycleLR(
                        Optimizer optimizer, double max_lr, int total_steps = -1, int epochs = -1,
                        int steps_per_epoch = -1, double pct_start = 0.3,
                        AnnealStrategy anneal_strategy = AnnealStrategy.Cos, bool cycle_momentum = true,
                        double base_momentum = 0.85, double max_momentum = 0.95, double div_factor = 25,
                        double final_div_factor = 10000.0, bool three_phase = false, int last_epoch = -1,
                        bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        if (cycle_momentum && optimizer is not (IMomentum or IBetas))
                            throw new ArgumentException(
                                "optimizer must support momentum with `cycle_momentum` option enabled");
                        if (pct_start is < 0 or > 1)
                            throw new ArgumentException(
                                $"Expected float between 0 and 1 for pct_start, but got {pct_start}");
                        total = total_steps != -1 ? total_steps : epochs * steps_per_epoch;
                        if (total <= 0 || (total_steps == -1 && epochs <= 0))
                            throw new ArgumentException(
                                "You must define either total_steps OR (epochs AND steps_per_epoch)");
                        strategy = anneal_strategy;
                        cycleMomentum = cycle_momentum;

                        double[] most = [.. groups.Select(_ => max_lr)];
                        double[] first = [.. most.Select(rate => rate / div_factor)];
                        double[] last = [.. first.Select(rate => rate / final_div_factor)];
                        double up = (pct_start * total) - 1;
                        phases = three_phase
                            ?
                            [
                                new(up, first, most, max_momentum, base_momentum),
                                new((2 * pct_start * total) - 2, most, first, base_momentum, max_momentum),
                                new(total - 1, first, last, max_momentum, max_momentum),
                            ]
                            :
                            [
                                new(up, first, most, max_momentum, base_momentum),
                                new(total - 1, most, last, base_momentum, max_momentum),
                            ];
                        step();
                    }

                    public enum AnnealStrategy
                    {
                        Cos,
                        Linear,
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        if (_last_epoch > total)
                            throw new InvalidOperationException(
                                $"Tried to step {_last_epoch + 1} times. The specified number of total steps is "
                                + $"{total}");
                        int now = 0;
                        while (now < phases.Length - 1 && _last_epoch > phases[now].End)
                            now++;
                        double start = now == 0 ? 0 : phases[now - 1].End;
                        Phase phase = phases[now];
                        double part = (_last_epoch - start) / (phase.End - start);
                        if (cycleMomentum)
                        {
                            double momentum = Between(phase.FromMomentum, phase.ToMomentum, part);
                            foreach (ILearningRateController group in groups)
                                SetMomentum(group, momentum);
                        }

                        return groups.Select((_, i) => Between(phase.From[i], phase.To[i], part));
                    }

                    private readonly record struct Phase(
                        double End, double[] From, double[] To, double FromMomentum, double ToMomentum);

                    private static void SetMomentum(ILearningRateController group, double value)
                    {
                        if (group is IBetas betas)
                            betas.Betas = (value, betas.Betas.Item2);
                        else if (group is IMomentum momentum)
                            momentum.Momentum = value;
                    }

                    private double Between(double from, double to, double part) => strategy == AnnealStrategy.Cos
                        ? to + ((from - to) / 2 * (Math.Cos(Math.PI * part) + 1))
                        : from + ((to - from) * part);
                }
            }
        }
    }
}
