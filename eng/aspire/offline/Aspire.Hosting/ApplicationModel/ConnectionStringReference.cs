namespace Aspire.Hosting.ApplicationModel;

/// <summary>One resource's use of another one's connection string.</summary>
public class ConnectionStringReference(IResourceWithConnectionString resource, bool optional) : IExpressionValue, IValueWithReferences
{
    public IResourceWithConnectionString Resource { get; } = resource ?? throw new ArgumentNullException(nameof(resource));

    /// <summary>Whether the user may leave the connection string out.</summary>
    public bool Optional { get; } = optional;

    string IManifestExpressionProvider.ValueExpression => Resource.ValueExpression;

    IEnumerable<object> IValueWithReferences.References => [Resource];

    internal string ConnectionStringName { get; init; } = resource.Name;

    ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken)
        => ((IValueProvider)this).GetValueAsync(new ValueProviderContext(), cancellationToken);

    async ValueTask<string?> IValueProvider.GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken)
    {
        var value = await Resource.GetValueAsync(context, cancellationToken).ConfigureAwait(false);
        if (string.IsNullOrEmpty(value) && !Optional)
        {
            throw new DistributedApplicationException(
                $"The connection string for the resource '{Resource.Name}' is not available. Set ConnectionStrings__{ConnectionStringName} or ConnectionStrings:{ConnectionStringName} in the AppHost's configuration.");
        }

        return value;
    }
}
