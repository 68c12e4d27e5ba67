using System.Data;

namespace SseApp.Events.Archive.PostgreSql;

/// <summary>The clusters that write to the database.</summary>
internal sealed class PostgresClusters(PostgresDatabase database)
{
    private const string Meet =
        $"""
        WITH own AS (
            INSERT INTO {Table} AS c (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET signs = c.signs + 1, seen_at = now()
        )
        SELECT id, signs FROM {Table} WHERE id <> $1
        """;

    // Of no version of the schema: who knows nothing of it is not in its way.
    private const string Create = $"CREATE TABLE IF NOT EXISTS {Table} (id text COLLATE \"C\" PRIMARY KEY, signs bigint NOT NULL DEFAULT 1, seen_at timestamptz NOT NULL DEFAULT now())";

    private const string Table = $"{PostgresSchema.Name}.clusters";

    public async Task<IReadOnlyDictionary<string, long>> MeetAsync(string cluster, CancellationToken cancellationToken)
    {
        try
        {
            return await AskAsync(cluster, cancellationToken);
        }
        catch (ArchiveUnavailableException exception) when (exception.InnerException is { } inner && PostgresErrors.IsUnprepared(inner))
        {
            await database.TransactAsync(
                async (connection, token) =>
                {
                    // Two that make it at once would fail.
                    await using var alone = PostgresDatabase.Command(connection, $"SELECT pg_advisory_xact_lock({PostgresSchema.PrepareLock})", database.WriteLimit);
                    await alone.ExecuteNonQueryAsync(token);
                    await using var create = PostgresDatabase.Command(connection, Create, database.WriteLimit);
                    return await create.ExecuteNonQueryAsync(token);
                },
                cancellationToken);
            return await AskAsync(cluster, cancellationToken);
        }
    }

    private Task<IReadOnlyDictionary<string, long>> AskAsync(string cluster, CancellationToken cancellationToken) => PostgresDatabase.RunAsync<IReadOnlyDictionary<string, long>>(
        database.Primary,
        async (connection, token) =>
        {
            var others = new Dictionary<string, long>(StringComparer.Ordinal);
            await using var command = PostgresDatabase.Command(connection, Meet, database.WriteLimit, PostgresDatabase.Value(cluster));
            await using var reader = await command.ExecuteReaderAsync(CommandBehavior.Default, token);
            while (await reader.ReadAsync(token))
            {
                others.Add(reader.GetString(0), reader.GetInt64(1));
            }

            return others;
        },
        cancellationToken);
}
