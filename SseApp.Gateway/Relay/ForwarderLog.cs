namespace SseApp.Gateway.Relay;

/// <summary>
/// The log of YARP's forwarder without what clients do: for each of them that leaves within its body it would have a warning with a stack
/// trace, so that anybody could fill the disk with them. The access log has these requests, with 499 or 400.
/// </summary>
internal sealed class ForwarderLog<T>(ILoggerFactory factory) : ILogger<T>
{
    private readonly Logger<T> _log = new(factory);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => ((ILogger)_log).BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => ((ILogger)_log).IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (state is not IReadOnlyList<KeyValuePair<string, object?>> values || !values.Any(static value => value.Value is ForwarderError error && IsOfClient(error)))
        {
            ((ILogger)_log).Log(logLevel, eventId, state, exception, formatter);
        }
    }

    private static bool IsOfClient(ForwarderError error) =>
        error is ForwarderError.RequestBodyClient or ForwarderError.ResponseBodyClient or ForwarderError.UpgradeRequestClient or ForwarderError.UpgradeResponseClient;
}
