using System.Data;
using Npgsql;

namespace SseApp.Events.Archive.PostgreSql;

/// <summary>What the archive keeps in the database: schema <c>sse</c>, in versions, each made by <c>archive-N.sql</c>.</summary>
internal sealed class PostgresSchema(PostgresDatabase database)
{
    public const string Name = "sse";

    /// <summary>Of the locks that PostgreSQL knows by a number only: <c>sse</c> and which.</summary>
    public const long PrepareLock = 0x737365_01;

    private const int Version = 1;
    private const int OldestServer = 13;

    private volatile bool _isPrepared;

    /// <summary>Prepares the database unless this process has seen that it is.</summary>
    public Task EnsureAsync(CancellationToken cancellationToken) => _isPrepared ? Task.CompletedTask : PrepareAsync(cancellationToken);

    /// <summary>The database is not what it was.</summary>
    public void Forget() => _isPrepared = false;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await PostgresDatabase.RunAsync(
            database.Primary,
            async (connection, token) =>
            {
                if (connection.PostgreSqlVersion.Major < OldestServer)
                {
                    throw new ArchiveUnavailableException($"The archive needs PostgreSQL {OldestServer} or newer; the server is {connection.PostgreSqlVersion}.");
                }

                if (await ReadVersionAsync(connection, token) != Version)
                {
                    await UpgradeAsync(connection, token);
                }

                return true;
            },
            cancellationToken);
        _isPrepared = true;
    }

    private async Task UpgradeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        await ExecuteAsync($"SELECT pg_advisory_xact_lock({PrepareLock})");
        var version = await ReadVersionAsync(connection, cancellationToken);
        if (version is null)
        {
            await ExecuteAsync($"CREATE SCHEMA {Name}");
        }

        if (version is null or 0)
        {
            await ExecuteAsync($"CREATE TABLE {Name}.version (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())");
        }

        for (var next = (version ?? 0) + 1; next <= Version; next++)
        {
            await ExecuteAsync(Script(next));
            await ExecuteAsync($"INSERT INTO {Name}.version (version) VALUES ({next})");
        }

        await transaction.CommitAsync(cancellationToken);

        async Task ExecuteAsync(string sql)
        {
            await using var command = PostgresDatabase.Command(connection, sql, database.WriteLimit);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <returns>Null without the schema, 0 without anything in it, as an operator may have made it.</returns>
    private async Task<int?> ReadVersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // The tables of the catalog, and not to_regclass: that may answer from a cache of before the lock was got.
        const string Look = $"SELECT (SELECT count(c.oid)::int FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'version' WHERE n.nspname = '{Name}' GROUP BY n.oid)";
        const string Read = $"SELECT coalesce(max(version), 0) FROM {Name}.version";
        await using var look = PostgresDatabase.Command(connection, Look, database.ReadLimit);
        if (await look.ExecuteScalarAsync(cancellationToken) is not int state)
        {
            return null;
        }

        if (state == 0)
        {
            return 0;
        }

        await using var read = PostgresDatabase.Command(connection, Read, database.ReadLimit);
        var version = (int)(await read.ExecuteScalarAsync(cancellationToken))!;
        return version <= Version ? version : throw new ArchiveUnavailableException(
            $"The database's schema {Name} has version {version}, and this program knows up to {Version}: a newer one has been here. Upgrade this one, or name another database in {PostgresArchiveExtensions.ConnectionSetting}.");
    }

    private static string Script(int version)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"archive-{version}.sql");
        using var stream = typeof(PostgresSchema).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
