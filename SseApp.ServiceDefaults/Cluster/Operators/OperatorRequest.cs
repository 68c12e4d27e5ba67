using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>Who asks on the listener for operators, as a feature of the request.</summary>
internal sealed class OperatorRequest
{
    private OperatorRequest(string who, string by, string limitKey, bool mayOperate, bool mayMeasure)
    {
        Who = who;
        By = by;
        LimitKey = limitKey;
        MayOperate = mayOperate;
        MayMeasure = mayMeasure;
    }

    /// <summary>A name for the audit log.</summary>
    public string Who { get; }

    /// <summary>The kind of the credential.</summary>
    public string By { get; }

    /// <summary>What its requests are counted under; empty: they are not.</summary>
    public string LimitKey { get; }

    public bool MayOperate { get; }

    public bool MayMeasure { get; }

    /// <summary>Of a token or an API key; null for the key of the process.</summary>
    public Principal? Principal { get; private init; }

    /// <summary>Whether it is no mere measurement.</summary>
    public bool IsAudited { get; set; }

    /// <summary>What the path does not say.</summary>
    public string? Detail { get; set; }

    /// <summary>
    /// Whoever has the key of this process. On the machine itself it could do everything anyway, and the console and the AppHost
    /// ask from there.
    /// </summary>
    public static OperatorRequest OfKey(IPAddress? address) =>
        new("operator", "key", address is null || IPAddress.IsLoopback(address) ? "" : $"address {address}", mayOperate: true, mayMeasure: true);

    public static OperatorRequest Of(Principal principal)
    {
        var isAdmin = principal.Grants.Has(Grants.AdminScope);
        return new(
            principal.Kind == CredentialKind.ApiKey ? $"{principal.Name} ({principal.ApiKeyId})" : $"{principal.Name ?? "nobody by name"} of {principal.Issuer}",
            principal.Kind == CredentialKind.ApiKey ? "API key" : "token",
            principal.Key,
            isAdmin,
            isAdmin || principal.Grants.Has(Grants.MetricsScope))
        {
            Principal = principal,
        };
    }

    /// <summary>Who was not let in.</summary>
    public static OperatorRequest Nobody { get; } = new("nobody", "nothing that counts", "", mayOperate: false, mayMeasure: false);
}
