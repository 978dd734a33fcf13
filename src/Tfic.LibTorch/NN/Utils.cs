using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class utils
        {
            /// <summary>Scales all gradients by one factor so that their common norm is at most max_norm.</summary>
            /// <returns>The norm before.</returns>
            public static double clip_grad_norm_(
                IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2.0)
            {
                using DisposeScope scope = NewDisposeScope();
                using IDisposable without = no_grad();
                Tensor[] gradients = [.. tensors.Select(parameter => parameter.grad!).Where(grad => grad is not null)];
                if (gradients.Length == 0)
                    return 0;
                double total = double.IsPositiveInfinity(norm_type)
                    ? stack(gradients.Select(grad => grad.abs().max())).max().ToDouble()
                    : stack(gradients.Select(grad => grad.norm((float)norm_type))).norm((float)norm_type).ToDouble();
                double factor = max_norm / (total + 1e-6);
                // A norm that is not a number has to reach the parameters, as PyTorch lets it, and not be taken for
                // small.
                if (!(factor >= 1))
                {
                    foreach (Tensor grad in gradients)
                        grad.mul_(factor);
                }

                return total;
            }

            public static void clip_grad_value_(IEnumerable<Parameter> tensors, double clip_value)
            {
                using DisposeScope scope = NewDisposeScope();
                using IDisposable without = no_grad();
                foreach (Parameter parameter in tensors)
                    parameter.grad?.clamp_((Scalar)(-clip_value), (Scalar)clip_value);
            }

            public static Tensor parameters_to_vector(IEnumerable<Parameter> tensors)
            {
                using DisposeScope scope = NewDisposeScope();
                return cat(tensors.Select(parameter => parameter.reshape(-1)).ToArray()).MoveToOuterDisposeScope();
            }

            public static void vector_to_parameters(Tensor vec, IEnumerable<Parameter> tensors)
            {
                using DisposeScope scope = NewDisposeScope();
                using IDisposable without = no_grad();
                long from = 0;
                foreach (Parameter parameter in tensors)
                {
                    long count = parameter.numel();
                    parameter.copy_(vec.narrow(0, from, count).view_as(parameter));
                    from += count;
                }
            }
        }
    }
}
