using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Diagnostics;

/// <summary>Why a stream ended; values of the metric's label <c>reason</c>.</summary>
internal static class CloseReason
{
    public const string Client = "client";
    public const string Drain = "drain";
    public const string SlowConsumer = "slow";
    public const string Age = "age";
    public const string Rebalance = "rebalance";
    public const string Error = "error";
    public const string Operator = "operator";

    /// <summary>What the client lacks is in the archive, which cannot be read now.</summary>
    public const string Archive = "archive";

    /// <summary>By an operator, and the client is not to reconnect.</summary>
    public const string OperatorForGood = "operator-for-good";

    /// <summary>The token has come to its end.</summary>
    public const string TokenExpired = AuthReason.TokenExpired;

    /// <summary>An operator, or its issuer, has taken the credential back.</summary>
    public const string TokenRevoked = AuthReason.TokenRevoked;

    /// <summary>Its ticket has opened another stream.</summary>
    public const string TokenInvalid = AuthReason.TokenInvalid;

    public static readonly string[] All = [Client, Drain, SlowConsumer, Age, Rebalance, Error, Operator, OperatorForGood, Archive, TokenExpired, TokenRevoked, TokenInvalid];
}
