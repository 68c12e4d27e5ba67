namespace SseApp.ServiceDefaults.Cluster.Protocol;

/// <summary>
/// What became of a publish that was not answered with success: the member <see cref="Member"/> of problem details, the
/// same from replicas and gateways.
/// </summary>
public static class PublishOutcome
{
    public const string Member = "outcome";

    /// <summary>Nothing is stored: publishing again stores it once.</summary>
    public const string NotStored = "not-stored";

    /// <summary>It may or may not be stored: publishing again may store it twice, unless an idempotency key keeps that off.</summary>
    public const string Unknown = "unknown";
}
