using System.Data;
using Npgsql;

namespace SseApp.Events.Archive.PostgreSql;

/// <summary>The servers: the primary, and what may be read elsewhere. Turns errors into those of <see cref="IEventArchive"/>.</summary>
internal sealed class PostgresDatabase
{
    private const int MaxAttempts = 3;

    public PostgresDatabase(NpgsqlDataSource source) => (Primary, Standby) = source is NpgsqlMultiHostDataSource servers
        ? (servers.WithTargetSession(TargetSessionAttributes.Primary), servers.WithTargetSession(TargetSessionAttributes.PreferStandby))
        : (source, source);

    public NpgsqlDataSource Primary { get; }

    /// <summary>A standby if there is one that answers, else the primary.</summary>
    public NpgsqlDataSource Standby { get; }

    public bool HasStandby => !ReferenceEquals(Primary, Standby);

    public TimeSpan ReadLimit { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan WriteLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Reads, or does what may be done twice. After a connection that was cut off the primary gets the next attempt.</summary>
    public static Task<T> RunAsync<T>(NpgsqlDataSource source, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        RunAsync(source, PostgresErrors.IsCutOff, work, cancellationToken);

    /// <summary>Reads where it is said, but for a standby that has not even the tables yet, or cancels what its replay is in the way of: the primary answers for it.</summary>
    /// <param name="newest">Only the primary will do.</param>
    /// <param name="work">What is read.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<T> ReadAsync<T>(bool newest, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await RunAsync(newest ? Primary : Standby, work, cancellationToken);
        }
        catch (ArchiveUnavailableException exception) when (
            !newest && HasStandby && exception.InnerException is { } inner && (PostgresErrors.IsUnprepared(inner) || PostgresErrors.IsRace(inner)))
        {
            return await RunAsync(Primary, work, cancellationToken);
        }
    }

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
