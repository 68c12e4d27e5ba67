using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.ServiceDefaults.Cluster.WarmUp;

/// <summary>The way from a service back to itself, as its clients come.</summary>
internal interface IWarmUpPath
{
    /// <summary>The name in <c>Host</c>.</summary>
    string Host { get; }

    /// <summary>A topic that nobody else has; others may begin with it.</summary>
    string Topic { get; }

    /// <summary>Where clients are served; null: nowhere that a process can connect to.</summary>
    OwnAddress? FindAddress();

    /// <summary>Waits until what the service needs of others is there.</summary>
    Task PrepareAsync(CancellationToken cancellationToken);

    /// <summary>Says in the request, whose method and address are final, that it is the service's own.</summary>
    void Sign(HttpRequestMessage request);
}
