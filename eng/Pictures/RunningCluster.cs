using System.Diagnostics;
using System.Text.RegularExpressions;
using SseApp.Tests.Infrastructure;

namespace SseApp.Pictures;

/// <summary>The AppHost as a user starts it, with monitoring, and the addresses that it printed.</summary>
internal sealed class RunningCluster : IAsyncDisposable
{
    private static readonly TimeSpan s_startLimit = TimeSpan.FromMinutes(5);

    private readonly ChildProcess _appHost;

    private RunningCluster(ChildProcess appHost) => _appHost = appHost;

    /// <summary>The gateway.</summary>
    public required Uri Gateway { get; init; }

    /// <summary>The gateway's listener for operators.</summary>
    public required Uri Operators { get; init; }

    /// <summary>The key for it.</summary>
    public required string Key { get; init; }

    /// <summary>The dashboard, with the token that signs in.</summary>
    public required Uri Dashboard { get; init; }

    public required Uri Prometheus { get; init; }

    public static async Task<RunningCluster> StartAsync()
    {
        var assembly = Repository.Assembly("SseApp.AppHost");
        var start = new ProcessStartInfo("dotnet", [assembly, "--Cluster:GatewayPort=0", "--Cluster:DashboardPort=0", "--Monitoring:Enabled=true"])
        {
            WorkingDirectory = Path.Combine(Repository.Root!, "SseApp.AppHost"),
        };
        foreach (var (name, value) in new[]
        {
            ("DOTNET_ENVIRONMENT", "Development"), ("ASPIRE_ALLOW_UNSECURED_TRANSPORT", "true"),
            // All clients have one address.
            ("Limits__StreamsPerAddress", "0"), ("Limits__ConnectsPerSecond", "0"), ("Limits__EventsPerSecond", "0"), ("Limits__TopicsPerAddress", "0"), ("Limits__ConnectionsPerAddress", "0"),
        })
        {
            start.Environment[name] = value;
        }

        var appHost = ChildProcess.Start(start);
        try
        {
            await Eventually.Async(() => appHost.HasExited || (AppHostLines.KeyFile().IsMatch(appHost.Tail(200)) && AppHostLines.Prometheus().IsMatch(appHost.Tail(200))), s_startLimit, "the cluster to be ready");
            var printed = appHost.Tail(200);
            return new RunningCluster(appHost)
            {
                Gateway = Printed(AppHostLines.Gateway().Match(printed), printed),
                Operators = Printed(AppHostLines.Operators().Match(printed), printed),
                Dashboard = Printed(AppHostLines.Dashboard().Match(printed), printed),
                Prometheus = Printed(AppHostLines.Prometheus().Match(printed), printed),
                Key = (await File.ReadAllTextAsync(AppHostLines.KeyFile().Match(printed).Groups["file"].Value)).Trim(),
            };
        }
        catch
        {
            await appHost.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_appHost.HasExited)
        {
            // As Ctrl+C: it ends what it started.
            _appHost.Terminate();
            await _appHost.WaitForExitAsync();
        }

        await _appHost.DisposeAsync();
    }

    private static Uri Printed(Match match, string printed) =>
        match.Success ? new Uri(match.Groups["url"].Value) : throw new InvalidOperationException($"The cluster did not start. It printed: {printed}");
}
