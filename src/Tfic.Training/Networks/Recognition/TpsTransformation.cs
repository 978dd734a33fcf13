using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.Recognition;

/// <summary>
/// Rectifies a word by a thin-plate spline whose control points a small network finds (Shi et al. 2016, RARE).
/// </summary>
/// <remarks>
/// F base points C lie on the upper and lower edge of the rectified picture; the network predicts where they come from in
/// the input, C'. The spline through both is T = Δ⁻¹ [C'; 0], with
/// Δ = [1 C R; 0 0 Cᵀ; 0 0 1ᵀ] and R_ij = d² ln d of the distance of base points i and j, and a pixel P of the output
/// comes from [1, P, d² ln d to each base point] · T. Coordinates run from −1 to 1.
/// </remarks>
public sealed class TpsTransformation : PublishedModule
{
    private readonly int height;
    private readonly int width;
    private readonly LocalizationNetwork localization;
    private readonly GridGenerator grid;

    /// <summary>Makes the transformation; at first it only shears the upper and lower edge towards the middle.</summary>
    /// <param name="fiducials">Base points F, an even number.</param>
    /// <param name="height">Rows of the picture, also of the rectified one.</param>
    /// <param name="width">Columns.</param>
    /// <param name="channels">Channels.</param>
    public TpsTransformation(int fiducials, int height, int width, int channels)
        : base(nameof(TpsTransformation))
    {
        (this.height, this.width) = (height, width);
        localization = Part("LocalizationNetwork", new LocalizationNetwork(fiducials, channels));
        grid = Part("GridGenerator", new GridGenerator(fiducials, height, width));
    }

    /// <summary>Where the base points come from, [B, F, 2] (column, row).</summary>
    public Tensor BasePoints(Tensor input) => localization.call(input);

    /// <summary>[B, C, H, W] → the rectified [B, C, H, W].</summary>
    public override Tensor forward(Tensor input)
    {
        Tensor from = grid.call(localization.call(input)).view(-1, height, width, 2);
        return functional.grid_sample(
            input, from, GridSampleMode.Bilinear, GridSamplePaddingMode.Border, align_corners: true);
    }

    private static double[] BasePointsOfOutput(int fiducials)
    {
        int half = fiducials / 2;
        var points = new double[2 * fiducials];
        for (int i = 0; i < fiducials; i++)
        {
            points[2 * i] = Across(i % half, half);
            points[2 * i + 1] = i < half ? -1 : 1;
        }

        return points;
    }

    // The i-th of n points spread evenly over −1 … 1.
    private static double Across(int i, int n) => -1 + 2.0 * i / (n - 1);

    private sealed class LocalizationNetwork : PublishedModule
    {
        private readonly int fiducials;
        private readonly Sequential convolutions;
        private readonly Sequential hidden;
        private readonly Linear points;

        public LocalizationNetwork(int fiducials, int channels)
            : base(nameof(LocalizationNetwork))
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(fiducials, 4);
            ArgumentOutOfRangeException.ThrowIfNotEqual(fiducials % 2, 0, nameof(fiducials));
            this.fiducials = fiducials;
            var layers = new List<Module<Tensor, Tensor>>();
            int from = channels;
            foreach (int to in (ReadOnlySpan<int>)[64, 128, 256, 512])
            {
                layers.AddRange([Conv2d(from, to, 3, padding: 1, bias: false), BatchNorm2d(to), ReLU()]);
                layers.Add(to < 512 ? MaxPool2d(2, 2) : AdaptiveAvgPool2d(1));
                from = to;
            }

            convolutions = Part("conv", Sequential(layers));
            hidden = Part("localization_fc1", Sequential(Linear(512, 256), ReLU()));
            points = Part("localization_fc2", Linear(256, 2 * fiducials));

            // RARE's Figure 6 (a): no dependence on the picture, and two slanted rows of points.
            int half = fiducials / 2;
            var start = new float[2 * fiducials];
            for (int i = 0; i < fiducials; i++)
            {
                double down = (double)(i % half) / (half - 1);
                start[2 * i] = (float)Across(i % half, half);
                start[2 * i + 1] = (float)(i < half ? -down : 1 - down);
            }

            init.zeros_(points.weight);
            using IDisposable guard = no_grad();
            points.bias!.copy_(tensor(start));
        }

        public override Tensor forward(Tensor input) =>
            points.call(hidden.call(convolutions.call(input).flatten(1))).view(-1, fiducials, 2);
    }

    /// <summary>C' [B, F, 2] → where each pixel comes from, [B, H·W, 2].</summary>
    private sealed class GridGenerator : PublishedModule
    {
        // Keeps ln away from 0 at a pixel that is a base point.
        private const double Epsilon = 1e-6;

        private readonly Tensor inverse;
        private readonly Tensor pixels;

        public GridGenerator(int fiducials, int height, int width)
            : base(nameof(GridGenerator))
        {
            double[] points = BasePointsOfOutput(fiducials);
            inverse = Part("inv_delta_C", Inverse(points, fiducials));
            pixels = Part("P_hat", Pixels(points, fiducials, height, width));
        }

        public override Tensor forward(Tensor basePoints)
        {
            Tensor padded = cat([basePoints, zeros([basePoints.shape[0], 3, 2], basePoints.dtype, basePoints.device)], 1);
            return matmul(pixels, matmul(inverse, padded));
        }

        private static Tensor Inverse(double[] points, int fiducials)
        {
            int n = fiducials + 3;
            var delta = new double[n * n];
            for (int i = 0; i < fiducials; i++)
            {
                delta[i * n] = 1;
                delta[i * n + 1] = points[2 * i];
                delta[i * n + 2] = points[2 * i + 1];
                delta[fiducials * n + 3 + i] = points[2 * i];
                delta[(fiducials + 1) * n + 3 + i] = points[2 * i + 1];
                delta[(fiducials + 2) * n + 3 + i] = 1;
                for (int j = 0; j < fiducials; j++)
                {
                    double distance = Distance(points, i, points[2 * j], points[2 * j + 1]);
                    delta[i * n + 3 + j] = i == j ? 0 : distance * distance * Math.Log(distance);
                }
            }

            return tensor(delta, [n, n]).inverse().to(ScalarType.Float32);
        }

        private static Tensor Pixels(double[] points, int fiducials, int height, int width)
        {
            int n = fiducials + 3;
            var values = new float[height * width * n];
            for (int row = 0, at = 0; row < height; row++)
            {
                for (int column = 0; column < width; column++)
                {
                    // Middles of pixels.
                    double x = (2.0 * column + 1 - width) / width, y = (2.0 * row + 1 - height) / height;
                    values[at++] = 1;
                    values[at++] = (float)x;
                    values[at++] = (float)y;
                    for (int i = 0; i < fiducials; i++)
                    {
                        double distance = Distance(points, i, x, y);
                        values[at++] = (float)(distance * distance * Math.Log(distance + Epsilon));
                    }
                }
            }

            return tensor(values, [height * width, n]);
        }

        private static double Distance(double[] points, int i, double x, double y) =>
            Math.Sqrt((points[2 * i] - x) * (points[2 * i] - x) + (points[2 * i + 1] - y) * (points[2 * i + 1] - y));
    }
}
