using System.Runtime.Intrinsics;
using Tfic.Kernels;

namespace Tfic.Tests.Kernels;

public sealed class LogisticTests
{
    [Fact]
    public void Errors_stay_within_what_is_stated()
    {
        double sigmoid = 0, tanh = 0;
        for (double x = -86; x < 86; x += 0.00137)
        {
            double exact = 1 / (1 + Math.Exp(-(double)(float)x));
            sigmoid = Math.Max(sigmoid, Math.Abs(Logistic.Sigmoid((float)x) - exact) / exact);
            tanh = Math.Max(tanh, Math.Abs(Logistic.Tanh((float)x) - Math.Tanh((float)x)));
        }

        Assert.InRange(sigmoid, 1e-8, 3e-7);
        Assert.InRange(tanh, 1e-8, 2e-7);
    }

    [Fact]
    public void Ends_and_middles_are_exact()
    {
        Assert.Equal(0.5f, Logistic.Sigmoid(0));
        Assert.Equal(0f, Logistic.Tanh(0));
        Assert.Equal(0f, Logistic.Tanh(-0f));
        foreach (float large in new[] { 88f, 1e10f, float.MaxValue, float.PositiveInfinity })
        {
            Assert.Equal(1f, Logistic.Sigmoid(large));
            Assert.InRange(Logistic.Sigmoid(-large), 0f, 1e-37f);
            Assert.Equal(1f, Logistic.Tanh(large));
            Assert.Equal(-1f, Logistic.Tanh(-large));
        }

        Assert.True(float.IsNaN(Logistic.Sigmoid(float.NaN)) && float.IsNaN(Logistic.Tanh(float.NaN)));
    }

    [Fact]
    public void Every_lane_has_the_bits_of_the_scalar_form()
    {
        var random = new Random(1);
        for (int i = 0; i < 10_000; i++)
        {
            float x = (float)(Math.Pow(10, 4 * random.NextDouble() - 2) * (random.Next(2) == 0 ? 1 : -1));
            Assert.Equal(Vector128.Create(Logistic.Sigmoid(x)), Logistic.Sigmoid<Vector128<float>, Lanes128>(Vector128.Create(x)));
            Assert.Equal(Vector256.Create(Logistic.Sigmoid(x)), Logistic.Sigmoid<Vector256<float>, Lanes256>(Vector256.Create(x)));
            Assert.Equal(Vector512.Create(Logistic.Tanh(x)), Logistic.Tanh<Vector512<float>, Lanes512>(Vector512.Create(x)));
            Assert.Equal(Vector128.Create(Logistic.Tanh(x)), Logistic.Tanh<Vector128<float>, Lanes128>(Vector128.Create(x)));
        }
    }
}
