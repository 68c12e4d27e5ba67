using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Telemetry;
using StackExchange.Redis;

namespace SseApp.Tests.Infrastructure;

/// <summary>The key that the services of the tests have, and what can be done with it.</summary>
internal static class ClusterKey
{
    public const string Setting = "Security:GatewayKey";

    private static readonly byte[] s_key = SHA256.HashData("the cluster of the tests"u8);

    /// <summary>As it stands in a configuration.</summary>
    public static string Text { get; } = Convert.ToBase64String(s_key);

    /// <summary>Another key, as it stands in a configuration.</summary>
    public static string Other { get; } = Convert.ToHexStringLower(SHA256.HashData("another cluster"u8));

    public static GatewayKeys Keys { get; } = new(s_key);

    /// <summary>A part of the cluster that signs its requests.</summary>
    public static RequestSignature Requests { get; } = new(Keys, TimeProvider.System);

    public static RecordSignature Records { get; } = new(Keys, TimeProvider.System);

    /// <summary>A part of the cluster that writes and reads the registry.</summary>
    public static RedisReplicaRegistry Registry(
        IConnectionMultiplexer redis, string prefix, TimeSpan? expiry = null, ILogger<SignedRecords>? logger = null, TimeProvider? time = null, ForgedRecords? forged = null) => new(
        redis,
        Options.Create(new ClusterOptions { KeyPrefix = prefix }),
        Options.Create(new ReplicaRegistryOptions { Expiry = expiry ?? new ReplicaRegistryOptions().Expiry }),
        new SignedRecords(time is null ? Records : new RecordSignature(Keys, time), forged ?? Forged(), logger ?? NullLogger<SignedRecords>.Instance),
        time ?? TimeProvider.System);

    public static ForgedRecords Forged() => new(
        new SseMeter(new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>()), TimeProvider.System, NullLogger<ForgedRecords>.Instance);

    /// <summary>Signs what a client sends to one replica, as a gateway does.</summary>
    public sealed class Handler(string replica, RequestPurpose purpose) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests.Sign(request, replica, purpose);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
