namespace SseApp.Gateway.Clients;

/// <summary>What the publish rate is counted by.</summary>
public enum PublishClient
{
    /// <summary>The client's address.</summary>
    Address,

    /// <summary>
    /// The credential in <c>Authorization</c> or <c>X-Api-Key</c>, and the address where there is none. Only for services
    /// that check the credential: the gateway does not, and whoever invents a new one each time is never slowed down.
    /// </summary>
    Credential,
}
