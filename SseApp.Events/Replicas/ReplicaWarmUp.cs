using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Cluster.WarmUp;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Events.Replicas;

/// <summary>Asks this replica what a gateway asks of it for its canary, with a topic that lives as long as the process.</summary>
internal sealed class ReplicaWarmUp(RequestSignature signature, ReplicaIdentity identity, IServer server, AdminListener admin) : IWarmUpPath
{
    public string Host => "localhost";

    public string Topic { get; } = TopicName.CanaryPrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    public OwnAddress? FindAddress() => OwnAddress.Find(admin.Without(server.Features.Get<IServerAddressesFeature>()?.Addresses ?? []));

    public Task PrepareAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Sign(HttpRequestMessage request)
    {
        request.Headers.TryAddWithoutValidation(StreamHeaders.Canary, "1");
        signature.Sign(request, identity.Id, RequestPurpose.Client);
    }
}
