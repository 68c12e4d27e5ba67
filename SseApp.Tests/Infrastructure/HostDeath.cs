using Microsoft.Extensions.Hosting;

namespace SseApp.Tests.Infrastructure;

/// <summary>
/// Says in the test's output when a host ends that nobody stopped: it does so silently when a background service fails, and what waits for
/// it fails much later, with a timeout that says nothing.
/// </summary>
internal sealed class HostDeath : ILoggerProvider, ILogger
{
    private const string Category = "Microsoft.Extensions.Hosting.Internal.Host";

    private readonly ITestOutputHelper? _output = TestContext.Current.TestOutputHelper;
    private readonly string _host;

    private HostDeath(string host) => _host = host;

    /// <param name="builder">Of the host.</param>
    /// <param name="host">What it is called in the output.</param>
    public static void Watch(IHostApplicationBuilder builder, string host)
    {
        builder.Logging.AddProvider(new HostDeath(host));
        // Nothing else is formatted for it.
        builder.Logging.AddFilter<HostDeath>(static (category, level) => category == Category && level >= LogLevel.Error);
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var message = $"{_host}, {logLevel}: {formatter(state, exception)} {exception}";
        if (_output is null)
        {
            // Of a fixture.
            TestContext.Current.SendDiagnosticMessage(message);
            return;
        }

        try
        {
            _output.WriteLine(message);
        }
        catch (InvalidOperationException)
        {
            // The test is over.
        }
    }

    public void Dispose()
    {
        // It holds nothing.
    }
}
