using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tfic.LibTorch.Tests;

public class OptimizerTests
{
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Adam_follows_its_paper(bool decoupled)
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        const double Rate = 0.1, Decay = 0.02;
        Parameter parameter = nn.Parameter(tensor(new[] { 1.5 }));
        using OptimizerHelper optimizer = decoupled
            ? optim.AdamW([parameter], Rate, weight_decay: Decay)
            : optim.Adam([parameter], Rate, weight_decay: Decay);
        double x = 1.5, m = 0, v = 0;
        for (int t = 1; t <= 5; t++)
        {
            optimizer.zero_grad();
            parameter.pow(3).sum().backward();
            optimizer.step();

            double g = (3 * x * x) + (decoupled ? 0 : Decay * x);
            if (decoupled)
                x -= Rate * Decay * x;
            m = (0.9 * m) + (0.1 * g);
            v = (0.999 * v) + (0.001 * g * g);
            x -= Rate * (m / (1 - Math.Pow(0.9, t))) / (Math.Sqrt(v / (1 - Math.Pow(0.999, t))) + 1e-8);
            Assert.Equal(x, parameter.ToDouble(), 12);
        }
    }

    [SkippableFact]
    public void Momentum_descends()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Parameter parameter = nn.Parameter(tensor(new[] { 2.0 }));
        using var optimizer = optim.SGD([parameter], 0.1, momentum: 0.5);
        double x = 2, buffer = 0;
        for (int t = 0; t < 4; t++)
        {
            optimizer.zero_grad();
            parameter.square().sum().backward();
            optimizer.step();
            buffer = (0.5 * buffer) + (2 * x);
            x -= 0.1 * buffer;
            Assert.Equal(x, parameter.ToDouble(), 12);
        }
    }

    [SkippableFact]
    public void Groups_have_their_own_options()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Parameter slow = nn.Parameter(ones(1)), fast = nn.Parameter(ones(1));
        using var optimizer = optim.Adam([new Adam.ParamGroup([slow], lr: 0.01), new Adam.ParamGroup([fast], lr: 0.1)]);
        (slow + fast).sum().backward();
        optimizer.step();
        Assert.Equal(0.99, slow.ToDouble(), 5);
        Assert.Equal(0.9, fast.ToDouble(), 5);
        Assert.Equal([0.01, 0.1], optimizer.ParamGroups.Select(group => group.LearningRate));
    }

    [SkippableFact]
    public void Clipping_scales_all_gradients_by_one_factor()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Parameter a = nn.Parameter(zeros(1)), b = nn.Parameter(zeros(1));
        ((3 * a) + (4 * b)).sum().backward();
        Assert.Equal(5, nn.utils.clip_grad_norm_([a, b], 1), 5);
        Assert.Equal(0.6, a.grad!.ToDouble(), 5);
        Assert.Equal(0.8, b.grad!.ToDouble(), 5);
        Assert.Equal(1, nn.utils.clip_grad_norm_([a, b], 2), 5);
        Assert.Equal(0.6, a.grad!.ToDouble(), 5);
    }

    public static TheoryData<string, double[]> Rates() => new()
    {
        { "step", [1, 1, 0.1, 0.1, 0.01, 0.01] },
        { "steps", [1, 0.5, 0.5, 0.25, 0.25, 0.25] },
        { "exponential", [1, 0.5, 0.25, 0.125, 0.0625, 0.03125] },
        { "lambda", [1, 0.5, 1.0 / 3, 0.25, 0.2, 1.0 / 6] },
        { "cosine", [.. Enumerable.Range(0, 6).Select(t => 0.2 + (0.8 * (1 + Math.Cos(Math.PI * t / 4)) / 2))] },
        { "cycle", [0.08, 2, .. Enumerable.Range(1, 4).Select(t => 2 + ((8e-6 - 2) * t / 4))] },
    };

    [SkippableTheory]
    [MemberData(nameof(Rates))]
    public void Scheduler_sets_the_rate_of_each_step(string name, double[] expected)
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using var optimizer = optim.Adam([nn.Parameter(ones(1))], 1);
        optim.lr_scheduler.LRScheduler scheduler = name switch
        {
            "step" => optim.lr_scheduler.StepLR(optimizer, 2, 0.1),
            "steps" => optim.lr_scheduler.MultiStepLR(optimizer, [1, 3], 0.5),
            "exponential" => optim.lr_scheduler.ExponentialLR(optimizer, 0.5),
            "lambda" => optim.lr_scheduler.LambdaLR(optimizer, t => 1.0 / (t + 1)),
            "cosine" => optim.lr_scheduler.CosineAnnealingLR(optimizer, 4, 0.2),
            // Up for 2 of 6 steps, then down for 4, in straight lines.
            _ => optim.lr_scheduler.OneCycleLR(
                optimizer, 2, total_steps: 6, pct_start: 2.0 / 6,
                anneal_strategy: optim.lr_scheduler.impl.OneCycleLR.AnnealStrategy.Linear),
        };
        foreach (double rate in expected)
        {
            Assert.Equal(rate, optimizer.ParamGroups.Single().LearningRate, 6);
            if (rate != expected[^1])
                scheduler.step();
        }

        if (name == "cycle")
            Assert.Equal(0.95, optimizer.ParamGroups.Cast<optim.IBetas>().Single().Betas.Item1, 6);
    }
}
