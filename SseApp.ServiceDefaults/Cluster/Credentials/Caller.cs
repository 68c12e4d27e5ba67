using SseApp.ServiceDefaults.Cluster.Protocol;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>Who sent a request, as a feature of it.</summary>
/// <param name="Principal">Null when the credential that was sent does not count.</param>
/// <param name="Reason">An <see cref="AuthReason"/>, then.</param>
/// <param name="Detail">For whoever sent it.</param>
/// <param name="Source">Where the credential was.</param>
internal sealed record Caller(Principal? Principal, string? Reason, string? Detail, CredentialSource Source)
{
    /// <summary>The ticket that stands for the credential, if it is one.</summary>
    public Ticket? Ticket { get; init; }

    /// <summary>The canary of a gateway, which is nobody's credential: the gateway's signature says that it is one.</summary>
    public static readonly Caller Canary = new(Principal.Canary, null, null, CredentialSource.None);

    /// <summary>Whether a gateway has sent this for its canary.</summary>
    public static bool IsCanary(HttpContext context) =>
        context.Request.Headers.ContainsKey(StreamHeaders.Canary) && SignedRequest.Is(context, RequestPurpose.Client);

    /// <summary>The client of a request that authentication let pass.</summary>
    /// <exception cref="InvalidOperationException">It did not see the request.</exception>
    public static Principal Of(HttpContext context) =>
        context.Features.Get<Caller>()?.Principal ?? throw new InvalidOperationException("The request was not authenticated.");
}

/// <summary>Where a credential stands.</summary>
internal enum CredentialSource
{
    None,

    /// <summary>The header <c>Authorization</c>.</summary>
    Authorization,

    /// <summary>The cookie of <c>POST /session</c>.</summary>
    Cookie,

    /// <summary>The query of a stream.</summary>
    Ticket,
}
