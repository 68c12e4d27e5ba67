using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace SseApp.ServiceDefaults.Cluster.Redis;

/// <summary>
/// Why there is no connection. The client raises an event for the first failure only, which is the end of the old connection, and writes each
/// attempt, several a second with their stack traces, to its log: here they are told apart, and each reason is reported once.
/// </summary>
internal sealed partial class RedisFailures(ILoggerFactory loggers) : ILoggerFactory
{
    private readonly ConcurrentDictionary<(string Server, ConnectionFailureType Type), bool> _failures = [];
    private readonly ILogger _logger = loggers.CreateLogger<RedisFailures>();

    /// <summary>A server is there and does not take the user or password, as after they were changed there.</summary>
    public bool IsRefused => _failures.Keys.Any(static failure => failure.Type == ConnectionFailureType.AuthenticationFailure);

    public ILogger CreateLogger(string categoryName) => new ClientLog(loggers.CreateLogger(categoryName), this);

    public void AddProvider(ILoggerProvider provider) => loggers.AddProvider(provider);

    public void Dispose()
    {
        // The logs are the host's.
    }

    /// <summary>It is connected again.</summary>
    public void Clear(EndPoint? server)
    {
        var name = server is null ? "" : EndPointCollection.ToString(server);
        var known = false;
        foreach (var failure in _failures.Keys.Where(failure => failure.Server == name || failure.Server.Length == 0))
        {
            known |= _failures.TryRemove(failure, out _);
        }

        if (known)
        {
            LogRestored(name);
        }
    }

    private void Add(RedisConnectionException exception)
    {
        var server = Server().Match(exception.Message).Groups["server"].Value;
        if (!_failures.TryAdd((server, exception.FailureType), true))
        {
            return;
        }

        if (exception.FailureType == ConnectionFailureType.AuthenticationFailure)
        {
            LogRefused(server, ClusterRedisExtensions.ConnectionSetting);
        }
        else
        {
            LogFailed(server, exception.FailureType);
        }
    }

    [GeneratedRegex(@" on (?<server>\S+)/(Interactive|Subscription)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Server();

    [LoggerMessage(LogLevel.Error, "Redis at {Server}: no connection ({Failure}). Open streams stay, and connecting goes on.")]
    private partial void LogFailed(string server, ConnectionFailureType failure);

    [LoggerMessage(LogLevel.Error, "Redis at {Server} does not take the user or password of {Setting}. If they were changed there, change them here and restart the service.")]
    private partial void LogRefused(string server, string setting);

    [LoggerMessage(LogLevel.Information, "Redis at {Server} is connected again.")]
    private partial void LogRestored(string server);

    private sealed class ClientLog(ILogger inner, RedisFailures failures) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error || inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Error && exception is RedisConnectionException failure)
            {
                failures.Add(failure);
            }
            else
            {
                inner.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
