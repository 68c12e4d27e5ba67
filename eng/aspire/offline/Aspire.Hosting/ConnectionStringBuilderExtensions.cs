using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <summary>Adds connection strings made of other values.</summary>
public static partial class ConnectionStringBuilderExtensions
{
    public static IResourceBuilder<ConnectionStringResource> AddConnectionString(this IDistributedApplicationBuilder builder, [ResourceName] string name, Action<ReferenceExpressionBuilder> connectionStringBuilder)
    {
        var expression = new ReferenceExpressionBuilder();
        connectionStringBuilder(expression);
        return builder.AddConnectionString(name, expression.Build());
    }

    /// <summary>Adds a connection string; whoever waits for it waits for the resources in it.</summary>
    public static IResourceBuilder<ConnectionStringResource> AddConnectionString(this IDistributedApplicationBuilder builder, [ResourceName] string name, ReferenceExpression connectionStringExpression)
    {
        var connectionString = builder.AddResource(new ConnectionStringResource(name, connectionStringExpression));
        foreach (var resource in FindResources(connectionStringExpression))
        {
            connectionString.WaitForStart(builder.CreateResourceBuilder(resource));
        }

        return connectionString
            .WithReferenceRelationship(connectionStringExpression)
            .WithInitialState(new CustomResourceSnapshot { ResourceType = "ConnectionString", State = KnownResourceStates.NotStarted, Properties = [] })
            .OnInitializeResource((resource, @event, cancellationToken) =>
            {
                // The start of the application must not wait for the resources in the connection string.
                _ = Task.Run(() => InitializeAsync(resource, @event, cancellationToken), cancellationToken);
                return Task.CompletedTask;
            });
    }

    private static async Task InitializeAsync(ConnectionStringResource resource, InitializeResourceEvent @event, CancellationToken cancellationToken)
    {
        try
        {
            await @event.Notifications.WaitForDependenciesAsync(resource, cancellationToken).ConfigureAwait(false);
            await @event.Eventing.PublishAsync(new BeforeResourceStartedEvent(resource, @event.Services), cancellationToken).ConfigureAwait(false);
            await @event.Notifications.PublishUpdateAsync(resource, snapshot => snapshot with { State = KnownResourceStates.Running }).ConfigureAwait(false);
            await @event.Eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, @event.Services), cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The application stops.
        }
#pragma warning disable CA1031 // Whatever went wrong is the resource's state and stands in its log.
        catch (Exception ex)
#pragma warning restore CA1031
        {
            LogFailed(@event.Logger, ex, resource.Name);
            await @event.Notifications.PublishUpdateAsync(resource, snapshot => snapshot with { State = KnownResourceStates.FailedToStart }).ConfigureAwait(false);
        }
    }

    private static IEnumerable<IResource> FindResources(ReferenceExpression expression)
        => expression.ValueProviders
            .SelectMany(provider => provider is IResource resource ? [resource] : provider is IValueWithReferences { References: { } references } ? references.SelectMany(Resolve) : [])
            .Where(resource => resource is not IResourceWithoutLifetime)
            .Distinct();

    private static IEnumerable<IResource> Resolve(object reference) => reference switch
    {
        IResource resource => [resource],
        EndpointReference endpoint => [endpoint.Resource],
        _ => [],
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "Failed to resolve connection string for resource '{ResourceName}'")]
    private static partial void LogFailed(ILogger logger, Exception exception, string resourceName);
}
