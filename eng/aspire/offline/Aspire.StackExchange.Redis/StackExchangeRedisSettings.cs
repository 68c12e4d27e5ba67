namespace Aspire.StackExchange.Redis;

/// <summary>Settings of a Redis client, read from <c>Aspire:StackExchange:Redis</c> and its named section.</summary>
public sealed class StackExchangeRedisSettings
{
    /// <summary>The connection string; <c>ConnectionStrings:{name}</c> overrides it.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Whether no health check is registered.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Whether commands are not traced. They are not: the instrumentation package is not part of this subset.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>Whether the connection is made at its first use and not when the host starts.</summary>
    public bool DisableAutoActivation { get; set; } = true;
}
