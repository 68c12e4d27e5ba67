using Npgsql;
using SseApp.Events.Log;

namespace SseApp.Events.Archive.PostgreSql;

/// <summary>What readers of history ask; a standby answers if there is one.</summary>
internal sealed class PostgresReader(PostgresDatabase database)
{
    private const string Log = "(SELECT l.id FROM sse.logs l JOIN sse.topics t ON t.id = l.topic WHERE t.name = $1 AND l.epoch = $2 AND NOT l.deleted)";

    /// <summary>
    /// The bytes are counted where the events are: what is not wanted is not even sent. A span of offsets, and not the first so many
    /// behind one: PostgreSQL would sort all that is left of the log when it does not know yet how much that is.
    /// </summary>
    private const string Page =
        $"""
        SELECT p.off, p.published_at, p.key, p.block FROM (
            SELECT e.off, e.published_at, e.key, e.block, sum(octet_length(e.block)) OVER (ORDER BY e.off ROWS UNBOUNDED PRECEDING) AS bytes
            FROM sse.events e WHERE e.log = {Log} AND e.off > $3 AND e.off <= $4
        ) p WHERE p.bytes <= $5 OR ($6 AND p.bytes = octet_length(p.block)) ORDER BY p.off
        """;

    private const string Next = $"SELECT e.off FROM sse.events e WHERE e.log = {Log} AND e.off > $3 ORDER BY e.off LIMIT 1";

    private const string First = $"SELECT e.off FROM sse.events e WHERE e.log = {Log} ORDER BY e.off LIMIT 1";

    private const string Epochs =
        """
        SELECT l.epoch, f.off, e.off, f.published_at, e.published_at
        FROM sse.topics t JOIN sse.logs l ON l.topic = t.id AND NOT l.deleted
        CROSS JOIN LATERAL (SELECT off, published_at FROM sse.events WHERE log = l.id ORDER BY off LIMIT 1) f
        CROSS JOIN LATERAL (SELECT off, published_at FROM sse.events WHERE log = l.id ORDER BY off DESC LIMIT 1) e
        WHERE t.name = $1 ORDER BY l.id
        """;

    /// <summary>
    /// Times come from several replicas' clocks, and are nearly in the order of offsets. <c>off + 0</c> keeps PostgreSQL from looking
    /// for the least offset through all of the log.
    /// </summary>
    private const string Find =
        """
        WITH log AS MATERIALIZED (
            SELECT l.id, l.epoch, f.published_at
            FROM sse.topics t JOIN sse.logs l ON l.topic = t.id AND NOT l.deleted
            CROSS JOIN LATERAL (SELECT published_at FROM sse.events WHERE log = l.id AND published_at >= $2 ORDER BY published_at LIMIT 1) f
            WHERE t.name = $1 ORDER BY l.id LIMIT 1
        )
        SELECT log.epoch, (
            SELECT min(e.off + 0) FROM sse.events e
            WHERE e.log = log.id AND e.published_at >= $2 AND e.published_at <= log.published_at + interval '10 seconds')
        FROM log
        """;

    public Task<ArchivePage> ReadAsync(ArchivedLog log, long after, int maxEvents, int maxBytes, bool newest, CancellationToken cancellationToken) => database.ReadAsync(
        newest,
        async (connection, token) =>
        {
            var events = new List<ArchivedEvent>();
            // One span, if there are no holes in it.
            for (long? start = after; start is { } behind;)
            {
                var known = events.Count;
                await ReadAsync(connection, events, log, behind, maxEvents, maxBytes, token);
                // Without more events nothing else has room.
                var isFull = events.Count >= maxEvents || (events.Count == known && known > 0);
                start = isFull ? null : await AskAsync(connection, Next, [.. Of(log), PostgresDatabase.Value(Math.Max(behind, events is [.., var last] ? last.Offset : 0))], token) - 1;
            }

            if (events is [var first, ..] && first.Offset == after + 1)
            {
                return new ArchivePage(events, 0);
            }

            return new ArchivePage(events, await AskAsync(connection, First, Of(log), token) ?? 0);
        },
        cancellationToken);

    public Task<ArchivedEpoch[]> GetEpochsAsync(string topic, bool newest, CancellationToken cancellationToken) => database.ReadAsync(
        newest,
        async (connection, token) =>
        {
            var epochs = new List<ArchivedEpoch>();
            await using var command = PostgresDatabase.Command(connection, Epochs, database.ReadLimit, PostgresDatabase.Value(topic));
            await using var reader = await command.ExecuteReaderAsync(token);
            while (await reader.ReadAsync(token))
            {
                epochs.Add(new ArchivedEpoch(
                    new Epoch((ulong)reader.GetInt64(0)), reader.GetInt64(1), reader.GetInt64(2), new DateTimeOffset(reader.GetDateTime(3)), new DateTimeOffset(reader.GetDateTime(4))));
            }

            return epochs.ToArray();
        },
        cancellationToken);

    /// <summary>The primary has the last word when a standby knows nothing so new.</summary>
    public async Task<Position?> FindAsync(string topic, DateTimeOffset from, CancellationToken cancellationToken) =>
        await FindAsync(newest: false, topic, from, cancellationToken)
        ?? (database.HasStandby ? await FindAsync(newest: true, topic, from, cancellationToken) : null);

    private Task<Position?> FindAsync(bool newest, string topic, DateTimeOffset from, CancellationToken cancellationToken) => database.ReadAsync<Position?>(
        newest,
        async (connection, token) =>
        {
            await using var command = PostgresDatabase.Command(connection, Find, database.ReadLimit, PostgresDatabase.Value(topic), PostgresDatabase.Value(from.UtcDateTime));
            await using var reader = await command.ExecuteReaderAsync(token);
            return await reader.ReadAsync(token) && !await reader.IsDBNullAsync(1, token) ? new Position(new Epoch((ulong)reader.GetInt64(0)), reader.GetInt64(1)) : null;
        },
        cancellationToken);

    private async Task ReadAsync(
        NpgsqlConnection connection, List<ArchivedEvent> events, ArchivedLog log, long after, int maxEvents, int maxBytes, CancellationToken cancellationToken)
    {
        await using var command = PostgresDatabase.Command(
            connection,
            Page,
            database.ReadLimit,
            [
                .. Of(log),
                PostgresDatabase.Value(after),
                PostgresDatabase.Value(after + maxEvents - events.Count),
                PostgresDatabase.Value(maxBytes - events.Sum(archived => (long)archived.Block.Length)),
                PostgresDatabase.Value(events.Count == 0),
            ]);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            events.Add(new ArchivedEvent(
                reader.GetInt64(0),
                PostgresTime.ToUnixMicroseconds(reader.GetDateTime(1)),
                reader.IsDBNull(2) ? null : reader.GetString(2),
                reader.GetFieldValue<byte[]>(3)));
        }
    }

    private async Task<long?> AskAsync(NpgsqlConnection connection, string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        await using var command = PostgresDatabase.Command(connection, sql, database.ReadLimit, parameters);
        return await command.ExecuteScalarAsync(cancellationToken) as long?;
    }

    private static NpgsqlParameter[] Of(ArchivedLog log) => [PostgresDatabase.Value(log.Topic), PostgresDatabase.Value((long)log.Epoch.Value)];
}
