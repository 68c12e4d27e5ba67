namespace Aspire.Hosting.ApplicationModel;

/// <summary>Host names with a meaning.</summary>
public static class KnownHostNames
{
    public const string Localhost = "localhost";

    public const string DockerDesktopHostBridge = "host.docker.internal";

    public const string DefaultContainerTunnelHostName = "aspire.dev.internal";
}
