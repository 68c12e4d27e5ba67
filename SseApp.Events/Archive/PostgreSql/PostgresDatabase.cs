using System.Data;
using Npgsql;

namespace SseApp.Events.Archive.PostgreSql;

/// <summary>The servers: the primary, and what may be read elsewhere. Turns errors into those of <see cref="IEventArchive"/>.</summary>
internal sealed class PostgresDatabase
{
    private const int MaxAttempts = 3;

    private readonly TimeProvider _time;

    // When the standby was found not to answer in time, or was tried since; 0: it answers.
    private long _silentSince;

    public PostgresDatabase(NpgsqlDataSource source, TimeProvider time)
    {
        _time = time;
        (Primary, Standby) = source is NpgsqlMultiHostDataSource servers
            ? (servers.WithTargetSession(TargetSessionAttributes.Primary), servers.WithTargetSession(TargetSessionAttributes.Standby))
            : (source, source);
    }

    public NpgsqlDataSource Primary { get; }

    /// <summary>A standby, if there is one.</summary>
    public NpgsqlDataSource Standby { get; }

    public bool HasStandby => !ReferenceEquals(Primary, Standby);

    public TimeSpan ReadLimit { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan WriteLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After so long without an answer of the standby the primary is asked as well: well before a stream that is to open is given up.</summary>
    public TimeSpan StandbyLimit { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A standby that did not answer is left alone for so long.</summary>
    public TimeSpan StandbyRest { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Reads, or does what may be done twice. After a connection that was cut off the primary gets the next attempt.</summary>
    public static Task<T> RunAsync<T>(NpgsqlDataSource source, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        RunAsync(source, PostgresErrors.IsCutOff, work, cancellationToken);

    /// <summary>
    /// Reads where it is said, but for a standby that has not even the tables yet, or cancels what its replay is in the way of, or is
    /// silent: the primary answers for it.
    /// </summary>
    /// <param name="newest">Only the primary will do.</param>
    /// <param name="work">What is read; perhaps twice at once.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<T> ReadAsync<T>(bool newest, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        if (newest || !HasStandby)
        {
            return await RunAsync(Primary, work, cancellationToken);
        }

        var silentSince = Interlocked.Read(ref _silentSince);
        if (silentSince == 0)
        {
            var asked = AskStandbyAsync(work, cancellationToken);
            await Task.WhenAny(asked, Task.Delay(StandbyLimit, _time, cancellationToken));
            if (asked.IsCompletedSuccessfully || cancellationToken.IsCancellationRequested)
            {
                return await asked;
            }

            Interlocked.Exchange(ref _silentSince, _time.GetTimestamp());
            return await EitherAsync(asked, RunAsync(Primary, work, cancellationToken));
        }

        // One of the readers finds out whether it answers again, and does not wait for that.
        if (_time.GetElapsedTime(silentSince) >= StandbyRest && Interlocked.CompareExchange(ref _silentSince, _time.GetTimestamp(), silentSince) == silentSince)
        {
            return await EitherAsync(AskStandbyAsync(work, cancellationToken), RunAsync(Primary, work, cancellationToken));
        }

        try
        {
            return await RunAsync(Primary, work, cancellationToken);
        }
        catch (ArchiveUnavailableException)
        {
            return await AskStandbyAsync(work, cancellationToken);
        }
    }

    private async Task<T> AskStandbyAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        try
        {
            var answer = await RunAsync(Standby, work, cancellationToken);
            if (_time.GetElapsedTime(started) < StandbyLimit)
            {
                Interlocked.Exchange(ref _silentSince, 0);
            }

            return answer;
        }
        catch (ArchiveUnavailableException exception) when (exception.InnerException is { } inner && (PostgresErrors.IsUnprepared(inner) || PostgresErrors.IsRace(inner)))
        {
            return await RunAsync(Primary, work, cancellationToken);
        }
    }

    /// <summary>The first answer of a standby and the primary; when there is none, what the primary said. Nobody hears what comes later.</summary>
    private static async Task<T> EitherAsync<T>(Task<T> standby, Task<T> primary)
    {
        var first = await Task.WhenAny(standby, primary);
        var later = first == standby ? primary : standby;
        if (first.IsCompletedSuccessfully)
        {
            Ignore(later);
            return await first;
        }

        await ((Task)later).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Ignore(standby);
        return await (standby.IsCompletedSuccessfully ? standby : primary);
    }

    private static void Ignore(Task task) => _ = task.ContinueWith(static failed => _ = failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    /// <summary>A transaction on the primary. Nobody tries again for it when it is not known what became of it.</summary>
    public Task<T> TransactAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        RunAsync(
            Primary,
            static _ => false,
            async (connection, token) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, token);
                var answer = await work(connection, token);
                await transaction.CommitAsync(token);
                return answer;
            },
            cancellationToken);

    public static NpgsqlCommand Command(NpgsqlConnection connection, string sql, TimeSpan limit, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = Seconds(limit) };
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>Limits are in whole seconds there, and 0 is none.</summary>
    public static int Seconds(TimeSpan limit) => Math.Max(1, (int)limit.TotalSeconds);

    public static NpgsqlParameter Value<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };

    /// <summary>A session keeps the defaults that its database and its user had when it began: pooled ones would be read-only for as long as they are used.</summary>
    public static void Renew(NpgsqlDataSource source) => source.Clear();

    private static async Task<T> RunAsync<T>(
        NpgsqlDataSource source, Func<Exception, bool> isHarmless, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(cancellationToken);
                return await work(connection, cancellationToken);
            }
            catch (Exception exception) when (
                attempt < MaxAttempts && !cancellationToken.IsCancellationRequested && (PostgresErrors.IsRace(exception) || isHarmless(exception)))
            {
                // Another session won; or the pool is empty now.
            }
            catch (Exception exception) when (PostgresErrors.IsUnavailable(exception))
            {
                if (PostgresErrors.IsReadOnly(exception))
                {
                    Renew(source);
                }

                cancellationToken.ThrowIfCancellationRequested();
                throw PostgresErrors.Unavailable(exception);
            }
        }
    }
}
