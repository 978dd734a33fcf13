using Tfic.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.Detection;

/// <summary>
/// CRAFT (Baek et al. 2019, "Character region awareness for text detection"): where characters are, and where
/// neighbours of one word meet. VGG-16 with batch normalisation, and a path up that joins its levels.
/// </summary>
public sealed class Craft : PublishedModule
{
    private readonly Backbone backbone;
    private readonly Sequential[] up = new Sequential[4];
    private readonly Sequential head;

    /// <summary>Makes the network with random weights.</summary>
    /// <param name="width">Channels of VGG's first level, 64 as published; all others are multiples of it.</param>
    public Craft(int width = 64)
        : base(nameof(Craft))
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(width % 4, 0);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 4);
        backbone = Part("basenet", new Backbone(width));

        // Each takes the level below and what has come up so far: channels in, between, out.
        (int In, int Between, int Out)[] sizes =
        [
            (24 * width, 8 * width, 4 * width),
            (12 * width, 4 * width, 2 * width),
            (6 * width, 2 * width, width),
            (3 * width, width, width / 2),
        ];
        for (int i = 0; i < up.Length; i++)
        {
            (int from, int between, int to) = sizes[i];
            up[i] = Sequential(
                Conv2d(from, between, 1),
                BatchNorm2d(between),
                ReLU(),
                Conv2d(between, to, 3, padding: 1),
                BatchNorm2d(to),
                ReLU());
            Part($"upconv{i + 1}", new Wrapped("conv", up[i]));
        }

        (int wide, int narrow) = (width / 2, width / 4);
        head = Part("conv_cls", Sequential(
            Conv2d(wide, wide, 3, padding: 1),
            ReLU(),
            Conv2d(wide, wide, 3, padding: 1),
            ReLU(),
            Conv2d(wide, narrow, 3, padding: 1),
            ReLU(),
            Conv2d(narrow, narrow, 1),
            ReLU(),
            Conv2d(narrow, 2, 1)));
        foreach (Conv2d layer in modules().OfType<Conv2d>())
        {
            init.xavier_uniform_(layer.weight);
            init.zeros_(layer.bias!);
        }
    }

    /// <summary>Makes the network that a state dictionary is of, with its weights.</summary>
    /// <exception cref="TficFormatException">It is of another network.</exception>
    public static Craft FromStateDict(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        tensors = StateDict.WithoutWrapper(tensors);
        if (!tensors.TryGetValue("basenet.slice1.0.weight", out StoredTensor? first)
            || first.Shape is not [>= 4, 3, 3, 3] || first.Shape[0] % 4 != 0)
        {
            throw new TficFormatException("These are no weights of CRAFT: there is no first 3 × 3 convolution.");
        }

        var network = new Craft(first.Shape[0]);
        StateDict.Load(network, tensors);
        network.eval();
        return network;
    }

    /// <summary>Finds characters.</summary>
    /// <param name="input">
    /// [B, 3, H, W], RGB, each channel less its mean over its deviation on ImageNet; H and W multiples of 16, of 32 as
    /// published.
    /// </param>
    /// <returns>[B, H/2, W/2, 2]: region score, affinity score, about 0 … 1.</returns>
    public override Tensor forward(Tensor input) => Run(input).Scores;

    /// <summary>
    /// The same, and the features [B, 32, H/2, W/2] under the scores, which the published link refiner takes.
    /// </summary>
    public (Tensor Scores, Tensor Features) Run(Tensor input)
    {
        Tensor[] levels = backbone.Levels(input);
        Tensor x = up[0].call(cat([levels[4], levels[3]], 1));
        for (int i = 1; i < up.Length; i++)
        {
            Tensor level = levels[3 - i];
            x = functional.interpolate(
                x, [level.shape[2], level.shape[3]], mode: InterpolationMode.Bilinear, align_corners: false);
            x = up[i].call(cat([x, level], 1));
        }

        return (head.call(x).permute(0, 2, 3, 1), x);
    }

    /// <summary>A picture as the network takes it: ImageNet's mean and deviation.</summary>
    /// <param name="picture">[B, 3, H, W], RGB, 0 … 1.</param>
    public static Tensor Normalise(Tensor picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        Tensor mean = tensor(new[] { 0.485f, 0.456f, 0.406f }, [3, 1, 1], device: picture.device);
        Tensor deviation = tensor(new[] { 0.229f, 0.224f, 0.225f }, [3, 1, 1], device: picture.device);
        return (picture - mean) / deviation;
    }

    /// <summary>One module under a name of its own.</summary>
    private sealed class Wrapped : PublishedModule
    {
        private readonly Sequential inner;

        public Wrapped(string name, Sequential inner)
            : base(nameof(Wrapped)) => this.inner = Part(name, inner);

        public override Tensor forward(Tensor input) => inner.call(input);
    }

    /// <summary>
    /// VGG-16's thirteen convolutions, cut into the published slices, whose modules keep their numbers in VGG, and in
    /// place of its fully connected layers a dilated convolution.
    /// </summary>
    private sealed class Backbone : PublishedModule
    {
        private readonly Sequential[] slices = new Sequential[5];

        public Backbone(int width)
            : base(nameof(Backbone))
        {
            // Channels of VGG's convolutions; 0 is a pooling. The slices begin in front of these modules.
            ReadOnlySpan<int> plan = [1, 1, 0, 2, 2, 0, 4, 4, 4, 0, 8, 8, 8, 0, 8, 8, 8, 0];
            ReadOnlySpan<int> ends = [12, 19, 29, 39];
            var all = new List<Module<Tensor, Tensor>>();
            int from = 3;
            foreach (int multiple in plan)
            {
                if (multiple == 0)
                {
                    all.Add(MaxPool2d(2, 2));
                    continue;
                }

                all.AddRange([Conv2d(from, multiple * width, 3, padding: 1), BatchNorm2d(multiple * width), ReLU()]);
                from = multiple * width;
            }

            for (int i = 0, start = 0; i < 4; start = ends[i++])
            {
                var slice = new List<(string, Module<Tensor, Tensor>)>();
                for (int j = start; j < ends[i]; j++)
                    slice.Add((j.ToString(System.Globalization.CultureInfo.InvariantCulture), all[j]));
                slices[i] = Part($"slice{i + 1}", Sequential(slice));
            }

            slices[4] = Part("slice5", Sequential(
                MaxPool2d(3, 1, 1),
                Conv2d(8 * width, 16 * width, 3, padding: 6, dilation: 6),
                Conv2d(16 * width, 16 * width, 1)));
        }

        /// <summary>The five levels, finest first.</summary>
        public Tensor[] Levels(Tensor input)
        {
            var levels = new Tensor[5];
            Tensor x = input;
            for (int i = 0; i < levels.Length; i++)
            {
                x = slices[i].call(x);

                // The published program rectifies in place at the start of the next slice, so the levels that are
                // joined later are rectified too; the fourth is not, because pooling follows it.
                levels[i] = i < 3 ? functional.relu(x) : x;
            }

            return levels;
        }

        public override Tensor forward(Tensor input) => Levels(input)[4];
    }
}
