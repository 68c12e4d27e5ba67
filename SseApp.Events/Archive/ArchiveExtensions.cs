using Microsoft.Extensions.Diagnostics.HealthChecks;
using SseApp.Events.Archive.PostgreSql;
using SseApp.Events.Diagnostics;
using SseApp.Events.Log;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Defaults.Health;

namespace SseApp.Events.Archive;

internal static class ArchiveExtensions
{
    /// <summary>Adds the archive that section <c>Archive</c> names: archiver, reads, health, metrics. None: only the options.</summary>
    public static IHostApplicationBuilder AddArchive(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<ArchiveOptions>(ArchiveOptions.SectionName);
        builder.Services.AddSingleton<HistorySearch>();
        // What is not valid stops the start by the options' validation.
        if (!Enum.TryParse<ArchiveMode>(builder.Configuration[$"{ArchiveOptions.SectionName}:{nameof(ArchiveOptions.Mode)}"], ignoreCase: true, out var mode) || mode == ArchiveMode.None)
        {
            return builder;
        }

        builder.Services.AddOptions<TopicLogOptions>().PostConfigure<IOptions<ArchiveOptions>>(static (log, archive) => log.ArchivedFor = archive.Value.RetentionOf);
        builder.Services.Configure<RedisRightsOptions>(static rights => rights.Archive = true);
        builder.Services.AddSingleton<ArchiveMetrics>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ArchiveMetrics>());
        builder.Services.AddSingleton<ArchivePages>();
        builder.Services.AddSingleton<ArchiveHistory>();
        builder.Services.AddSingleton<ArchiveShards>();
        builder.Services.AddSingleton<ArchiveHints>();
        builder.Services.AddSingleton<IAppendObserver>(services => services.GetRequiredService<ArchiveHints>());
        builder.Services.AddSingleton<ArchiveForgetting>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ArchiveForgetting>());
        builder.AddPostgresArchive();
        builder.Services.AddLeases();
        builder.Services.AddHostedService<Archiver>();
        // Behind it, because they stop in the opposite order: what was published last is named before the archiver looks for the last time.
        builder.Services.AddHostedService(services => services.GetRequiredService<ArchiveHints>());
        builder.Services.AddHostedService<ArchiveClusterWatch>();
        builder.Services.AddHealthChecks().AddCheck<ArchiveHealthCheck>(HealthResponseWriter.ArchiveName, HealthStatus.Degraded, [HealthTags.Ready, HealthTags.Dependency]);
        return builder;
    }
}
