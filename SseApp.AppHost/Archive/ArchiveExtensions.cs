using Npgsql;
using SseApp.AppHost.Backplane;
using SseApp.AppHost.Startup;
using SseApp.ServiceDefaults.Cluster.Archive;

namespace SseApp.AppHost.Archive;

internal static partial class ArchiveExtensions
{
    public const string Name = "archive";

    private const string Server = $"{Name}-server";

    // The database cluster of a first start is there sooner than this, and replicas need none to serve.
    private static readonly TimeSpan s_firstStart = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Adds the PostgreSQL behind the topic logs, as <see cref="ArchiveOptions.Mode"/> says, and tells the replicas of it; null when there is none.
    /// A published cluster gets a connection string: who operates the database is not who publishes.
    /// </summary>
    public static IResourceBuilder<IResourceWithConnectionString>? AddArchive(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> events, PostgresMachine? machine = null)
    {
        machine ??= PostgresMachine.Here;
        var options = builder.ReadSettings(ArchiveOptions.SectionName, new ArchiveOptions());
        // The replicas' own: a wrong one would end each of them, over and over, and say so in the dashboard alone.
        builder.ReadSettings(ArchiveOptions.SectionName, new ArchiveSettings());
        var archive = builder.ExecutionContext.IsPublishMode
            ? options.Mode == ArchiveMode.None ? null : builder.AddConnectionString(Name)
            : options.Mode switch
            {
                ArchiveMode.None => null,
                ArchiveMode.Container => AddContainer(builder),
                ArchiveMode.Local => AddLocal(builder, options, machine, missing => StartupProblems.Of(builder).Add(
                    $"{ArchiveOptions.SectionName}:{nameof(ArchiveOptions.Mode)} is '{options.Mode}', and {missing}; allowed: None, Container (with a container runtime), External (with ConnectionStrings:{Name}).")),
                ArchiveMode.External => AddExternal(builder, options),
                _ => AddWhatThereIs(builder, options, machine),
            };

        if (archive is not null || builder.ExecutionContext.IsRunMode)
        {
            // Also without one: the environment, which the replicas get, may ask for it in the words of the AppHost.
            events.WithEnvironment($"{ArchiveOptions.SectionName}__{nameof(ArchiveOptions.Mode)}", archive is null ? "None" : "PostgreSQL");
        }

        if (archive is not null)
        {
            events.WithEnvironment($"ConnectionStrings__{Name}", archive).WithReferenceRelationship(archive.Resource).WithTheReplicasSettings();
            if (builder.ExecutionContext.IsRunMode)
            {
                WaitOnce(events, archive.Resource);
            }
        }

        return archive;
    }

    /// <summary>Shows whether the database answers.</summary>
    public static IResourceBuilder<T> WithArchiveHealth<T>(this IResourceBuilder<T> archive)
        where T : IResourceWithConnectionString
    {
        var builder = archive.ApplicationBuilder;
        string? connectionString = null;
        builder.Eventing.Subscribe<ConnectionStringAvailableEvent>(archive.Resource, async (_, cancellationToken) =>
            connectionString = await archive.Resource.GetConnectionStringAsync(cancellationToken));
        var check = $"{archive.Resource.Name}_check";
        builder.Services.AddHealthChecks().AddNpgSql(
            _ => connectionString ?? throw new InvalidOperationException($"The address of '{archive.Resource.Name}' is not known yet."),
            name: check,
            timeout: TimeSpan.FromSeconds(2));
        return archive.WithHealthCheck(check);
    }

    /// <summary>How to look into the database, without its password.</summary>
    public static async Task<string> AddressAsync(this IResourceWithConnectionString archive, CancellationToken cancellationToken)
    {
        var parts = new NpgsqlConnectionStringBuilder(await archive.GetConnectionStringAsync(cancellationToken));
        return string.Create(CultureInfo.InvariantCulture, $"psql \"host={parts.Host} port={parts.Port} dbname={parts.Database ?? parts.Username} user={parts.Username}\"");
    }

    private static IResourceBuilder<IResourceWithConnectionString>? AddWhatThereIs(IDistributedApplicationBuilder builder, ArchiveOptions options, PostgresMachine machine)
    {
        var image = ContainerRuntimeProbe.Find(builder.Configuration, static other => other.AddPostgres("image").Resource);
        if (image.IsThere)
        {
            return AddContainer(builder);
        }

        var containers = image.Name is null ? "no container runtime answers" : $"a container engine answers, but it has no image {image.Name} and cannot fetch it";
        return AddLocal(builder, options, machine, missing => builder.LogAtStart(logger => LogNone(logger, containers, missing)));
    }

    private static IResourceBuilder<PostgresDatabaseResource> AddContainer(IDistributedApplicationBuilder builder) =>
        // With a password that Aspire makes, and keeps in the user's secrets, as long as the volume does.
        builder.AddPostgres(Server).WithDataVolume().AddDatabase(Name, LocalPostgresResource.Role);

    private static IResourceBuilder<LocalPostgresResource>? AddLocal(
        IDistributedApplicationBuilder builder, ArchiveOptions options, PostgresMachine machine, Action<string> onMissing)
    {
        var path = builder.Configuration["PATH"] ?? "";
        var (programs, missing) = PostgresPrograms.Find(options, path, machine);
        var folder = PostgresFolder.Of(builder, options, programs?.User);
        if (folder.MadeBy is { } version)
        {
            (programs, missing) = PostgresPrograms.Find(options, path, machine, version);
        }

        if (programs is null)
        {
            onMissing(missing);
            return null;
        }

        builder.LogAtStart(logger => LogLocal(logger, programs.Folder, folder.Root));
        return builder.AddLocalPostgres(Name, programs, folder);
    }

    private static IResourceBuilder<ConnectionStringResource> AddExternal(IDistributedApplicationBuilder builder, ArchiveOptions options)
    {
        if (string.IsNullOrEmpty(builder.Configuration.GetConnectionString(Name)))
        {
            StartupProblems.Of(builder).Add(
                $"{ArchiveOptions.SectionName}:{nameof(ArchiveOptions.Mode)} is '{options.Mode}', and ConnectionStrings:{Name} is not set; allowed: the address of a PostgreSQL server, such as --ConnectionStrings:{Name}=\"Host=localhost;Username=sseapp;Password=…;Database=sseapp\".");
        }

        // A resource with a state and a health of its own, which the parameter that AddConnectionString makes does not have.
        var given = builder.AddParameter($"{Name}-connection-string", () => builder.Configuration.GetConnectionString(Name) ?? "", secret: true);
        return builder.AddConnectionString(Name, ReferenceExpression.Create($"{given}")).WithArchiveHealth();
    }

    /// <summary>Passes on what the replicas read of the section, in whichever way the AppHost got it.</summary>
    private static void WithTheReplicasSettings(this IResourceBuilder<ProjectResource> events)
    {
        foreach (var (path, value) in events.ApplicationBuilder.Configuration.GetSection(ArchiveOptions.SectionName).AsEnumerable())
        {
            if (value is not null && path.Split(':') is [_, var name, ..] && !typeof(ArchiveOptions).GetProperties().Any(own => string.Equals(own.Name, name, StringComparison.OrdinalIgnoreCase)))
            {
                events.WithEnvironment(path.Replace(":", "__", StringComparison.Ordinal), value);
            }
        }
    }

    /// <summary>
    /// Lets the first start of the replicas wait a while for the database, so that it does not begin with warnings of its absence. Not more: they serve
    /// without it, and a WaitFor would keep one that is restarted meanwhile from starting.
    /// </summary>
    private static void WaitOnce(IResourceBuilder<ProjectResource> events, IResource archive)
    {
        Task? waiting = null;
        events.ApplicationBuilder.Eventing.Subscribe<BeforeResourceStartedEvent>(events.Resource, (starting, cancellationToken) =>
            waiting ??= WaitAsync(starting.Services, archive, cancellationToken));
    }

    private static async Task WaitAsync(IServiceProvider services, IResource archive, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_firstStart);
        try
        {
            await services.GetRequiredService<ResourceNotificationService>().WaitForResourceHealthyAsync(archive.Name, WaitBehavior.StopOnResourceUnavailable, limit.Token);
        }
        catch (Exception exception) when (exception is DistributedApplicationException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            LogNotThere(services.GetRequiredService<ILoggerFactory>().CreateLogger("SseApp.AppHost"), archive.Name);
        }
    }

    [LoggerMessage(LogLevel.Information, "The archive is the PostgreSQL of {Programs}, with its data in {Folder}.")]
    private static partial void LogLocal(ILogger logger, string programs, string folder);

    [LoggerMessage(LogLevel.Warning, "Archive:Mode=Auto finds no PostgreSQL, so history ends where Redis ends: {Containers}, and {Missing}.")]
    private static partial void LogNone(ILogger logger, string containers, string missing);

    [LoggerMessage(LogLevel.Warning, "{Resource} is not there yet; the replicas start without it, and archive when it is.")]
    private static partial void LogNotThere(ILogger logger, string resource);
}
