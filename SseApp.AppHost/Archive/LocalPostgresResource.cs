namespace SseApp.AppHost.Archive;

/// <summary>The programs of PostgreSQL as a child process of the cluster, reached on loopback only, and with a password.</summary>
internal sealed class LocalPostgresResource(string name, string workingDirectory, ParameterResource password)
    : ExecutableResource(name, "sh", workingDirectory), IResourceWithConnectionString
{
    public const string EndpointName = "tcp";

    /// <summary>The role of the replicas, and its database: what the script that makes both calls them.</summary>
    public const string Role = "sseapp";

    public EndpointReference PrimaryEndpoint => new(this, EndpointName);

    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create(
        $"Host={PrimaryEndpoint.Property(EndpointProperty.IPV4Host)};Port={PrimaryEndpoint.Property(EndpointProperty.Port)};Username={Role};Password={password};Database={Role}");
}
