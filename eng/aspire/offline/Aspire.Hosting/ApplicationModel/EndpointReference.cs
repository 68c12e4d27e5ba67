using System.Diagnostics;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A named endpoint of a resource, which may be referred to before it exists or has a port.</summary>
[DebuggerDisplay("Resource = {Resource.Name}, EndpointName = {EndpointName}, IsAllocated = {IsAllocated}")]
public sealed class EndpointReference : IExpressionValue, IValueWithReferences
{
    private EndpointAnnotation? _annotation;

    public EndpointReference(IResourceWithEndpoints owner, EndpointAnnotation endpoint, NetworkIdentifier? contextNetworkId)
    {
        ArgumentNullException.ThrowIfNull(owner);
        ArgumentNullException.ThrowIfNull(endpoint);
        Resource = owner;
        EndpointName = endpoint.Name;
        ContextNetworkID = contextNetworkId;
        _annotation = endpoint;
    }

    public EndpointReference(IResourceWithEndpoints owner, EndpointAnnotation endpoint)
        : this(owner, endpoint, contextNetworkId: null)
    {
    }

    public EndpointReference(IResourceWithEndpoints owner, string endpointName, NetworkIdentifier? contextNetworkId = null)
    {
        ArgumentNullException.ThrowIfNull(owner);
        ArgumentNullException.ThrowIfNull(endpointName);
        Resource = owner;
        EndpointName = endpointName;
        ContextNetworkID = contextNetworkId;
    }

    public EndpointReference(IResourceWithEndpoints owner, string endpointName)
        : this(owner, endpointName, contextNetworkId: null)
    {
    }

    public IResourceWithEndpoints Resource { get; }

    public string EndpointName { get; }

    /// <summary>The message used when the endpoint does not exist.</summary>
    public string? ErrorMessage { get; init; }

    public NetworkIdentifier? ContextNetworkID { get; }

    /// <summary>The endpoint's definition.</summary>
    /// <exception cref="InvalidOperationException">The resource has no such endpoint.</exception>
    public EndpointAnnotation EndpointAnnotation
        => FindAnnotation() ?? throw new InvalidOperationException(ErrorMessage ?? DescribeMissing());

    public bool Exists => FindAnnotation() is not null;

    public bool IsAllocated => FindAllocated() is not null;

    public bool IsHttp => string.Equals(Scheme, "http", StringComparison.OrdinalIgnoreCase);

    public bool IsHttps => string.Equals(Scheme, "https", StringComparison.OrdinalIgnoreCase);

    public bool IsHttpSchemeNamedEndpoint
        => string.Equals(EndpointName, "http", StringComparison.OrdinalIgnoreCase) || string.Equals(EndpointName, "https", StringComparison.OrdinalIgnoreCase);

    public bool TlsEnabled => FindAnnotation() is { TlsEnabled: true };

    public bool ExcludeReferenceEndpoint => FindAnnotation() is { ExcludeReferenceEndpoint: true };

    public string Scheme => EndpointAnnotation.UriScheme;

    public int? TargetPort => EndpointAnnotation.TargetPort;

    public int Port => Allocated.Port;

    public string Host => Allocated.Address;

    public string Url => Allocated.UriString;

    string IManifestExpressionProvider.ValueExpression => GetExpression(EndpointProperty.Url);

    IEnumerable<object> IValueWithReferences.References => [Resource];

    private AllocatedEndpoint Allocated
        => FindAllocated() ?? throw new InvalidOperationException($"The endpoint `{EndpointName}` is not allocated for the resource `{Resource.Name}`.");

    /// <summary>Waits for the endpoint's URL.</summary>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
        => Property(EndpointProperty.Url).GetValueAsync(cancellationToken);

    /// <inheritdoc cref="GetValueAsync(CancellationToken)" />
    public ValueTask<string?> GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken = default)
        => Property(EndpointProperty.Url).GetValueAsync(context, cancellationToken);

    public EndpointReferenceExpression Property(EndpointProperty property) => new(this, property);

    /// <summary>One of two expressions, by whether the endpoint uses TLS when the value is read.</summary>
    public ReferenceExpression GetTlsValue(ReferenceExpression enabledValue, ReferenceExpression disabledValue)
        => ReferenceExpression.CreateConditional(Property(EndpointProperty.TlsEnabled), bool.TrueString, enabledValue, disabledValue);

    internal string GetExpression(EndpointProperty property)
    {
        return property switch
        {
            EndpointProperty.Url => Part("url"),
            EndpointProperty.Host or EndpointProperty.IPV4Host => Part("host"),
            EndpointProperty.Port => Part("port"),
            EndpointProperty.Scheme => Part("scheme"),
            EndpointProperty.TargetPort => Part("targetPort"),
            EndpointProperty.HostAndPort => $"{Part("host")}:{Part("port")}",
            EndpointProperty.TlsEnabled => Part("tlsEnabled"),
            _ => throw new InvalidOperationException($"The property '{property}' is not supported for the endpoint '{EndpointName}'."),
        };

        string Part(string part) => $"{{{Resource.Name}.bindings.{EndpointName}.{part}}}";
    }

    private EndpointAnnotation? FindAnnotation()
        => _annotation ??= Resource.Annotations.OfType<EndpointAnnotation>()
            .SingleOrDefault(a => string.Equals(a.Name, EndpointName, StringComparison.OrdinalIgnoreCase));

    private AllocatedEndpoint? FindAllocated()
        => FindAnnotation() is { } annotation
            && annotation.AllAllocatedEndpoints.TryGetAllocatedEndpoint(ContextNetworkID ?? KnownNetworkIdentifiers.LocalhostNetwork, out var endpoint)
            ? endpoint
            : null;

    private string DescribeMissing()
    {
        var names = Resource.Annotations.OfType<EndpointAnnotation>().Select(a => $"`{a.Name}`").ToArray();
        var known = names.Length == 0 ? "The resource has no endpoints defined." : $"Available endpoints: {string.Join(", ", names)}.";
        return $"The endpoint `{EndpointName}` is not defined for the resource `{Resource.Name}`. {known}";
    }
}
