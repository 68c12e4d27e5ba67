using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <summary>What the AppHost's own log leaves out.</summary>
internal static class AppHostLogging
{
    public static void Apply(HostApplicationBuilder builder, DistributedApplicationOptions options)
    {
        builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServer", LogLevel.Warning);
        builder.Logging.AddFilter("Grpc.AspNetCore.Server.ServerCallHandler", LogLevel.Error);
        builder.Logging.AddFilter("Aspire.Hosting.Dashboard", LogLevel.Warning);

        // A check that fails while its resource comes up is no news; the dashboard shows it. Without one, the log is all there is.
        if (!options.DisableDashboard)
        {
            builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks.DefaultHealthCheckService", LogLevel.None);
        }

        // Last, so that the user's own settings win.
        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
    }
}
