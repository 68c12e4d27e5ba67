using System.Collections.Concurrent;
using Npgsql;

namespace SseApp.Events.Archive.PostgreSql;

/// <summary>The partitions of <c>sse.events</c>: made when events need them, dropped when all of theirs are past their retention.</summary>
internal sealed partial class PostgresPartitions(PostgresDatabase database, ILogger<PostgresArchive> logger)
{
    private const long CreateLock = PostgresSchema.PrepareLock + 1;

    private readonly ConcurrentDictionary<ArchivePartition, bool> _known = new();

    /// <summary>Makes those that are missing.</summary>
    public async Task EnsureAsync(IReadOnlyCollection<ArchivePartition> partitions, CancellationToken cancellationToken)
    {
        foreach (var partition in partitions)
        {
            if (!_known.ContainsKey(partition))
            {
                await database.TransactAsync(
                    async (connection, token) =>
                    {
                        await CreateAsync(connection, partition, token);
                        return true;
                    },
                    cancellationToken);
                _known[partition] = true;
            }
        }
    }

    /// <summary>Some that were there may be gone.</summary>
    public void Forget() => _known.Clear();

    public async Task DropAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var partition in await ListAsync(cancellationToken))
        {
            if (partition.ExpiresAt <= now && !await TryDropAsync(partition, cancellationToken))
            {
                LogInUse(partition.Name);
            }
        }
    }

    private Task<List<ArchivePartition>> ListAsync(CancellationToken cancellationToken) => PostgresDatabase.RunAsync(
        database.Primary,
        async (connection, token) =>
        {
            const string List = "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'sse.events'::regclass";
            var partitions = new List<ArchivePartition>();
            await using var command = PostgresDatabase.Command(connection, List, database.ReadLimit);
            await using var reader = await command.ExecuteReaderAsync(token);
            while (await reader.ReadAsync(token))
            {
                if (ArchivePartition.TryParse(reader.GetString(0), out var partition))
                {
                    partitions.Add(partition);
                }
            }

            return partitions;
        },
        cancellationToken);

    /// <summary>A table of its own that is attached then: <c>CREATE … PARTITION OF</c> would wait for all readers, and make others wait.</summary>
    private async Task CreateAsync(NpgsqlConnection connection, ArchivePartition partition, CancellationToken cancellationToken)
    {
        var name = partition.Name;
        // One at a time: IF NOT EXISTS alone fails for the second of two at once.
        await ExecuteAsync($"SELECT pg_advisory_xact_lock({CreateLock})");
        // The table of the catalog, and not to_regclass: that may answer from a cache of before the lock was got.
        await using var look = PostgresDatabase.Command(
            connection,
            $"SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{PostgresSchema.Name}' AND c.relname = '{name}')",
            database.WriteLimit);
        if ((bool)(await look.ExecuteScalarAsync(cancellationToken))!)
        {
            return;
        }

        await ExecuteAsync($"CREATE TABLE sse.{name} (LIKE sse.events INCLUDING ALL)");
        await ExecuteAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"ALTER TABLE sse.events ATTACH PARTITION sse.{name} FOR VALUES FROM ({partition.Retention}, {partition.Bucket}) TO ({partition.Retention}, {partition.Bucket + 1})"));

        async Task ExecuteAsync(string sql)
        {
            await using var command = PostgresDatabase.Command(connection, sql, database.WriteLimit);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>
    /// Dropping waits for whoever reads any partition, and everybody else waits for it then: it gives up soon, and is tried again
    /// at the next time. Detaching concurrently would make nobody wait, but as long as a dump runs no partition could be made.
    /// </summary>
    private async Task<bool> TryDropAsync(ArchivePartition partition, CancellationToken cancellationToken)
    {
        _known.TryRemove(partition, out _);
        try
        {
            return await database.TransactAsync(
                async (connection, token) =>
                {
                    await using var command = PostgresDatabase.Command(connection, $"SET LOCAL lock_timeout = '500ms'; DROP TABLE IF EXISTS sse.{partition.Name}", database.WriteLimit);
                    await command.ExecuteNonQueryAsync(token);
                    return true;
                },
                cancellationToken);
        }
        catch (ArchiveUnavailableException exception) when (exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable })
        {
            return false;
        }
    }

    [LoggerMessage(LogLevel.Warning, "The archive's partition {Partition} is past its retention, and is in use by other sessions of the database (a dump, or a transaction left open?). It is dropped later.")]
    private partial void LogInUse(string partition);
}
