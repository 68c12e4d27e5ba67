using System.Net.Sockets;
using Npgsql;

namespace SseApp.Events.Archive.PostgreSql;

/// <summary>What PostgreSQL, or the way to it, may answer. The messages have no values of settings, in which a password may stand.</summary>
internal static class PostgresErrors
{
    /// <summary>True for what the server, or the way to it, can cause.</summary>
    public static bool IsUnavailable(Exception exception) =>
        exception is NpgsqlException or TimeoutException or SocketException or IOException
        // Of a data source that is disposed at the end of the process.
        || exception is ObjectDisposedException;

    /// <summary>True when the same again may succeed at once, and nothing was done: a lost race with another session.</summary>
    public static bool IsRace(Exception exception) => exception is PostgresException
    {
        SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.LockNotAvailable
            // A topic without logs was removed while a log of it was added.
            or PostgresErrorCodes.ForeignKeyViolation,
    };

    /// <summary>True when an event found no partition: it was dropped since somebody looked.</summary>
    public static bool IsWithoutPartition(Exception exception) => exception is PostgresException { SqlState: PostgresErrorCodes.CheckViolation };

    /// <summary>True for the end of a connection, as pooled ones find it after the server was restarted. What was asked for may have been done.</summary>
    public static bool IsCutOff(Exception exception) => exception
        is PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.IdleSessionTimeout }
        or NpgsqlException { InnerException: IOException or SocketException };

    /// <summary>True when what the archive keeps in the database is not there.</summary>
    public static bool IsUnprepared(Exception exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName };

    /// <summary>True when the session can write nothing.</summary>
    public static bool IsReadOnly(Exception exception) => exception is PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction };

    public static ArchiveUnavailableException Unavailable(Exception exception) => new(Message(exception), exception)
    {
        IsFull = exception is PostgresException { SqlState: PostgresErrorCodes.DiskFull },
    };

    private static string Message(Exception exception) => exception switch
    {
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } =>
            "PostgreSQL has no room on its disk. Make room there; a lower Archive:Retention counts for new events only.",
        PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction } => ReadOnly,
        PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } error =>
            $"PostgreSQL: {error.MessageText}. The user needs CREATE on the database, or a schema of its own: CREATE SCHEMA {PostgresSchema.Name} AUTHORIZATION the user.",
        PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } =>
            $"PostgreSQL refuses the user of {PostgresArchiveExtensions.ConnectionSetting}, or its password.",
        PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } =>
            $"The database that {PostgresArchiveExtensions.ConnectionSetting} names does not exist.",
        PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName } =>
            $"The database has no schema {PostgresSchema.Name} yet, or lost it.",
        PostgresException error => $"PostgreSQL: {error.MessageText} ({error.SqlState}).",
        { InnerException: TimeoutException } or TimeoutException => "PostgreSQL did not answer in time.",
        NpgsqlException { InnerException: null } => $"None of the servers of {PostgresArchiveExtensions.ConnectionSetting} is one that can be written to: {exception.Message}",
        _ => $"PostgreSQL cannot be reached: {exception.Message}",
    };

    public const string ReadOnly =
        $"PostgreSQL is read-only: a standby that was not promoted, or default_transaction_read_only. {PostgresArchiveExtensions.ConnectionSetting} should name the primary, or all servers (Host=a,b).";
}
