using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using SseApp.Gateway.Routing;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Canary;

/// <summary>
/// Who the canary of this process is. Its requests are signed with the cluster's key for this process alone, each is good once, and no
/// credential of it lasts: whoever reads one on its way can do nothing with it.
/// </summary>
internal sealed class CanaryIdentity(RequestSignature signature, IOptions<MatchOptions> match, IServer server, AdminListener admin)
{
    private readonly string _id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>A new one for each process, so that nothing of what another one published is in it.</summary>
    public string Topic => TopicName.CanaryPrefix + _id;

    /// <summary>
    /// A name that the gateway serves the replicas' paths for: where they are for some hosts only, one of these, else the one that is
    /// allowed everywhere.
    /// </summary>
    public string Host => match.Value.Hosts.FirstOrDefault() is not { } host ? "localhost"
        : Ascii.IsValid(Concrete(host)) ? Concrete(host)
        : new IdnMapping().GetAscii(Concrete(host));

    /// <summary>Where clients are served; null: nowhere that a process can connect to.</summary>
    public OwnAddress? FindTarget() =>
        OwnAddress.Find(admin.Without(server.Features.Get<IServerAddressesFeature>()?.Addresses ?? []));

    /// <param name="request">Whose method and address are final.</param>
    public void Sign(HttpRequestMessage request) => signature.Sign(request, _id, RequestPurpose.Canary);

    /// <summary>Whether a request that came to the public address is the canary's.</summary>
    public bool IsOwn(HttpContext context) => signature.Verify(context, _id, out _) == RequestPurpose.Canary;

    private static string Concrete(string host) => host.Replace("*.", "canary.", StringComparison.Ordinal);
}
