using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

internal sealed class ResourceLogger(ResourceLog[] logs, TimeProvider timeProvider) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var now = timeProvider.GetUtcNow();
        var message = formatter(state, exception);
        var text = exception is null ? message : $"{message}{Environment.NewLine}{exception}";
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            foreach (var log in logs)
            {
                log.Append(now, line, logLevel >= LogLevel.Error);
            }
        }
    }
}
