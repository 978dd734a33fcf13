using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tfic.LibTorch.Tests;

public class LifetimeTests
{
    [SkippableFact]
    public void Two_hundred_training_steps_leave_nothing_behind()
    {
        Torch.Require();
        using var network = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding: 1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 3, 3, padding: 1));
        using var optimizer = optim.AdamW(network.parameters(), 1e-3);
        using Tensor x = randn(4, 3, 64, 64);
        // The first steps make what stays: gradients, the optimizer's averages, the allocator's pools.
        for (int step = 0; step < 20; step++)
            Step();
        // What earlier tests left to the finaliser must not be freed while this one counts.
        Collect();
        long live = Torch.LiveTensors, objects = Tensor.TotalCount, resident = Environment.WorkingSet;
        for (int step = 0; step < 200; step++)
            Step();
        Assert.Equal(live, Torch.LiveTensors);
        Assert.Equal(objects, Tensor.TotalCount);
        // A step makes some 10 MB of activations and gradients: a leak of any of them in 200 steps is far above this.
        Assert.InRange(Environment.WorkingSet - resident, long.MinValue, 64 << 20);

        void Step()
        {
            using DisposeScope scope = NewDisposeScope();
            optimizer.zero_grad();
            Tensor loss = F.mse_loss(network.call(x), x);
            loss.backward();
            nn.utils.clip_grad_norm_(network.parameters(), 1);
            optimizer.step();
        }
    }

    [SkippableFact]
    public void Scope_frees_what_was_made_in_it_but_not_what_was_moved_out()
    {
        Torch.Require();
        Tensor inside, moved, detached;
        using (DisposeScope outer = NewDisposeScope())
        {
            using (DisposeScope inner = NewDisposeScope())
            {
                inside = ones(2);
                moved = (ones(2) + 1).MoveToOuterDisposeScope();
                detached = ones(2).DetachFromDisposeScope();
                // What stays is the first, and the operand of the sum.
                Assert.Equal(2, inner.DisposablesCount);
            }

            Assert.True(inside.IsInvalid);
            Assert.False(moved.IsInvalid);
            Assert.True(outer.Contains(moved));
        }

        Assert.True(moved.IsInvalid);
        Assert.False(detached.IsInvalid);
        Assert.Equal([1, 1], detached.data<float>().ToArray());
        detached.Dispose();
        Assert.Throws<InvalidOperationException>(() => detached.sum());
    }

    [SkippableFact]
    public void Module_made_in_a_scope_outlives_it()
    {
        Torch.Require();
        nn.Module<Tensor, Tensor> network;
        using (NewDisposeScope())
            network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3));
        using (NewDisposeScope())
            Assert.Equal([4, 3], network.call(randn(4, 2)).shape);
        long before = Torch.LiveTensors;
        network.Dispose();
        Assert.Equal(7, before - Torch.LiveTensors);
    }

    [SkippableFact]
    public void Finaliser_frees_what_nobody_disposed()
    {
        Torch.Require();
        Collect();
        long before = Torch.LiveTensors;
        Lose();
        Collect();
        Assert.Equal(before, Torch.LiveTensors);

        static void Lose()
        {
            for (int i = 0; i < 10; i++)
                _ = ones(3);
        }
    }

    [SkippableFact]
    public void Scopes_belong_to_their_thread()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Tensor elsewhere = null!;
        var thread = new Thread(() => elsewhere = ones(2));
        thread.Start();
        thread.Join();
        Assert.False(scope.Contains(elsewhere));
        elsewhere.Dispose();
    }
    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }
}
