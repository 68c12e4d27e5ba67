using Npgsql;
using SseApp.Events.Log;

namespace SseApp.Events.Archive.PostgreSql;

/// <summary>
/// The archive in PostgreSQL. When the answer to a COMMIT is lost, nobody knows here whether the batch is stored: <see cref="WriteAsync"/>
/// fails, and the caller reads the ends again before it goes on, or repeats the batch and gets a conflict if it is.
/// </summary>
internal sealed class PostgresArchive : IEventArchive
{
    private const string Claim =
        """
        INSERT INTO sse.shards AS s (shard, fence) VALUES ($1, $2)
        ON CONFLICT (shard) DO UPDATE SET fence = greatest(s.fence + 1, excluded.fence) RETURNING fence
        """;

    private const string Ends =
        """
        SELECT coalesce(l.last_offset, 0), coalesce(l.last_published, 0), coalesce(l.deleted, false)
        FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY i(name, epoch, place)
        LEFT JOIN sse.topics t ON t.name = i.name LEFT JOIN sse.logs l ON l.topic = t.id AND l.epoch = i.epoch
        ORDER BY i.place
        """;

    private const string State = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean";

    private readonly PostgresDatabase _database;
    private readonly PostgresSchema _schema;
    private readonly PostgresPartitions _partitions;
    private readonly PostgresWriter _writer;
    private readonly PostgresReader _reader;
    private readonly PostgresEraser _eraser;
    private readonly PostgresClusters _clusters;
    private readonly TimeProvider _clock;

    public PostgresArchive(NpgsqlDataSource source, TimeProvider clock, ILogger<PostgresArchive> logger)
        : this(new PostgresDatabase(source, clock), clock, logger)
    {
    }

    public PostgresArchive(PostgresDatabase database, TimeProvider clock, ILogger<PostgresArchive> logger)
    {
        _database = database;
        _clock = clock;
        _schema = new PostgresSchema(database);
        _partitions = new PostgresPartitions(database, logger);
        _writer = new PostgresWriter(database, _schema, _partitions, clock);
        _reader = new PostgresReader(database);
        _eraser = new PostgresEraser(database, _schema, clock);
        _clusters = new PostgresClusters(database);
    }

    public Task PrepareAsync(CancellationToken cancellationToken) => _schema.PrepareAsync(cancellationToken);

    public async Task<long> ClaimAsync(int shard, CancellationToken cancellationToken)
    {
        await _schema.EnsureAsync(cancellationToken);
        return await PostgresDatabase.RunAsync(
            _database.Primary,
            async (connection, token) =>
            {
                // By the clock, so that after a backup was brought back no number comes again.
                var least = _clock.GetUtcNow().ToUnixTimeMilliseconds();
                await using var command = PostgresDatabase.Command(connection, Claim, _database.WriteLimit, PostgresDatabase.Value(shard), PostgresDatabase.Value(least));
                return (long)(await command.ExecuteScalarAsync(token))!;
            },
            cancellationToken);
    }

    public async Task<ArchiveEnd[]> GetEndsAsync(IReadOnlyList<ArchivedLog> logs, CancellationToken cancellationToken)
    {
        await _schema.EnsureAsync(cancellationToken);
        return await PostgresDatabase.RunAsync(
            _database.Primary,
            async (connection, token) =>
            {
                var ends = new List<ArchiveEnd>(logs.Count);
                await using var command = PostgresDatabase.Command(
                    connection,
                    Ends,
                    _database.ReadLimit,
                    PostgresDatabase.Value(logs.Select(log => log.Topic).ToArray()),
                    PostgresDatabase.Value(logs.Select(log => (long)log.Epoch.Value).ToArray()));
                await using var reader = await command.ExecuteReaderAsync(token);
                while (await reader.ReadAsync(token))
                {
                    ends.Add(new ArchiveEnd(reader.GetInt64(0), reader.GetInt64(1), reader.GetBoolean(2)));
                }

                return ends.ToArray();
            },
            cancellationToken);
    }

    public Task WriteAsync(ArchiveBatch batch, CancellationToken cancellationToken) => _writer.WriteAsync(batch, cancellationToken);

    public Task<ArchivePage> ReadAsync(ArchivedLog log, long after, int maxEvents, int maxBytes, bool newest, CancellationToken cancellationToken) =>
        _reader.ReadAsync(log, after, maxEvents, maxBytes, newest, cancellationToken);

    public Task<ArchivedEpoch[]> GetEpochsAsync(string topic, bool newest, CancellationToken cancellationToken) => _reader.GetEpochsAsync(topic, newest, cancellationToken);

    public Task<Position?> FindAsync(string topic, DateTimeOffset from, CancellationToken cancellationToken) => _reader.FindAsync(topic, from, cancellationToken);

    public Task<bool> DeleteAsync(string topic, Epoch current, CancellationToken cancellationToken) => _eraser.DeleteAsync(topic, current, cancellationToken);

    public Task<long> EraseAsync(string topic, string key, Position through, CancellationToken cancellationToken) => _eraser.EraseAsync(topic, key, through, cancellationToken);

    public async Task ExpireAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await _partitions.DropAsync(now, cancellationToken);
        await _eraser.CleanUpAsync(now, cancellationToken);
    }

    public async Task<IReadOnlyDictionary<string, long>> MeetAsync(string cluster, CancellationToken cancellationToken)
    {
        await _schema.EnsureAsync(cancellationToken);
        return await _clusters.MeetAsync(cluster, cancellationToken);
    }

    public Task CheckAsync(CancellationToken cancellationToken) => PostgresDatabase.RunAsync(
        _database.Primary,
        async (connection, token) =>
        {
            await using var command = PostgresDatabase.Command(connection, State, _database.ReadLimit);
            if ((bool)(await command.ExecuteScalarAsync(token))!)
            {
                PostgresDatabase.Renew(_database.Primary);
                throw new ArchiveUnavailableException(PostgresErrors.ReadOnly);
            }

            return true;
        },
        cancellationToken);
}
