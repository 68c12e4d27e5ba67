namespace Aspire.Hosting.ApplicationModel;

/// <summary>A Redis container.</summary>
public class RedisResource(string name) : ContainerResource(name), IResourceWithConnectionString
{
    internal const string PrimaryEndpointName = "tcp";
    internal const string Scheme = "redis";

    public RedisResource(string name, ParameterResource password)
        : this(name)
    {
        PasswordParameter = password;
        ShellExecution = true;
    }

    public EndpointReference PrimaryEndpoint => field ??= new EndpointReference(this, PrimaryEndpointName);

    public EndpointReferenceExpression Host => PrimaryEndpoint.Property(EndpointProperty.Host);

    public EndpointReferenceExpression Port => PrimaryEndpoint.Property(EndpointProperty.Port);

    public ParameterResource? PasswordParameter { get; internal set; }

    public bool TlsEnabled => PrimaryEndpoint.TlsEnabled;

    /// <summary><c>redis://:password@host:port</c></summary>
    public ReferenceExpression UriExpression
    {
        get
        {
            var uri = new ReferenceExpressionBuilder();
            uri.Append($"{PrimaryEndpoint.Property(EndpointProperty.Scheme)}://");
            if (PasswordParameter is not null)
            {
                uri.Append($":{PasswordParameter:uri}@");
            }

            uri.Append($"{Host}:{Port}");
            return uri.Build();
        }
    }

    /// <summary>In the form of StackExchange.Redis: <c>host:port,password=…,ssl=…</c></summary>
    public ReferenceExpression ConnectionStringExpression
        => this.TryGetLastAnnotation<ConnectionStringRedirectAnnotation>(out var redirect)
            ? redirect.Resource.ConnectionStringExpression
            : BuildConnectionString();

    public ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default)
        => this.TryGetLastAnnotation<ConnectionStringRedirectAnnotation>(out var redirect)
            ? redirect.Resource.GetConnectionStringAsync(cancellationToken)
            : BuildConnectionString().GetValueAsync(cancellationToken);

    IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties()
    {
        yield return new("Host", ReferenceExpression.Create($"{Host}"));
        yield return new("Port", ReferenceExpression.Create($"{Port}"));
        if (PasswordParameter is not null)
        {
            yield return new("Password", ReferenceExpression.Create($"{PasswordParameter}"));
        }

        yield return new("Uri", UriExpression);
    }

    private ReferenceExpression BuildConnectionString()
    {
        var connectionString = new ReferenceExpressionBuilder();
        connectionString.Append($"{PrimaryEndpoint.Property(EndpointProperty.HostAndPort)}");
        if (PasswordParameter is not null)
        {
            connectionString.Append($",password={PasswordParameter}");
        }

        connectionString.Append($"{PrimaryEndpoint.GetTlsValue(ReferenceExpression.Create($",ssl=true"), ReferenceExpression.Empty)}");
        return connectionString.Build();
    }
}
