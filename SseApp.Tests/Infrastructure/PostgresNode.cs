using Npgsql;
using SseApp.Bench.Generator;

namespace SseApp.Tests.Infrastructure;

/// <summary>A PostgreSQL server with a folder of its own: a primary, or a standby of another one.</summary>
internal sealed class PostgresNode : IAsyncDisposable
{
    private static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder;
    private readonly List<int> _frozen = [];
    private ChildProcess? _process;

    private PostgresNode(DirectoryInfo folder) => _folder = folder;

    public int Port { get; } = Ports.Next();

    private string Data => Path.Combine(_folder.FullName, "data");

    public string ConnectionTo(string database) => $"Host=127.0.0.1;Port={Port};Database={database};Username=postgres;SSL Mode=Disable";

    /// <summary>A new primary; skips the test where there is no PostgreSQL.</summary>
    public static async Task<PostgresNode> StartAsync()
    {
        if (PostgresPrograms.SkipReason is { } reason)
        {
            Assert.Skip(reason);
        }

        var node = new PostgresNode(await PostgresPrograms.CreateFolderAsync());
        await PostgresPrograms.RunAsync("initdb", "-D", node.Data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync");
        await node.RestartAsync();
        return node;
    }

    /// <summary>A standby that streams from this one.</summary>
    public async Task<PostgresNode> AddStandbyAsync()
    {
        var standby = new PostgresNode(await PostgresPrograms.CreateFolderAsync());
        await PostgresPrograms.RunAsync(
            "pg_basebackup", "-D", standby.Data, "-d", $"host=127.0.0.1 port={Port} user=postgres", "--checkpoint=fast", "--write-recovery-conf", "--no-sync");
        await standby.RestartAsync();
        return standby;
    }

    /// <summary>Starts it again, on the same port, with what it had.</summary>
    public async Task RestartAsync()
    {
        // Its pid is still there, and may be another process's by now.
        File.Delete(Path.Combine(Data, "postmaster.pid"));
        _process = PostgresPrograms.Start(
            "postgres", "-D", Data, "-p", $"{Port}",
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "full_page_writes=off",
            "-c", "shared_buffers=32MB", "-c", "max_connections=100", "-c", "wal_level=replica", "-c", "max_wal_size=128MB", "-c", "jit=off");
        await Eventually.Async(AnswersAsync, s_startLimit, $"an answer of PostgreSQL on port {Port}");
    }

    /// <summary>As a crash of all its processes.</summary>
    public Task KillAsync() => _process!.KillAsync();

    /// <summary>Lets all its processes hang (SIGSTOP): connections stay open and nothing answers.</summary>
    public void Freeze()
    {
        var id = _process!.Id;
        Libc.Signal(id, Libc.Stop);
        _frozen.Add(id);
        foreach (var child in File.ReadAllText($"/proc/{id}/task/{id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            _frozen.Add(int.Parse(child, CultureInfo.InvariantCulture));
            Libc.Signal(_frozen[^1], Libc.Stop);
        }
    }

    public void Thaw()
    {
        _frozen.ForEach(id => Libc.Signal(id, Libc.Continue));
        _frozen.Clear();
    }

    public Task PromoteAsync() => PostgresPrograms.RunAsync("pg_ctl", "promote", "-D", Data, "-w");

    public async Task ExecuteAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionTo(database) + ";Pooling=false");
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> AskAsync<T>(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionTo(database) + ";Pooling=false");
        await using var command = source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            Thaw();
            if (!process.HasExited)
            {
                // In order, so that it takes its shared memory with it.
                Libc.Signal(process.Id, Libc.Interrupt);
                try
                {
                    await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
                }
                catch (TimeoutException)
                {
                    // The next line ends it.
                }
            }

            await process.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    private async Task<bool> AnswersAsync()
    {
        Assert.False(_process!.HasExited, $"PostgreSQL ended: {_process.Tail(10)}");
        try
        {
            return await AskAsync<int>("postgres", "SELECT 1") == 1;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }
}
