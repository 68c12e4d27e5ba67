using Microsoft.AspNetCore.Authorization;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>What an endpoint needs of who asks.</summary>
internal enum NeedKind
{
    /// <summary>Nothing.</summary>
    Nothing,

    /// <summary>A valid credential, whatever it may.</summary>
    Credential,

    /// <summary>To subscribe to all topics of the request.</summary>
    Subscribe,

    /// <summary>To publish to the topics of the request.</summary>
    Publish,

    /// <summary>The key of the cluster.</summary>
    Cluster,

    /// <summary>An operator's key, or a token with the scope <c>sse:admin</c>.</summary>
    Operate,

    /// <summary>The same, or a token with the scope <c>sse:metrics</c>.</summary>
    Measure,
}

/// <summary>
/// The need of an endpoint, as metadata that the framework's authorization reads. Which topics a request is for is known when it
/// has been parsed, so the endpoint asks <see cref="Caller"/> about each; here it is decided that somebody valid asks.
/// </summary>
internal sealed class Need(NeedKind kind) : IAuthorizationRequirement
{
    public NeedKind Kind => kind;

    /// <summary>The need as the framework asks for it. With a policy of its own an endpoint does not have the fallback policy, which refuses everybody.</summary>
    public AuthorizationPolicy Policy() => new([this], []);
}

/// <summary>Marks the one endpoint that a ticket is for.</summary>
internal sealed class TakesTickets
{
    public static readonly TakesTickets Instance = new();
}

internal static class NeedExtensions
{
    /// <summary>Says what the endpoint needs. One that does not say it is refused to everybody.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder builder, NeedKind kind)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new Need(kind), new Need(kind).Policy());
}
