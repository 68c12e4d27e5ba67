using Npgsql;
using SseApp.Events.Archive.PostgreSql;

namespace SseApp.Tests.Infrastructure;

internal static class PostgresSource
{
    /// <summary>A data source as a replica has it.</summary>
    public static NpgsqlDataSource Create(string connection)
    {
        var builder = new NpgsqlDataSourceBuilder(connection);
        PostgresArchiveExtensions.Configure(builder);
        return builder.Build();
    }
}
