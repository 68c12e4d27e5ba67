using System.Text;
using Microsoft.Extensions.Logging.Abstractions;

namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>
/// Why the client's last attempt to connect failed, if the server answered: it refused the password, the certificate is none that this
/// service trusts, or it does not know a command. The client tells only its log of each attempt; its event has the first of an outage alone,
/// and what its commands fail with the first, too.
/// </summary>
[ProviderAlias(Alias)]
internal sealed class RedisClientLog : ILoggerProvider, ILogger
{
    public const string Alias = "RedisClient";

    /// <summary>The category of the client, which shows nothing elsewhere unless it is configured by its full name.</summary>
    public const string Category = "StackExchange.Redis.ConnectionMultiplexer";

    private const int MaxLength = 160;

    private volatile string? _refusal;

    /// <summary>In the words of the server; null: it did not answer, or nothing is wrong.</summary>
    public string? Refusal => _refusal;

    public void Forget() => _refusal = null;

    public ILogger CreateLogger(string categoryName) => categoryName == Category ? this : NullLogger.Instance;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (exception is RedisConnectionException failed)
        {
            _refusal = failed.FailureType is ConnectionFailureType.AuthenticationFailure or ConnectionFailureType.ProtocolFailure
                ? Words(failed.GetBaseException().Message)
                : null;
        }
    }

    public void Dispose()
    {
        // Nothing is held.
    }

    // "Error: NOAUTH Authentication required. Verify if …" What a server repeats of a command may be bytes of any kind.
    private static string Words(string message)
    {
        message = message.StartsWith("Error: ", StringComparison.Ordinal) ? message["Error: ".Length..] : message;
        var end = message.IndexOfAny(['\r', '\n']);
        foreach (var mark in (ReadOnlySpan<string>)[". ", ", with args"])
        {
            var at = message.IndexOf(mark, StringComparison.Ordinal);
            end = at >= 0 && (end < 0 || at < end) ? at : end;
        }

        var words = new StringBuilder((end < 0 ? message : message[..end]).Trim().TrimEnd('.'));
        words.Length = Math.Min(words.Length, MaxLength);
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = words[i] is >= ' ' and <= '~' ? words[i] : '?';
        }

        return words.ToString();
    }
}
