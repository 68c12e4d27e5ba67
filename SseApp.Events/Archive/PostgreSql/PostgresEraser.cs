using Npgsql;
using SseApp.Events.Log;

namespace SseApp.Events.Archive.PostgreSql;

/// <summary>
/// Deletes topics and erases keys: first a short transaction that keeps what is on its way from being archived as it was, by the locks
/// that writers take as well; then the events that are there, some thousand at a time.
/// </summary>
internal sealed class PostgresEraser(PostgresDatabase database, PostgresSchema schema, TimeProvider clock)
{
    private const int Chunk = 5_000;

    /// <summary>A log without events is remembered for this long after its retention: somebody may still be about to write it.</summary>
    private static readonly TimeSpan s_memory = TimeSpan.FromDays(7);

    private static readonly TimeSpan s_cleanUpInterval = TimeSpan.FromHours(1);

    private const string AddTopic = "INSERT INTO sse.topics (name) VALUES ($1) ON CONFLICT DO NOTHING";

    private const string AddLog =
        """
        INSERT INTO sse.logs (topic, epoch, last_offset, last_published, retention, touched)
        SELECT t.id, $2, 0, 0, 0, $3 FROM sse.topics t WHERE t.name = $1 ON CONFLICT DO NOTHING
        """;

    private const string MarkDeleted =
        """
        UPDATE sse.logs l SET deleted = true, touched = $2 FROM sse.topics t WHERE t.name = $1 AND l.topic = t.id RETURNING l.id
        """;

    /// <summary>In the order in which every transaction locks them.</summary>
    private const string LockLogs =
        """
        SELECT l.id, l.epoch FROM sse.logs l JOIN sse.topics t ON t.id = l.topic
        WHERE t.name = $1 AND NOT l.deleted ORDER BY l.id FOR UPDATE OF l
        """;

    private const string Remember =
        """
        WITH erased AS (
            INSERT INTO sse.erasures (log, key_sha256, through) SELECT i.log, $2, i.through FROM unnest($1::bigint[], $3::bigint[]) i(log, through)
            ON CONFLICT (log, key_sha256) DO UPDATE SET through = greatest(sse.erasures.through, excluded.through)
        )
        UPDATE sse.logs SET erasing = true WHERE id = ANY ($1) AND NOT erasing
        """;

    private const string NextOfLog = "SELECT off FROM sse.events WHERE log = $1 AND off >= $2 ORDER BY off LIMIT 1";

    private const string DeleteSpan = "DELETE FROM sse.events WHERE log = $1 AND off >= $2 AND off < $3";

    private const string NextOfKey = "SELECT off FROM sse.events WHERE log = $1 AND key = $3 AND off >= $2 ORDER BY off LIMIT 1";

    private const string EraseSpan = "UPDATE sse.events SET key = NULL, block = '' WHERE log = $1 AND key = $4 AND off >= $2 AND off < $3";

    private const string Unfinished =
        "SELECT l.id FROM sse.logs l WHERE l.deleted AND EXISTS (SELECT FROM sse.events e WHERE e.log = l.id)";

    private const string Forget =
        """
        DELETE FROM sse.erasures e USING sse.logs l WHERE l.id = e.log AND l.last_offset >= e.through;
        UPDATE sse.logs l SET erasing = false WHERE l.erasing AND NOT EXISTS (SELECT FROM sse.erasures e WHERE e.log = l.id)
        """;

    private const string RemoveLogs =
        """
        DELETE FROM sse.logs l WHERE l.touched + l.retention * interval '62 minutes' < $1 AND l.id IN (
            SELECT o.id FROM sse.logs o
            WHERE o.touched + o.retention * interval '62 minutes' < $1 AND NOT EXISTS (SELECT FROM sse.events e WHERE e.log = o.id) LIMIT $2)
        """;

    private const string RemoveTopics =
        """
        DELETE FROM sse.topics t WHERE t.id IN (
            SELECT o.id FROM sse.topics o WHERE NOT EXISTS (SELECT FROM sse.logs l WHERE l.topic = o.id) LIMIT $1)
        """;

    private DateTimeOffset _cleanedUpAt = DateTimeOffset.MinValue;

    public async Task<bool> DeleteAsync(string topic, Epoch current, CancellationToken cancellationToken)
    {
        await schema.EnsureAsync(cancellationToken);
        var now = clock.GetUtcNow().UtcDateTime;
        var logs = await database.TransactAsync(
            async (connection, token) =>
            {
                await AddAsync(connection, topic, current, now, token);
                await LockAsync(connection, topic, token);
                var marked = new List<long>();
                await using var command = PostgresDatabase.Command(connection, MarkDeleted, database.WriteLimit, PostgresDatabase.Value(topic), PostgresDatabase.Value(now));
                await using var reader = await command.ExecuteReaderAsync(token);
                while (await reader.ReadAsync(token))
                {
                    marked.Add(reader.GetInt64(0));
                }

                return marked;
            },
            cancellationToken);
        return await DeleteAsync(logs, cancellationToken) > 0;
    }

    public async Task<long> EraseAsync(string topic, string key, Position through, CancellationToken cancellationToken)
    {
        await schema.EnsureAsync(cancellationToken);
        var now = clock.GetUtcNow().UtcDateTime;
        var logs = await database.TransactAsync(
            async (connection, token) =>
            {
                await AddAsync(connection, topic, through.Epoch, now, token);
                var locked = await LockAsync(connection, topic, token);
                // What came after the log that is meant is newer than the wish.
                var last = locked.FindIndex(log => log.Epoch == through.Epoch);
                if (last >= 0)
                {
                    locked.RemoveRange(last + 1, locked.Count - last - 1);
                }

                var erased = locked.ConvertAll(log => (log.Id, Through: log.Epoch == through.Epoch ? through.Offset : Position.MaxOffset));
                await using var command = PostgresDatabase.Command(
                    connection,
                    Remember,
                    database.WriteLimit,
                    PostgresDatabase.Value(erased.ConvertAll(log => log.Id).ToArray()),
                    PostgresDatabase.Value(PostgresWriter.HashOf(key)),
                    PostgresDatabase.Value(erased.ConvertAll(log => log.Through).ToArray()));
                await command.ExecuteNonQueryAsync(token);
                return erased;
            },
            cancellationToken);
        long count = 0;
        foreach (var log in logs)
        {
            count += await InSpansAsync(log.Id, log.Through, NextOfKey, EraseSpan, [PostgresDatabase.Value(key)], cancellationToken);
        }

        return count;
    }

    /// <summary>Ends what a deletion left, and removes what nothing needs any more.</summary>
    public async Task CleanUpAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (now - _cleanedUpAt < s_cleanUpInterval)
        {
            return;
        }

        var unfinished = await PostgresDatabase.RunAsync(
            database.Primary,
            async (connection, token) =>
            {
                var logs = new List<long>();
                await using var command = PostgresDatabase.Command(connection, Unfinished, database.WriteLimit);
                await using var reader = await command.ExecuteReaderAsync(token);
                while (await reader.ReadAsync(token))
                {
                    logs.Add(reader.GetInt64(0));
                }

                return logs;
            },
            cancellationToken);
        await DeleteAsync(unfinished, cancellationToken);
        await ExecuteAsync(Forget, [], cancellationToken);
        await RepeatAsync(RemoveLogs, [PostgresDatabase.Value((now - s_memory).UtcDateTime), PostgresDatabase.Value((long)Chunk)], cancellationToken);
        await RepeatAsync(RemoveTopics, [PostgresDatabase.Value((long)Chunk)], cancellationToken);
        _cleanedUpAt = now;
    }

    /// <summary>Makes the row of a log that was never archived.</summary>
    private async Task AddAsync(NpgsqlConnection connection, string topic, Epoch epoch, DateTime now, CancellationToken cancellationToken)
    {
        if (epoch == default)
        {
            return;
        }

        await using var addTopic = PostgresDatabase.Command(connection, AddTopic, database.WriteLimit, PostgresDatabase.Value(topic));
        await addTopic.ExecuteNonQueryAsync(cancellationToken);
        await using var addLog = PostgresDatabase.Command(
            connection, AddLog, database.WriteLimit, PostgresDatabase.Value(topic), PostgresDatabase.Value((long)epoch.Value), PostgresDatabase.Value(now));
        await addLog.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<List<(long Id, Epoch Epoch)>> LockAsync(NpgsqlConnection connection, string topic, CancellationToken cancellationToken)
    {
        var logs = new List<(long, Epoch)>();
        await using var command = PostgresDatabase.Command(connection, LockLogs, database.WriteLimit, PostgresDatabase.Value(topic));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            logs.Add((reader.GetInt64(0), new Epoch((ulong)reader.GetInt64(1))));
        }

        return logs;
    }

    private async Task<long> DeleteAsync(List<long> logs, CancellationToken cancellationToken)
    {
        long count = 0;
        foreach (var log in logs)
        {
            count += await InSpansAsync(log, Position.MaxOffset, NextOfLog, DeleteSpan, [], cancellationToken);
        }

        return count;
    }

    /// <summary>From one event to the next, some thousand offsets at a time: none of the statements lasts long.</summary>
    private async Task<long> InSpansAsync(long log, long through, string next, string change, NpgsqlParameter[] more, CancellationToken cancellationToken)
    {
        long count = 0;
        for (long first = 0; await NextAsync(first) is { } found && found <= through;)
        {
            first = Math.Min(found + Chunk, through + 1);
            count += await ExecuteAsync(change, [PostgresDatabase.Value(log), PostgresDatabase.Value(found), PostgresDatabase.Value(first), .. more], cancellationToken);
        }

        return count;

        Task<long?> NextAsync(long from) => PostgresDatabase.RunAsync(
            database.Primary,
            async (connection, token) =>
            {
                await using var command = PostgresDatabase.Command(
                    connection, next, database.WriteLimit, [PostgresDatabase.Value(log), PostgresDatabase.Value(from), .. more.Select(parameter => parameter.Clone())]);
                return await command.ExecuteScalarAsync(token) as long?;
            },
            cancellationToken);
    }

    private async Task<long> RepeatAsync(string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        for (long count = 0; ;)
        {
            var rows = await ExecuteAsync(sql, parameters, cancellationToken);
            count += rows;
            if (rows < Chunk)
            {
                return count;
            }
        }
    }

    private Task<int> ExecuteAsync(string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken) => PostgresDatabase.RunAsync(
        database.Primary,
        async (connection, token) =>
        {
            // A parameter belongs to one command.
            await using var command = PostgresDatabase.Command(connection, sql, database.WriteLimit, Array.ConvertAll(parameters, parameter => parameter.Clone()));
            return await command.ExecuteNonQueryAsync(token);
        },
        cancellationToken);
}
