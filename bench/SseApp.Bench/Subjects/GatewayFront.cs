namespace SseApp.Bench.Subjects;

/// <summary>Our gateway, as it comes or with a request to the replica for each stream.</summary>
internal sealed class GatewayFront(bool relay) : IFront
{
    public string Name => relay ? "gateway" : "gateway-http1";

    public string Description => relay ? "SseApp.Gateway" : "SseApp.Gateway without relay connections";

    public bool IsOurs => relay;

    public IEnumerable<(string Name, string Value)> Settings => [("Relay__Enabled", relay ? "true" : "false")];

    public string? Missing() => null;

    public IEnumerable<string> Command(Workspace workspace, int port, int replica) => ["dotnet", workspace.Assembly("SseApp.Gateway")];
}
