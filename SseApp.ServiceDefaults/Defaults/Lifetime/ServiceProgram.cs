using Microsoft.Extensions.Primitives;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>The <c>Main</c> of every service.</summary>
internal static class ServiceProgram
{
    /// <summary>
    /// Runs the service until it is stopped. Settings that keep it from starting are named on standard error, one a line,
    /// and the exit code is 1.
    /// </summary>
    /// <returns>The exit code of the process; see <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(string[] args, Action<WebApplicationBuilder> add, Action<WebApplication> map)
    {
        if (DescriptorSource.TooFew() is { } tooFew)
        {
            await Console.Error.WriteLineAsync(tooFew);
            return 1;
        }

        IConfiguration? configuration = null;
        IReadOnlyCollection<string> wrong = [];
        using var quiet = new QuietStart();
        try
        {
            var builder = WebApplication.CreateBuilder(args);
            configuration = builder.Configuration;
            builder.Services.AddSingleton<IPostConfigureOptions<LoggerFilterOptions>>(quiet);
            builder.Services.AddSingleton<IOptionsChangeTokenSource<LoggerFilterOptions>>(quiet);
            builder.Services.AddOptions<WholeConfiguration>().ValidateOnStart();
            builder.Services.AddSingleton<IValidateOptions<WholeConfiguration>, WholeValidator>();
            // The host asks for its options before all others: every setting is checked before something fails on one alone.
            builder.Services.AddOptions<HostOptions>().Configure<IStartupValidator>((_, settings) => settings.Validate());
            add(builder);
            await using var app = builder.Build();
            map(app);
            if (await StartAsync(app))
            {
                quiet.End();
                await app.WaitForShutdownAsync();
            }

            return app.Services.GetRequiredService<ServiceExit>().Code;
        }
        catch (Exception exception) when (!quiet.Ended && (wrong = StartFailure.Explain(exception, configuration)).Count > 0)
        {
            foreach (var line in wrong.Distinct(StringComparer.Ordinal))
            {
                await Console.Error.WriteLineAsync(line);
            }

            return 1;
        }
    }

    /// <returns>False when it was stopped before it had started.</returns>
    private static async Task<bool> StartAsync(WebApplication app)
    {
        var started = true;
        try
        {
            await app.StartAsync();
        }
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            started = false;
        }

        // The host does not log them while the start is quiet.
        var faults = app.Services.GetServices<IHostedService>().OfType<BackgroundService>().Select(service => service.ExecuteTask?.Exception).OfType<Exception>().ToArray();
        return faults.Length == 0 ? started : throw new AggregateException(faults);
    }

    private sealed class WholeConfiguration;

    /// <summary>What no section of its own can find: wrong addresses, and what was meant for a section but is in none.</summary>
    private sealed class WholeValidator(IConfiguration configuration) : IValidateOptions<WholeConfiguration>
    {
        public ValidateOptionsResult Validate(string? name, WholeConfiguration options)
        {
            string[] wrong = [.. new[] { StartFailure.WrongAddress(configuration) }.OfType<string>(), .. SettingNames.Problems(configuration, SettingNames.Variables)];
            return wrong.Length > 0 ? ValidateOptionsResult.Fail(wrong) : ValidateOptionsResult.Success;
        }
    }

    /// <summary>Until the service has started, host, server and proxy do not log why it did not: with a stack trace, and the last line says it.</summary>
    private sealed class QuietStart : IPostConfigureOptions<LoggerFilterOptions>, IOptionsChangeTokenSource<LoggerFilterOptions>, IDisposable
    {
        private readonly CancellationTokenSource _end = new();

        public bool Ended => _end.IsCancellationRequested;

        public string Name => Options.DefaultName;

        public void End() => _end.Cancel();

        public void Dispose() => _end.Dispose();

        public IChangeToken GetChangeToken() => new CancellationChangeToken(Ended ? CancellationToken.None : _end.Token);

        public void PostConfigure(string? name, LoggerFilterOptions options)
        {
            if (!Ended)
            {
                foreach (var category in (string[])["Microsoft.Extensions.Hosting.Internal.Host", "Microsoft.AspNetCore.Server.Kestrel", "Yarp.ReverseProxy.Configuration"])
                {
                    options.AddFilter(category, static level => level == LogLevel.Warning);
                }
            }
        }
    }
}
