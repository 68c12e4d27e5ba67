namespace SseApp.Tests.Infrastructure;

/// <summary>How a <see cref="ServiceCluster"/> is made.</summary>
internal sealed record ServiceClusterOptions
{
    public int Replicas { get; init; } = 3;

    /// <summary>Gateways reach each replica through a <see cref="TcpPipe"/>.</summary>
    public bool Piped { get; init; }

    /// <summary>Addresses that the gateway listens on: 127.0.0.1, 127.0.0.2, ….</summary>
    public int GatewayAddresses { get; init; } = 1;

    /// <summary>False: every time is the default, as users have it, and so are the limits of an address.</summary>
    public bool ShortTimes { get; init; } = true;

    /// <summary>False where the memory or the speed of the services is measured: they have the runtime settings that they are shipped with.</summary>
    public bool QuickStart { get; init; } = true;

    /// <summary>Limit of open files of each process, and how many of them others have taken; null: as the tests have it.</summary>
    public (int Limit, int Taken)? Files { get; init; }

    /// <summary>Configuration of all services.</summary>
    public (string Key, string Value)[] Settings { get; init; } = [];
}
