namespace TorchSharp.Modules;

/// <summary>A tensor that a module registers as one of its parameters.</summary>
public class Parameter : torch.Tensor
{
    /// <param name="data">The tensor; it is empty afterwards, and this parameter takes its place in its scope.</param>
    /// <param name="requires_grad">Whether gradients are recorded for it.</param>
    public Parameter(torch.Tensor data, bool requires_grad = true)
        : this(data, data.OwningDisposeScope, requires_grad)
    {
    }

    private Parameter(torch.Tensor data, DisposeScope? scope, bool requires_grad)
        : base(data.with_requires_grad(requires_grad).DecoupleFromNativeHandle(), register: false)
    {
        if (scope is not null)
        {
            OwningDisposeScope = scope;
            scope.Add(this);
        }
    }
}
