using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks;

/// <summary>
/// A module whose parts are registered one by one under the names of a published state dictionary, so that its weights
/// load, while its fields are named for what they are.
/// </summary>
public abstract class PublishedModule : Module<Tensor, Tensor>
{
    /// <summary>Makes a module without parts.</summary>
    protected PublishedModule(string name)
        : base(name)
    {
    }

    /// <summary>Registers a part under its published name.</summary>
    protected T Part<T>(string name, T part) where T : Module
    {
        register_module(name, part);
        return part;
    }

    /// <summary>Registers a parameter under its published name.</summary>
    protected Parameter Part(string name, Parameter parameter)
    {
        register_parameter(name, parameter);
        return parameter;
    }

    /// <summary>Registers a buffer under its published name.</summary>
    protected Tensor Part(string name, Tensor buffer)
    {
        register_buffer(name, buffer);
        return buffer;
    }

    /// <summary>Nothing: fields are not registered by their own names.</summary>
    protected override void RegisterComponents()
    {
    }
}
