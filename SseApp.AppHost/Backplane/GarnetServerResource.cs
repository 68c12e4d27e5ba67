namespace SseApp.AppHost.Backplane;

/// <summary>A Garnet server as a child process of the cluster, reached on loopback only, and with a password.</summary>
internal sealed class GarnetServerResource(string name, string workingDirectory, ParameterResource password)
    : ExecutableResource(name, "dotnet", workingDirectory), IResourceWithConnectionString
{
    public const string EndpointName = "tcp";

    /// <summary>The same password, for the supervisor's question.</summary>
    public string Password { get; init; } = "";

    public EndpointReference PrimaryEndpoint => new(this, EndpointName);

    public ReferenceExpression ConnectionStringExpression =>
        ReferenceExpression.Create($"{PrimaryEndpoint.Property(EndpointProperty.HostAndPort)},password={password}");
}
