using System.Security.Cryptography;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using SseApp.Events.Log;

namespace SseApp.Events.Archive.PostgreSql;

/// <summary>
/// Writes batches. The row of the shard is locked first, which keeps another writer's claim waiting; then each log's end is moved on
/// if it is where the batch says; then come the events. So nothing is there twice although no index forbids it.
/// </summary>
internal sealed class PostgresWriter(PostgresDatabase database, PostgresSchema schema, PostgresPartitions partitions, TimeProvider clock)
{
    private const int MaxAttempts = 3;

    private const string Lock = "SELECT 1 FROM sse.shards WHERE shard = $1 AND fence = $2 FOR UPDATE";

    private const string Advance =
        """
        UPDATE sse.logs l SET last_offset = i.last, last_published = i.published, retention = greatest(l.retention, i.retention), touched = $7
        FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[]) WITH ORDINALITY i(name, epoch, after, last, published, retention, place)
        JOIN sse.topics t ON t.name = i.name
        WHERE l.topic = t.id AND l.epoch = i.epoch AND l.last_offset = i.after AND NOT l.deleted
        RETURNING i.place, l.id, l.erasing
        """;

    private const string AddTopics = "INSERT INTO sse.topics (name) SELECT DISTINCT n FROM unnest($1::text[]) n ORDER BY n ON CONFLICT DO NOTHING";

    private const string AddLogs =
        """
        WITH i AS (
            SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[]) WITH ORDINALITY i(name, epoch, last, published, retention, place)
        ), added AS (
            INSERT INTO sse.logs (topic, epoch, last_offset, last_published, retention, touched)
            SELECT t.id, i.epoch, i.last, i.published, i.retention, $6 FROM i JOIN sse.topics t ON t.name = i.name ORDER BY i.place
            ON CONFLICT DO NOTHING
            RETURNING id, topic, epoch
        )
        SELECT i.place, added.id FROM added JOIN sse.topics t ON t.id = added.topic JOIN i ON i.name = t.name AND i.epoch = added.epoch
        """;

    private const string Erased = "SELECT log, key_sha256, through FROM sse.erasures WHERE log = ANY ($1)";

    private const string Copy = "COPY sse.events (log, off, published_at, retention, bucket, key, block) FROM STDIN (FORMAT BINARY)";

    public async Task WriteAsync(ArchiveBatch batch, CancellationToken cancellationToken)
    {
        await schema.EnsureAsync(cancellationToken);
        for (var attempt = 1; ; attempt++)
        {
            var work = new Work(batch, clock.GetUtcNow());
            await partitions.EnsureAsync(work.Partitions, cancellationToken);
            try
            {
                await database.TransactAsync(
                    async (connection, token) =>
                    {
                        await WriteAsync(connection, work, token);
                        return true;
                    },
                    cancellationToken);
                return;
            }
            catch (ArchiveUnavailableException exception) when (attempt < MaxAttempts && exception.InnerException is { } inner && PostgresErrors.IsWithoutPartition(inner))
            {
                partitions.Forget();
            }
            catch (ArchiveUnavailableException exception) when (exception.InnerException is { } inner && PostgresErrors.IsUnprepared(inner))
            {
                schema.Forget();
                partitions.Forget();
                throw;
            }
        }
    }

    private async Task WriteAsync(NpgsqlConnection connection, Work work, CancellationToken cancellationToken)
    {
        // Of an attempt that was rolled back.
        Array.Clear(work.Logs);
        var erasing = new List<long>();
        await AdvanceAsync(connection, work, erasing, cancellationToken);
        if (Array.IndexOf(work.Logs, 0) >= 0)
        {
            await AddAsync(connection, work, cancellationToken);
        }

        var erasures = erasing.Count == 0 ? null : await ReadErasuresAsync(connection, erasing, cancellationToken);
        if (work.Partitions.Count > 0)
        {
            await CopyAsync(connection, work, erasures, cancellationToken);
        }
    }

    private async Task AdvanceAsync(NpgsqlConnection connection, Work work, List<long> erasing, CancellationToken cancellationToken)
    {
        await using var both = new NpgsqlBatch(connection)
        {
            Timeout = PostgresDatabase.Seconds(database.WriteLimit),
            BatchCommands =
            {
                new NpgsqlBatchCommand(Lock) { Parameters = { PostgresDatabase.Value(work.Batch.Shard), PostgresDatabase.Value(work.Batch.Fence) } },
                new NpgsqlBatchCommand(Advance)
                {
                    Parameters =
                    {
                        PostgresDatabase.Value(work.Of(run => run.Log.Topic)),
                        PostgresDatabase.Value(work.Of(run => (long)run.Log.Epoch.Value)),
                        PostgresDatabase.Value(work.Of(run => run.After)),
                        PostgresDatabase.Value(work.Of(run => run.Entries[^1].Position.Offset)),
                        PostgresDatabase.Value(work.Of(run => run.Entries[^1].PublishedAtMicroseconds)),
                        PostgresDatabase.Value(work.Of(run => ArchivePartition.Hours(run.Retention))),
                        PostgresDatabase.Value(work.Now.UtcDateTime),
                    },
                },
            },
        };
        await using var reader = await both.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            throw new ArchiveConflictException($"Shard {work.Batch.Shard} of the archive is another writer's.") { IsFenced = true };
        }

        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var log = reader.GetInt64(1);
            work.Logs[reader.GetInt64(0) - 1] = log;
            if (reader.GetBoolean(2))
            {
                erasing.Add(log);
            }
        }
    }

    /// <summary>The logs that have no row yet.</summary>
    private async Task AddAsync(NpgsqlConnection connection, Work work, CancellationToken cancellationToken)
    {
        var missing = Enumerable.Range(0, work.Runs.Count).Where(place => work.Logs[place] == 0).ToArray();
        if (missing.FirstOrDefault(place => work.Runs[place].After != 0, -1) is >= 0 and var wrong)
        {
            throw Conflict(work.Runs[wrong]);
        }

        var runs = Array.ConvertAll(missing, place => work.Runs[place]);
        var topics = Array.ConvertAll(runs, run => run.Log.Topic);
        await using var both = new NpgsqlBatch(connection)
        {
            Timeout = PostgresDatabase.Seconds(database.WriteLimit),
            BatchCommands =
            {
                new NpgsqlBatchCommand(AddTopics) { Parameters = { PostgresDatabase.Value(topics) } },
                new NpgsqlBatchCommand(AddLogs)
                {
                    Parameters =
                    {
                        PostgresDatabase.Value(topics),
                        PostgresDatabase.Value(Array.ConvertAll(runs, run => (long)run.Log.Epoch.Value)),
                        PostgresDatabase.Value(Array.ConvertAll(runs, run => run.Entries[^1].Position.Offset)),
                        PostgresDatabase.Value(Array.ConvertAll(runs, run => run.Entries[^1].PublishedAtMicroseconds)),
                        PostgresDatabase.Value(Array.ConvertAll(runs, run => ArchivePartition.Hours(run.Retention))),
                        PostgresDatabase.Value(work.Now.UtcDateTime),
                    },
                },
            },
        };
        await using var reader = await both.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            work.Logs[missing[reader.GetInt64(0) - 1]] = reader.GetInt64(1);
        }

        if (Array.Find(missing, place => work.Logs[place] == 0) is var place && work.Logs[place] == 0)
        {
            throw Conflict(work.Runs[place]);
        }
    }

    private async Task<Dictionary<(long Log, string Key), long>> ReadErasuresAsync(NpgsqlConnection connection, List<long> logs, CancellationToken cancellationToken)
    {
        var erasures = new Dictionary<(long, string), long>();
        await using var command = PostgresDatabase.Command(connection, Erased, database.WriteLimit, PostgresDatabase.Value(logs.ToArray()));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            erasures.Add((reader.GetInt64(0), Convert.ToHexString(reader.GetFieldValue<byte[]>(1))), reader.GetInt64(2));
        }

        return erasures;
    }

    private async Task CopyAsync(NpgsqlConnection connection, Work work, Dictionary<(long Log, string Key), long>? erasures, CancellationToken cancellationToken)
    {
        var now = work.Now.UnixMicroseconds();
        await using var rows = await connection.BeginBinaryImportAsync(Copy, cancellationToken);
        rows.Timeout = database.WriteLimit;
        for (var place = 0; place < work.Runs.Count; place++)
        {
            var run = work.Runs[place];
            var log = work.Logs[place];
            var retention = ArchivePartition.Hours(run.Retention);
            foreach (var entry in run.Entries)
            {
                if (ArchivePartition.IsExpired(entry.PublishedAtMicroseconds, retention, now))
                {
                    continue;
                }

                var isErased = erasures is not null && entry.Key is { } key
                    && erasures.TryGetValue((log, Convert.ToHexString(HashOf(key))), out var through) && entry.Position.Offset <= through;
                await rows.StartRowAsync(cancellationToken);
                await rows.WriteAsync(log, NpgsqlDbType.Bigint, cancellationToken);
                await rows.WriteAsync(entry.Position.Offset, NpgsqlDbType.Bigint, cancellationToken);
                await rows.WriteAsync(PostgresTime.FromUnixMicroseconds(entry.PublishedAtMicroseconds), NpgsqlDbType.TimestampTz, cancellationToken);
                await rows.WriteAsync(retention, NpgsqlDbType.Integer, cancellationToken);
                await rows.WriteAsync(ArchivePartition.Of(entry.PublishedAtMicroseconds, retention, now).Bucket, NpgsqlDbType.Integer, cancellationToken);
                if (isErased || entry.Key is null)
                {
                    await rows.WriteNullAsync(cancellationToken);
                }
                else
                {
                    await rows.WriteAsync(entry.Key, NpgsqlDbType.Text, cancellationToken);
                }

                await rows.WriteAsync(isErased ? default : entry.Block, NpgsqlDbType.Bytea, cancellationToken);
            }
        }

        await rows.CompleteAsync(cancellationToken);
    }

    /// <summary>Of an erased key nothing is kept by which it could be read again.</summary>
    public static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private static ArchiveConflictException Conflict(ArchiveRun run) =>
        new($"The archive of topic {run.Log.Topic}, epoch {run.Log.Epoch}, does not end at {run.After}, or the topic was deleted.");

    /// <summary>A batch on its way.</summary>
    private sealed class Work
    {
        public Work(ArchiveBatch batch, DateTimeOffset now)
        {
            Batch = batch;
            Now = now;
            Runs = [.. batch.Runs.Where(run => run.Entries.Count > 0)];
            Logs = new long[Runs.Count];
            var microseconds = now.UnixMicroseconds();
            foreach (var run in Runs)
            {
                var retention = ArchivePartition.Hours(run.Retention);
                foreach (var entry in run.Entries)
                {
                    if (!ArchivePartition.IsExpired(entry.PublishedAtMicroseconds, retention, microseconds))
                    {
                        Partitions.Add(ArchivePartition.Of(entry.PublishedAtMicroseconds, retention, microseconds));
                    }
                }
            }
        }

        public ArchiveBatch Batch { get; }

        public DateTimeOffset Now { get; }

        public IReadOnlyList<ArchiveRun> Runs { get; }

        /// <summary>The row of each run's log; 0 while it is not known.</summary>
        public long[] Logs { get; }

        public HashSet<ArchivePartition> Partitions { get; } = [];

        public T[] Of<T>(Func<ArchiveRun, T> value) => [.. Runs.Select(value)];
    }
}
