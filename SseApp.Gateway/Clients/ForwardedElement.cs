namespace SseApp.Gateway.Clients;

/// <summary>What one proxy says of a request in <c>Forwarded</c> (RFC 7239, 4); what it did not say is empty.</summary>
/// <param name="For">Whom it got the request from.</param>
/// <param name="Proto">The scheme that it was asked with.</param>
/// <param name="Host">The host that it was asked for.</param>
internal readonly record struct ForwardedElement(string For, string Proto, string Host);
