using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Collects what the annotations say about a resource's environment and arguments, and resolves it.</summary>
internal static class ResourceConfiguration
{
    /// <summary>The variables with their unresolved values, in the order they were first set.</summary>
    public static async Task<Dictionary<string, object>> GatherEnvironmentAsync(IResource resource, DistributedApplicationExecutionContext executionContext, ILogger logger, CancellationToken cancellationToken)
    {
        var context = new EnvironmentCallbackContext(executionContext, resource, cancellationToken: cancellationToken) { Logger = logger };
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToArray())
        {
            await annotation.Callback(context).ConfigureAwait(false);
        }

        return context.EnvironmentVariables;
    }

    /// <summary>The arguments with their unresolved values.</summary>
    public static async Task<IList<object>> GatherArgumentsAsync(IResource resource, DistributedApplicationExecutionContext executionContext, ILogger logger, CancellationToken cancellationToken)
    {
        var context = new CommandLineArgsCallbackContext([], resource, cancellationToken) { ExecutionContext = executionContext, Logger = logger };
        foreach (var annotation in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToArray())
        {
            await annotation.Callback(context).ConfigureAwait(false);
        }

        return context.Args;
    }

    /// <summary>The environment as the resource's process gets it. Waits for what is not known yet.</summary>
    public static async Task<IReadOnlyList<ResolvedVariable>> ResolveEnvironmentAsync(IResource resource, DistributedApplicationExecutionContext executionContext, ILogger logger, CancellationToken cancellationToken)
    {
        var gathered = await GatherEnvironmentAsync(resource, executionContext, logger, cancellationToken).ConfigureAwait(false);
        var resolved = new List<ResolvedVariable>(gathered.Count);
        foreach (var (name, value) in gathered)
        {
            if (await ResolveAsync(resource, value, executionContext, cancellationToken).ConfigureAwait(false) is { } text)
            {
                resolved.Add(new ResolvedVariable(name, text, IsSensitive(value)));
            }
        }

        return resolved;
    }

    /// <summary>The arguments as the resource's process gets them. Waits for what is not known yet.</summary>
    public static async Task<IReadOnlyList<ResolvedArgument>> ResolveArgumentsAsync(IResource resource, DistributedApplicationExecutionContext executionContext, ILogger logger, CancellationToken cancellationToken)
    {
        var gathered = await GatherArgumentsAsync(resource, executionContext, logger, cancellationToken).ConfigureAwait(false);
        var resolved = new List<ResolvedArgument>(gathered.Count);
        foreach (var value in gathered)
        {
            if (await ResolveAsync(resource, value, executionContext, cancellationToken).ConfigureAwait(false) is { } text)
            {
                resolved.Add(new ResolvedArgument(text, IsSensitive(value)));
            }
        }

        return resolved;
    }

    private static async ValueTask<string?> ResolveAsync(IResource resource, object value, DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken)
        => value switch
        {
            string text => text,
            _ when executionContext.IsPublishMode && value is IManifestExpressionProvider provider => provider.ValueExpression,
            IValueProvider provider => await provider.GetValueAsync(
                new ValueProviderContext { Caller = resource, ExecutionContext = executionContext },
                cancellationToken).ConfigureAwait(false),
            IResourceBuilder<IResource> { Resource: IValueProvider provider } => await provider.GetValueAsync(
                new ValueProviderContext { Caller = resource, ExecutionContext = executionContext },
                cancellationToken).ConfigureAwait(false),
            _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture),
        };

    private static bool IsSensitive(object value) => value switch
    {
        ParameterResource parameter => parameter.Secret,
        IResourceWithConnectionString or ConnectionStringReference => true,
        IValueWithReferences { References: { } references } => references.Any(IsSensitive),
        _ => false,
    };
}

internal sealed record ResolvedVariable(string Name, string Value, bool IsSensitive);

internal sealed record ResolvedArgument(string Value, bool IsSensitive);
