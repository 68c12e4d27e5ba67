using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp.Model;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Dcp;

/// <summary>The environment and the arguments of a resource, as text; ports of single replicas stay templates that the engine fills.</summary>
internal sealed record ResourceConfiguration(IReadOnlyList<EnvVar> Environment, IReadOnlyList<string> Args, IReadOnlyList<string> RunArgs)
{
    /// <summary>Calls the resource's callbacks and waits for the values they refer to.</summary>
    public static async Task<ResourceConfiguration> EvaluateAsync(
        IResource resource, DistributedApplicationExecutionContext context, ILogger logger, CancellationToken cancellationToken)
    {
        var providerContext = new ValueProviderContext { ExecutionContext = context, Caller = resource };
        var variables = await ResourceCallbacks.GatherEnvironmentAsync(resource, context, logger, cancellationToken);
        var args = await ResourceCallbacks.GatherArgumentsAsync(resource, context, logger, cancellationToken);
        var runArgs = new List<object>();
        foreach (var annotation in resource.Annotations.OfType<ContainerRuntimeArgsCallbackAnnotation>().ToList())
        {
            await annotation.Callback(new ContainerRuntimeArgsCallbackContext(runArgs, cancellationToken));
        }

        var environment = new List<EnvVar>();
        foreach (var (name, value) in variables)
        {
            if (await ResolveAsync(value, $"environment variable '{name}'") is { } text)
            {
                environment.Add(new EnvVar(name, text));
            }
        }

        return new ResourceConfiguration(environment, await ResolveAllAsync(args, "argument"), await ResolveAllAsync(runArgs, "runtime argument"));

        async Task<IReadOnlyList<string>> ResolveAllAsync(IList<object> values, string what)
        {
            var texts = new List<string>();
            foreach (var value in values)
            {
                if (await ResolveAsync(value, what) is { } text)
                {
                    texts.Add(text);
                }
            }

            return texts;
        }

        async ValueTask<string?> ResolveAsync(object? value, string what)
        {
            try
            {
                return value switch
                {
                    null => null,
                    string text => text,
                    IValueProvider provider => await provider.GetValueAsync(providerContext, cancellationToken),
                    IResourceBuilder<IResource> { Resource: IValueProvider provider } => await provider.GetValueAsync(providerContext, cancellationToken),
                    bool flag => flag ? "true" : "false",
                    IFormattable number => number.ToString(format: null, CultureInfo.InvariantCulture),
                    _ => value.ToString(),
                };
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                throw new DistributedApplicationException($"The {what} of resource '{resource.Name}' has no value: {exception.Message}", exception);
            }
        }
    }
}
