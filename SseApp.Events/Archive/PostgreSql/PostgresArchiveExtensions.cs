using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

namespace SseApp.Events.Archive.PostgreSql;

internal static class PostgresArchiveExtensions
{
    /// <summary>The setting that has the connection string, for messages.</summary>
    internal const string ConnectionSetting = $"ConnectionStrings:{ConnectionName}";

    private const string ConnectionName = "archive";
    private const string Unusable = "Host=unusable;Database=unusable";
    private const int ConnectSeconds = 5;
    private const int PreparedStatements = 32;

    /// <summary>
    /// Adds <see cref="IEventArchive"/> on the PostgreSQL of the connection string <c>archive</c>, with its traces and metrics. When it is
    /// missing or cannot be read, the start stops, by the validation of <see cref="ArchiveOptions"/>, which the caller adds.
    /// </summary>
    public static IHostApplicationBuilder AddPostgresArchive(this IHostApplicationBuilder builder)
    {
        // The archive is no reason for which a replica would be unhealthy; its own check says how it is.
        builder.AddNpgsqlDataSource(
            ConnectionName,
            settings =>
            {
                settings.DisableHealthChecks = true;
                // What cannot be used stops the start by the validator, with a message of ours: the source would throw before it.
                settings.ConnectionString = Problem(settings.ConnectionString) is null ? settings.ConnectionString : Unusable;
            },
            Configure);
        builder.Services.AddSingleton<IValidateOptions<ArchiveOptions>, ConnectionValidator>();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<IEventArchive, PostgresArchive>();
        return builder;
    }

    /// <summary>What the connection string says counts; the rest is as the archive wants it.</summary>
    internal static void Configure(NpgsqlDataSourceBuilder source)
    {
        var connection = source.ConnectionStringBuilder;
        var given = connection.Keys.ToHashSet(StringComparer.OrdinalIgnoreCase);
        // A server that is silent is not waited for as long as one that is far away.
        Set("Timeout", () => connection.Timeout = ConnectSeconds);
        Set("Max Auto Prepare", () => connection.MaxAutoPrepare = PreparedStatements);
        Set("Auto Prepare Min Usages", () => connection.AutoPrepareMinUsages = 2);
        // Nothing is set here but for a transaction.
        Set("No Reset On Close", () => connection.NoResetOnClose = true);
        Set("Application Name", () => connection.ApplicationName = "sseapp");

        void Set(string name, Action set)
        {
            if (!given.Contains(name))
            {
                set();
            }
        }
    }

    /// <summary>What is wrong with a connection string, or null. The text is not repeated: a password may stand in it, also under a name that is misspelled.</summary>
    internal static string? Problem(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return $"{ConnectionSetting} is empty, and Archive:Mode is PostgreSQL; set ConnectionStrings__{ConnectionName}, for example to 'Host=db1,db2;Database=sse;Username=sse;Password=…', or start the whole cluster with 'dotnet run --project SseApp.AppHost'.";
        }

        if (text.Any(char.IsControl))
        {
            return Wrong("it has an invisible character in it, as a line of a file with Windows' line ends does, which would be a part of the password");
        }

        if (text.Contains("://", StringComparison.Ordinal))
        {
            return Wrong("it is a URL");
        }

        try
        {
            var connection = new NpgsqlConnectionStringBuilder(text);
            return string.IsNullOrWhiteSpace(connection.Host) ? Wrong("it names no server (Host=)")
                : string.IsNullOrWhiteSpace(connection.Database) ? Wrong("it names no database (Database=)")
                : !connection.Pooling ? Wrong("without pooling each read would be a connection")
                : null;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException or NotSupportedException)
        {
            return Wrong("it has a name or a value that Npgsql does not know");
        }

        static string Wrong(string why) =>
            $"{ConnectionSetting} cannot be used: {why}. It must be of the form 'Host=db1,db2;Database=sse;Username=sse;Password=…' (https://www.npgsql.org/doc/connection-string-parameters.html).";
    }

    private sealed class ConnectionValidator(IConfiguration configuration) : IValidateOptions<ArchiveOptions>
    {
        public ValidateOptionsResult Validate(string? name, ArchiveOptions options) =>
            options.Mode == ArchiveMode.PostgreSql && Problem(configuration[ConnectionSetting]) is { } problem ? ValidateOptionsResult.Fail(problem) : ValidateOptionsResult.Success;
    }
}
