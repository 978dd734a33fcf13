using TorchSharp;
using static TorchSharp.torch;
namespace Tfic.LibTorch.Tests;
public class Smoke
{
    [Fact]
    public void Works()
    {
        using var scope = NewDisposeScope();
        var x = randn(2, 3, 8, 8);
        var net = nn.Sequential(nn.Conv2d(3, 4, 3, padding: 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 3, padding: 1));
        var opt = optim.Adam(net.parameters(), 1e-2);
        float first = 0, last = 0;
        for (int i = 0; i < 20; i++)
        {
            opt.zero_grad();
            var loss = nn.functional.mse_loss(net.call(x), x);
            loss.backward();
            opt.step();
            last = loss.item<float>();
            if (i == 0) first = last;
        }
        Assert.True(last < first, $"{first} {last}");
        Assert.Equal(new long[] { 2, 3, 4 }, x[.., .., 1, TensorIndex.Slice(0, null, 2)].shape);
    }
}
