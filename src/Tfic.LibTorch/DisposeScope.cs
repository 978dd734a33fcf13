namespace TorchSharp;

/// <summary>
/// Frees, when it is disposed, every tensor that was made on its thread since it was opened, except those that have
/// been moved or detached. Scopes nest.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    private HashSet<IDisposable> disposables = new(ReferenceEqualityComparer.Instance);
    private bool disposed;

    internal DisposeScope(DisposeScope? outer)
    {
        OuterScope = outer;
    }

    internal DisposeScope? OuterScope { get; private set; }

    /// <summary>A copy of what the scope holds.</summary>
    public IReadOnlyList<IDisposable> DisposablesView => [.. Open().disposables];

    public int DisposablesCount => Open().disposables.Count;

    public T MoveToOuter<T>(T disposable) where T : IDisposable => MoveToOther(OuterScope, disposable);

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable where T2 : IDisposable => (MoveToOuter(first), MoveToOuter(second));

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        (MoveToOuter(first), MoveToOuter(second), MoveToOuter(third));

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOther(OuterScope, disposables);

    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(OuterScope, disposables);

    public T MoveToOther<T>(DisposeScope? scope, T disposable) where T : IDisposable
    {
        if (Open().disposables.Remove(disposable))
        {
            SetOwner(disposable, scope);
            scope?.disposables.Add(disposable);
        }

        return disposable;
    }

    public (T1 first, T2 second) MoveToOther<T1, T2>(DisposeScope? scope, T1 first, T2 second)
        where T1 : IDisposable where T2 : IDisposable => (MoveToOther(scope, first), MoveToOther(scope, second));

    public (T1 first, T2 second, T3 third) MoveToOther<T1, T2, T3>(DisposeScope? scope, T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        (MoveToOther(scope, first), MoveToOther(scope, second), MoveToOther(scope, third));

    public void MoveToOther(DisposeScope? scope, params IDisposable[] disposables) =>
        MoveToOther(scope, (IEnumerable<IDisposable>)disposables);

    public void MoveToOther(DisposeScope? scope, IEnumerable<IDisposable> disposables)
    {
        foreach (IDisposable disposable in disposables)
            MoveToOther(scope, disposable);
    }

    public T Detach<T>(T disposable) where T : IDisposable => MoveToOther(null, disposable);

    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable where T2 : IDisposable => (Detach(first), Detach(second));

    public (T1 first, T2 second, T3 third) Detach<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        (Detach(first), Detach(second), Detach(third));

    public void Detach(params IDisposable[] disposables) => MoveToOther(null, disposables);

    public void Detach(IEnumerable<IDisposable> disposables) => MoveToOther(null, disposables);

    public void Attach(IDisposable disposable)
    {
        Open();
        DisposeScope? owner = disposable is torch.Tensor tensor ? tensor.OwningDisposeScope : null;
        owner?.disposables.Remove(disposable);
        SetOwner(disposable, this);
        disposables.Add(disposable);
    }

    public void Attach(params IDisposable[] disposables) => Attach((IEnumerable<IDisposable>)disposables);

    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        IDisposable[] all = [.. disposables];
        foreach (IDisposable disposable in all)
            Attach(disposable);
        return all;
    }

    public void DisposeEverything() => DisposeEverythingBut([]);

    /// <summary>Frees now what the scope holds, except what is named, which it goes on holding.</summary>
    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        Open();
        HashSet<IDisposable> old = disposables;
        disposables = new(inKeep.Where(old.Contains), ReferenceEqualityComparer.Instance);
        foreach (IDisposable disposable in old)
        {
            if (!disposables.Contains(disposable))
                disposable.Dispose();
        }
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public T DisposeEverythingBut<T>(T keep) where T : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[keep]);
        return keep;
    }

    public (T1 first, T2 second) DisposeEverythingBut<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable where T2 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) DisposeEverythingBut<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void Dispose()
    {
        if (disposed)
            return;
        DisposeEverything();
        DisposeScopeManager.Close(this);
        disposed = true;
    }

    /// <summary>Makes the scope forget what has been disposed by other means.</summary>
    public void MarkAsDisposed(IDisposable disposable)
    {
        Open().disposables.Remove(disposable);
        SetOwner(disposable, null);
    }

    public bool Contains(IDisposable disposable) => Open().disposables.Contains(disposable);

    internal void Replace(torch.Tensor original, torch.Tensor replacement)
    {
        if (disposables.Remove(original))
        {
            original.OwningDisposeScope = null;
            replacement.OwningDisposeScope = this;
            disposables.Add(replacement);
        }
    }

    internal void Add(torch.Tensor tensor) => disposables.Add(tensor);

    internal void Forget(torch.Tensor tensor) => disposables.Remove(tensor);

    /// <summary>Takes a scope that was closed before this one out of the chain.</summary>
    internal void SkipOuter(DisposeScope closed)
    {
        for (DisposeScope? scope = this; scope is not null; scope = scope.OuterScope)
        {
            if (scope.OuterScope == closed)
                scope.OuterScope = closed.OuterScope;
        }
    }

    private static void SetOwner(IDisposable disposable, DisposeScope? scope)
    {
        if (disposable is torch.Tensor tensor)
            tensor.OwningDisposeScope = scope;
    }

    private DisposeScope Open()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        return this;
    }
}

/// <summary>The chain of open scopes of each thread.</summary>
public class DisposeScopeManager
{
    [ThreadStatic]
    private static DisposeScope? current;

    internal static DisposeScope? Current => current;

    internal static DisposeScope Open() => current = new DisposeScope(current);

    internal static void Close(DisposeScope scope)
    {
        if (current == scope)
            current = scope.OuterScope;
        else
            current?.SkipOuter(scope);
    }
}
