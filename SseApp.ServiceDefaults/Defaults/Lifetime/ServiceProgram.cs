using Microsoft.Extensions.Primitives;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>The <c>Main</c> of every service.</summary>
internal static partial class ServiceProgram
{
    /// <summary>
    /// Runs the service until it is stopped. Settings that keep it from starting are named on standard error, one a line,
    /// and the exit code is 1.
    /// </summary>
    /// <param name="args">The arguments of the process.</param>
    /// <param name="add">Adds what the service consists of.</param>
    /// <param name="map">Makes its pipeline.</param>
    /// <param name="operators">Where it answers operators when no setting says so.</param>
    /// <returns>The exit code of the process; see <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(string[] args, Action<WebApplicationBuilder> add, Action<WebApplication> map, string operators)
    {
        if (DescriptorSource.TooFew() is { } tooFew)
        {
            await Console.Error.WriteLineAsync(tooFew);
            return 1;
        }

        var threads = ThreadLimit.Read(ControlGroup.OfThisProcess);
        if (threads?.TooFew is { } tooFewThreads)
        {
            await Console.Error.WriteLineAsync(tooFewThreads);
            return 1;
        }

        threads?.Bound();
        // What the framework makes of the others depends on these.
        IReadOnlyCollection<string> wrong = [.. Arguments.Problems(args)];
        if (wrong.Count > 0)
        {
            return await EndAsync(wrong);
        }

        var files = SettingFiles.Find(args, AppContext.BaseDirectory);
        if (files.Wrong is { } noFolder)
        {
            return await EndAsync([noFolder]);
        }

        SystemLimits.TakeNoWatchers();
        using var signals = SystemLimits.OutliveSignals();
        IConfiguration? configuration = null;
        using var quiet = new QuietStart();
        try
        {
            var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = files.Folder });
            configuration = builder.Configuration;
            // Relative paths begin where the settings are, as those of Kestrel's certificates do: a service manager starts the program
            // in '/'. One folder for all of them, whoever opens the file.
            Directory.SetCurrentDirectory(builder.Environment.ContentRootPath);
            wrong = [.. SettingFiles.NotText(builder.Environment)];
            if (wrong.Count > 0)
            {
                return await EndAsync(wrong);
            }

            builder.Services.AddSingleton<IPostConfigureOptions<LoggerFilterOptions>>(quiet);
            builder.Services.AddSingleton<IOptionsChangeTokenSource<LoggerFilterOptions>>(quiet);
            builder.Services.AddOptions<WholeConfiguration>().ValidateOnStart();
            builder.Services.AddSingleton<IValidateOptions<WholeConfiguration>>(new WholeValidator(builder.Configuration, args, builder.Environment, files));
            // The host asks for its options before all others: every setting is checked before something fails on one alone.
            builder.Services.AddOptions<HostOptions>().Configure<IStartupValidator>((_, settings) => settings.Validate());
            add(builder);
            await using var app = builder.Build();
            using var hangUp = HangUp.Stops(app.Lifetime);
            map(app);
            if (await StartAsync(app))
            {
                quiet.End();
                foreach (var warning in files.Warnings(app.Environment, app.Configuration).Concat(SecretFiles.Warnings(app.Configuration)).Concat(threads?.Warning is { } fewThreads ? [fewThreads] : []))
                {
                    LogWarning(app.Logger, warning);
                }

                await app.WaitForShutdownAsync();
            }

            return app.Services.GetRequiredService<ServiceExit>().Code;
        }
        catch (Exception exception) when (!quiet.Ended && (wrong = StartFailure.Explain(exception, configuration, operators)).Count > 0)
        {
            return await EndAsync(wrong);
        }
    }

    private static async Task<int> EndAsync(IEnumerable<string> wrong)
    {
        foreach (var line in wrong.Distinct(StringComparer.Ordinal))
        {
            await Console.Error.WriteLineAsync(UserInfo.Hide(line));
        }

        return 1;
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

    [LoggerMessage(LogLevel.Warning, "{Warning}")]
    private static partial void LogWarning(ILogger logger, string warning);

    private sealed class WholeConfiguration;

    /// <summary>What no section of its own can find: wrong addresses, what was meant for a section but is in none, and arguments that nobody reads.</summary>
    private sealed class WholeValidator(IConfiguration configuration, string[] args, IHostEnvironment environment, SettingFiles files) : IValidateOptions<WholeConfiguration>
    {
        public ValidateOptionsResult Validate(string? name, WholeConfiguration options)
        {
            string[] misplaced = [.. SettingNames.Problems(configuration, SettingNames.Variables)];
            string[] wrong =
            [
                .. new[] { StartFailure.WrongAddress(configuration) }.OfType<string>(),
                .. misplaced,
                // The platform has replaced what it could not read, in variables and arguments too.
                .. configuration.AsEnumerable().Where(pair => pair.Value?.Contains('\uFFFD', StringComparison.Ordinal) == true && SettingNames.IsKnown(pair.Key.Split(':')[0]))
                    .Select(pair => $"{pair.Key} has U+FFFD in it, which stands for bytes that are not UTF-8; write it in UTF-8."),
                .. KestrelSettings.Problems(configuration),
                .. ExporterSettings.Problems(configuration),
                .. files.Problems(environment),
                .. ConsoleLog.Problems(configuration),
                .. Arguments.Unknown(args)
                    .Where(argument => !Array.Exists(misplaced, line => line.StartsWith($"{argument} is ", StringComparison.OrdinalIgnoreCase)))
                    .Select(Arguments.Unread),
            ];
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
