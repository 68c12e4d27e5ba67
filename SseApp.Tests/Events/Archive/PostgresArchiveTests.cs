using Microsoft.Extensions.Hosting;
using Npgsql;
using SseApp.Events.Archive;
using SseApp.Events.Archive.PostgreSql;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.Events.Archive;

public sealed class PostgresArchiveTests(PostgresServer server) : EventArchiveContract, IAsyncDisposable
{
    private readonly List<NpgsqlDataSource> _sources = [];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var source in _sources)
        {
            await source.DisposeAsync();
        }
    }

    [Fact]
    public async Task Several_processes_may_prepare_an_empty_database_at_once()
    {
        var connection = await server.RequireAsync("archive_empty");
        PostgresArchive[] archives = [Open(connection), Open(connection), Open(connection), Open(connection)];

        await Task.WhenAll(archives.Select(archive => archive.PrepareAsync(Cancelled)));

        // Partitions, too, are made by whoever needs them first.
        await Task.WhenAll(archives.Select(async archive =>
        {
            var (log, shard) = (NewLog(), NextShard());
            var fence = await archive.ClaimAsync(shard, Cancelled);
            await archive.WriteAsync(new ArchiveBatch(shard, fence, [Run(log, 0, Entries(log, 1, 3))]), Cancelled);
        }));
        Assert.Equal(12, await server.Node.AskAsync<long>("archive_empty", "SELECT count(*) FROM sse.events"));
    }

    [Fact]
    public async Task A_schema_of_a_newer_version_is_left_alone()
    {
        var connection = await server.RequireAsync("archive_newer");
        await Open(connection).PrepareAsync(Cancelled);
        await server.Node.ExecuteAsync("archive_newer", "INSERT INTO sse.version VALUES (99)");

        var error = await Assert.ThrowsAsync<ArchiveUnavailableException>(() => Open(connection).PrepareAsync(Cancelled));

        Assert.Contains("version 99", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_needs_rights_on_its_own_schema_only_and_the_message_says_so()
    {
        var connection = await server.RequireAsync("archive_rights");
        await server.Node.ExecuteAsync("archive_rights", "CREATE ROLE archiver LOGIN PASSWORD 'hidden'");
        var archive = Open(connection.Replace("Username=postgres", "Username=archiver;Password=hidden", StringComparison.Ordinal));

        var error = await Assert.ThrowsAsync<ArchiveUnavailableException>(() => archive.PrepareAsync(Cancelled));
        Assert.Contains("CREATE SCHEMA sse AUTHORIZATION", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", error.ToString(), StringComparison.Ordinal);

        await server.Node.ExecuteAsync("archive_rights", "CREATE SCHEMA sse AUTHORIZATION archiver");
        var (log, shard) = (NewLog(), NextShard());
        var fence = await archive.ClaimAsync(shard, Cancelled);
        await archive.WriteAsync(new ArchiveBatch(shard, fence, [Run(log, 0, Entries(log, 1, 3))]), Cancelled);
        Assert.Equal([1, 2, 3], Offsets(await archive.ReadAsync(log, 0, 10, 1_000, newest: true, Cancelled)));
    }

    [Theory]
    [InlineData("ALTER DATABASE archive_read_only SET default_transaction_read_only = on", "ALTER DATABASE archive_read_only RESET default_transaction_read_only")]
    [InlineData("ALTER ROLE postgres IN DATABASE archive_read_only SET default_transaction_read_only = on", "ALTER ROLE postgres IN DATABASE archive_read_only RESET default_transaction_read_only")]
    public async Task What_was_read_only_is_written_again_when_it_may_be(string change, string back)
    {
        var archive = Open(await server.RequireAsync("archive_read_only"));
        await archive.PrepareAsync(Cancelled);
        await server.Node.ExecuteAsync("postgres", change);
        await server.Node.ExecuteAsync("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'archive_read_only'");
        Func<Task>[] writes = [() => archive.CheckAsync(Cancelled), () => archive.ClaimAsync(0, Cancelled)];
        foreach (var write in writes)
        {
            Assert.Contains("read-only", (await Assert.ThrowsAsync<ArchiveUnavailableException>(write)).Message, StringComparison.Ordinal);
        }

        await server.Node.ExecuteAsync("postgres", back);
        foreach (var write in writes)
        {
            await write();
        }
    }

    [Fact]
    public async Task A_database_that_was_made_anew_is_prepared_by_the_writer()
    {
        var connection = await server.RequireAsync("archive_anew");
        var archive = Open(connection);
        var (log, shard) = (NewLog(), NextShard());
        var fence = await archive.ClaimAsync(shard, Cancelled);
        await archive.WriteAsync(new ArchiveBatch(shard, fence, [Run(log, 0, Entries(log, 1, 3))]), Cancelled);
        await server.Node.ExecuteAsync("archive_anew", "DROP SCHEMA sse CASCADE");

        await Assert.ThrowsAsync<ArchiveUnavailableException>(() => archive.WriteAsync(new ArchiveBatch(shard, fence, [Run(log, 3, Entries(log, 4, 5))]), Cancelled));
        fence = await archive.ClaimAsync(shard, Cancelled);
        await archive.WriteAsync(new ArchiveBatch(shard, fence, [Run(log, 0, Entries(log, 4, 5))]), Cancelled);

        Assert.Equal([4, 5], Offsets(await archive.ReadAsync(log, 0, 10, 1_000, newest: true, Cancelled)));
    }

    [Fact]
    public async Task A_partition_that_others_read_is_dropped_later_and_keeps_nobody_waiting()
    {
        var connection = await server.RequireAsync("archive_busy");
        var archive = Open(connection);
        var (log, shard) = (NewLog(), NextShard());
        var now = new DateTimeOffset(2026, 11, 28, 9, 30, 0, TimeSpan.Zero);
        var fence = await archive.ClaimAsync(shard, Cancelled);
        await archive.WriteAsync(new ArchiveBatch(shard, fence, [Run(log, 0, [Entry(log, 1, at: TimeProvider.System.GetUtcNow())], TimeSpan.FromHours(1))]), Cancelled);
        await using (var reader = await _sources[^1].OpenConnectionAsync(Cancelled))
        {
            await using var transaction = await reader.BeginTransactionAsync(Cancelled);
            await using var command = new NpgsqlCommand("SELECT count(*) FROM sse.events", reader);
            Assert.Equal(1L, await command.ExecuteScalarAsync(Cancelled));

            await archive.ExpireAsync(now.AddYears(100), Cancelled);

            Assert.Equal([1], Offsets(await archive.ReadAsync(log, 0, 10, 1_000, newest: true, Cancelled)));
        }

        await archive.ExpireAsync(now.AddYears(100), Cancelled);
        Assert.Equal(0, await server.Node.AskAsync<long>("archive_busy", "SELECT count(*) FROM pg_inherits WHERE inhparent = 'sse.events'::regclass"));
        // The writer knew that partition.
        await archive.WriteAsync(new ArchiveBatch(shard, await archive.ClaimAsync(shard, Cancelled), [Run(NewLog() with { Topic = log.Topic }, 0, [Entry(log, 1, at: TimeProvider.System.GetUtcNow())], TimeSpan.FromHours(1))]), Cancelled);
    }

    [Fact]
    public async Task A_full_disk_is_reported_as_such_and_the_batch_is_written_when_there_is_room()
    {
        await server.RequireAsync("archive");
        await using var disk = await SmallDisk.MountAsync();
        disk.Require();
        var folder = Path.Combine(disk.Folder, "space");
        Directory.CreateDirectory(folder);
        await PostgresPrograms.OwnAsync(folder);
        await server.Node.ExecuteAsync("postgres", $"CREATE TABLESPACE small LOCATION '{folder}'");
        try
        {
            await server.Node.ExecuteAsync("postgres", "CREATE DATABASE archive_full");
            await server.Node.ExecuteAsync("postgres", "ALTER DATABASE archive_full SET default_tablespace = small");
            await using var source = PostgresSource.Create(server.Node.ConnectionTo("archive_full"));
            var archive = new PostgresArchive(source, TimeProvider.System, NullLogger<PostgresArchive>.Instance);
            var (log, shard) = (NewLog(), NextShard());
            var fence = await archive.ClaimAsync(shard, Cancelled);
            var block = $"data: {new string('x', 1_000)}\n\n";
            LogEntry[] entries = [.. Enumerable.Range(1, 2_000).Select(offset => Entry(log, offset, block, at: TimeProvider.System.GetUtcNow()))];
            await archive.WriteAsync(new ArchiveBatch(shard, fence, [Run(log, 0, entries[..1])]), Cancelled);
            disk.Fill();

            var error = await Assert.ThrowsAsync<ArchiveUnavailableException>(() => archive.WriteAsync(new ArchiveBatch(shard, fence, [Run(log, 1, entries[1..])]), Cancelled));

            Assert.True(error.IsFull, error.ToString());
            Assert.Equal(1, (await archive.GetEndsAsync([log], Cancelled))[0].Offset);
            disk.Free();
            await archive.WriteAsync(new ArchiveBatch(shard, fence, [Run(log, 1, entries[1..])]), Cancelled);
            Assert.Equal(2_000, (await archive.ReadAsync(log, 0, 10_000, 10_000_000, newest: true, Cancelled)).Events.Count);
        }
        finally
        {
            disk.Free();
            await server.Node.ExecuteAsync("postgres", "DROP DATABASE IF EXISTS archive_full WITH (FORCE)");
            await server.Node.ExecuteAsync("postgres", "DROP TABLESPACE small");
        }
    }

    [Theory]
    [InlineData(null, "is empty")]
    [InlineData("postgres://sse:hidden@db/sse", "URL")]
    [InlineData("Host=db;Database=sse;Pasword=hidden", "does not know")]
    [InlineData("Host=db;Database=sse;Port=hidden", "does not know")]
    [InlineData("Host=db;Username=hidden", "names no database")]
    [InlineData("Database=hidden", "names no server")]
    [InlineData("Host=db;Database=sse;Password=hidden\r", "invisible")]
    [InlineData("Host=db1,db2;Database=sse;Username=sse;Password=hidden;Max Auto Prepare=0", null)]
    public void A_connection_string_that_cannot_be_used_is_refused_without_being_repeated(string? connection, string? why)
    {
        var problem = PostgresArchiveExtensions.Problem(connection);

        if (why is null)
        {
            Assert.Null(problem);
            return;
        }

        Assert.Contains(why, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_service_has_the_archive_when_its_mode_says_so_and_does_not_start_without_a_connection_string()
    {
        using var host = Host(null);
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Cancelled));
        Assert.Contains("ConnectionStrings:archive is empty", error.Message, StringComparison.Ordinal);

        using var second = Host(await server.RequireAsync("archive"));
        await second.StartAsync(Cancelled);
        await second.Services.GetRequiredService<IEventArchive>().CheckAsync(Cancelled);
        await second.StopAsync(Cancelled);

        static IHost Host(string? connection)
        {
            var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
            builder.Configuration["Archive:Mode"] = "PostgreSQL";
            builder.Configuration["ConnectionStrings:archive"] = connection;
            builder.Services.AddValidatedOptions<ArchiveOptions>(ArchiveOptions.SectionName);
            builder.AddPostgresArchive();
            return builder.Build();
        }
    }

    private protected override async Task<IEventArchive> OpenAsync(TimeProvider clock) => Open(await server.RequireAsync("archive"), clock);

    private PostgresArchive Open(string connection, TimeProvider? clock = null)
    {
        _sources.Add(PostgresSource.Create(connection));
        return new PostgresArchive(_sources[^1], clock ?? TimeProvider.System, NullLogger<PostgresArchive>.Instance);
    }
}
