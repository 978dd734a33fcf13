using TorchSharp.Interop;
using static TorchSharp.Interop.NativeMethods;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        /// <summary>Accumulates the gradients of this scalar into the leaves that require them.</summary>
        public void backward() => autograd.backward(this);

        public void backward(
            IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false,
            IList<Tensor>? inputs = null) => autograd.backward(this, grad_tensors, retain_graph, create_graph, inputs);

        public Tensor detach() => Aten.Call("detach", this);

        public Tensor detach_() => Aten.Call("detach_", this);

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        public void retain_grad()
        {
            Check(tfic_torch_retain_grad(Handle));
            GC.KeepAlive(this);
        }
    }

    /// <summary>Gradients without a module's help.</summary>
    public static partial class autograd
    {
        /// <summary>
        /// The gradients of the outputs with respect to the inputs, which are not accumulated anywhere.
        /// </summary>
        public static unsafe IList<Tensor> grad(
            IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null, bool retain_graph = false,
            bool create_graph = false, bool allow_unused = false)
        {
            nint[] from = Aten.Handles(outputs), to = Aten.Handles(inputs);
            nint[]? seeds = Seeds(grad_outputs, from.Length);
            var found = new nint[to.Length];
            fixed (nint* pFrom = from, pTo = to, pSeeds = seeds, pFound = found)
            {
                Check(tfic_torch_gradients(
                    pFrom, from.Length, pTo, to.Length, pSeeds, retain_graph || create_graph ? 1 : 0,
                    create_graph ? 1 : 0, allow_unused ? 1 : 0, pFound));
            }

            GC.KeepAlive(outputs);
            GC.KeepAlive(inputs);
            GC.KeepAlive(grad_outputs);
            return [.. found.Select(handle => handle == 0 ? null! : new Tensor(handle))];
        }

        public static unsafe void backward(
            IList<Tensor> tensors, IList<Tensor>? grad_tensors = null, bool? retain_graph = null,
            bool create_graph = false, IList<Tensor>? inputs = null)
        {
            nint[] from = Aten.Handles(tensors), to = Aten.Handles(inputs ?? []);
            nint[]? seeds = Seeds(grad_tensors, from.Length);
            fixed (nint* pFrom = from, pTo = to, pSeeds = seeds)
            {
                Check(tfic_torch_backward(
                    pFrom, from.Length, pSeeds, retain_graph ?? create_graph ? 1 : 0, create_graph ? 1 : 0, pTo,
                    to.Length));
            }

            GC.KeepAlive(tensors);
            GC.KeepAlive(grad_tensors);
            GC.KeepAlive(inputs);
        }

        public static void backward(
            Tensor tensor, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false,
            IList<Tensor>? inputs = null) => backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(
            Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false,
            IList<Tensor>? inputs = null) => backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);

        private static nint[]? Seeds(IList<Tensor>? gradients, int count)
        {
            if (gradients is null)
                return null;
            if (gradients.Count != count)
                throw new ArgumentException($"got {count} tensors and {gradients.Count} gradients");
            return Aten.Handles(gradients);
        }
    }

    public static IDisposable no_grad() => new GradMode(false);

    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);

    public static IDisposable set_grad_enabled(bool mode = true) => new GradMode(mode);

    /// <summary>Records no gradients while it is open. (Tensors made in it are ordinary ones.)</summary>
    public static IDisposable inference_mode(bool mode = true) => new GradMode(!mode);

    public static bool is_grad_enabled() => tfic_torch_grad_enabled() != 0;

    /// <summary>Sets whether this thread records gradients, and sets it back when it is disposed.</summary>
    private sealed class GradMode : IDisposable
    {
        private readonly int before;
        private bool disposed;

        internal GradMode(bool enabled)
        {
            before = tfic_torch_grad_enabled();
            tfic_torch_set_grad_enabled(enabled ? 1 : 0);
        }

        public void Dispose()
        {
            if (disposed)
                return;
            disposed = true;
            tfic_torch_set_grad_enabled(before);
        }
    }
}
