using System.Collections;

namespace TorchSharp.Modules;

/// <summary>Modules that take a tensor each from the one before.</summary>
public class Sequential : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    protected internal Sequential(params (string name, torch.nn.Module<torch.Tensor, torch.Tensor> submodule)[] modules)
        : base(nameof(Sequential))
    {
        foreach ((string key, torch.nn.Module<torch.Tensor, torch.Tensor> module) in modules)
            append(key, module);
    }

    protected internal Sequential(params torch.nn.Module<torch.Tensor, torch.Tensor>[] modules)
        : base(nameof(Sequential))
    {
        foreach (torch.nn.Module<torch.Tensor, torch.Tensor> module in modules)
            append(module);
    }

    public int Count => _internal_submodules.Count;

    [System.Runtime.CompilerServices.IndexerName("SequentialItems")]
    public torch.nn.IModule<torch.Tensor, torch.Tensor> this[int index] =>
        (torch.nn.IModule<torch.Tensor, torch.Tensor>)_internal_submodules.values().ElementAt(index);

    public Sequential append(string name, torch.nn.IModule<torch.Tensor, torch.Tensor> module)
    {
        register_module(name, (torch.nn.Module)module);
        return this;
    }

    public Sequential append(torch.nn.IModule<torch.Tensor, torch.Tensor> module) => append(Count.ToString(), module);

    public override torch.Tensor forward(torch.Tensor tensor)
    {
        // The input belongs to the caller; what is made on the way is freed, and the last result handed out.
        if (Count == 0)
            return tensor.alias();
        torch.Tensor current = tensor;
        foreach (torch.nn.Module module in _internal_submodules.values())
        {
            torch.Tensor next = ((torch.nn.IModule<torch.Tensor, torch.Tensor>)module).call(current);
            if (!ReferenceEquals(current, tensor) && !ReferenceEquals(current, next))
                current.Dispose();
            current = next;
        }

        return current;
    }
}

/// <summary>Modules by number.</summary>
public class ModuleList<T> : torch.nn.Module, IList<T> where T : torch.nn.Module
{
    private readonly List<T> list = [];

    public ModuleList(params T[] modules)
        : base("ModuleList")
    {
        list.AddRange(modules);
        Register();
    }

    public int Count => list.Count;

    public bool IsReadOnly => false;

    public T this[int index]
    {
        get => list[index];
        set
        {
            list[index] = value;
            Register();
        }
    }

    public void Add(T item) => Insert(Count, item);

    public void append(params T[] parameters) => extend(parameters);

    public void extend(IEnumerable<T> modules)
    {
        list.AddRange(modules);
        Register();
    }

    public void Clear()
    {
        list.Clear();
        Register();
    }

    public bool Contains(T item) => list.Contains(item);

    public void CopyTo(T[] array, int arrayIndex) => list.CopyTo(array, arrayIndex);

    public IEnumerator<T> GetEnumerator() => list.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public int IndexOf(T item) => list.IndexOf(item);

    public void Insert(int index, T item)
    {
        list.Insert(index, item);
        Register();
    }

    public bool Remove(T item)
    {
        bool removed = list.Remove(item);
        Register();
        return removed;
    }

    public void RemoveAt(int index)
    {
        list.RemoveAt(index);
        Register();
    }

    protected override void RegisterComponents() => Register();

    private void Register()
    {
        ClearModules();
        for (int i = 0; i < list.Count; i++)
            register_module(i.ToString(), list[i]);
    }
}
