using System.Diagnostics;
using SseApp.ServiceDefaults.Cluster.Relay;

namespace SseApp.Gateway.Relay;

/// <content>The streams of the connection, and its end.</content>
internal sealed partial class RelayClientConnection
{
    /// <summary>
    /// Replicas send whole events, each with an <c>id:</c> line. Within data no line can begin so, because each of its
    /// lines begins with <c>data:</c>.
    /// </summary>
    internal static int CountEvents(ReadOnlySpan<byte> payload)
    {
        var count = payload.StartsWith("id: "u8) ? 1 : 0;
        return count + payload.Count("\nid: "u8);
    }

    private RelayClientStream Find(int id)
    {
        var streams = _streams;
        return (uint)id < (uint)streams.Length && streams[id] is { } stream
            ? stream
            : throw new RelayProtocolException($"The replica sent something for stream {id}, which is not open.");
    }

    private void Release(int id)
    {
        lock (_gate)
        {
            if (_streams[id] is not null)
            {
                _streams[id] = null;
                _free.Push(id);
                _count--;
                _idleSince = Stopwatch.GetTimestamp();
            }
        }
    }

    private async Task RunAsync()
    {
        Exception reason = new IOException("The replica ended the connection.");
        try
        {
            await RelayInput.ReadAsync(_stream, this, _ending.Token);
        }
        catch (RelayProtocolException exception)
        {
            reason = exception;
            LogDamaged(_replica, exception.Message);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            reason = exception;
        }
#pragma warning disable CA1031 // Whatever it is, the streams of this connection must not wait for ever.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            reason = exception;
            LogFailed(_replica, exception);
        }

        RelayClientStream[] streams;
        lock (_gate)
        {
            _closed = true;
            streams = [.. _streams.OfType<RelayClientStream>()];
        }

        if (streams.Length > 0 && !_ending.IsCancellationRequested)
        {
            LogBroken(_replica, streams.Length, reason.Message);
        }

        Dispose();
        foreach (var stream in streams)
        {
            stream.OnBroken(reason);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The relay connection to replica {Replica} broke with {Streams} streams on it; they end, and their clients come back: {Reason}")]
    private partial void LogBroken(string replica, int streams, string reason);

    [LoggerMessage(LogLevel.Warning, "Replica {Replica} has sent nothing for {Seconds} s, although it was asked; its {Streams} streams on this connection end.")]
    private partial void LogSilent(string replica, double seconds, int streams);

    [LoggerMessage(LogLevel.Error, "The relay connection to replica {Replica} was cut, because what it sent is not the protocol: {Reason} Use gateway and replicas of the same release, or set Relay:Enabled to false.")]
    private partial void LogDamaged(string replica, string reason);

    [LoggerMessage(LogLevel.Critical, "The relay connection to replica {Replica} failed.")]
    private partial void LogFailed(string replica, Exception exception);
}
