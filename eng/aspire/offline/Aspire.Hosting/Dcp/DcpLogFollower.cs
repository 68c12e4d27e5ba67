using System.Globalization;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp.Model;
using k8s.Autorest;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Dcp;

/// <summary>Copies the log streams of one engine object into the resource's console log, line by line.</summary>
internal sealed class DcpLogFollower : IDisposable
{
    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMilliseconds(20);
    private static readonly string[] s_systemDetails = ["Cmd", "Args", "ContainerName", "error"];
    private readonly CancellationTokenSource _stopping;
    private readonly ResourceLoggerService _logs;
    private readonly ILogger _logger;
    private readonly string _name;
    private int _outputLines;
    private int _errorLines;

    private DcpLogFollower(string name, string? uid, ResourceLoggerService logs, ILogger logger, CancellationToken cancellationToken)
    {
        _name = name;
        Uid = uid;
        _logs = logs;
        _logger = logger;
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    }

    public string? Uid { get; }

    public static DcpLogFollower Start<T>(DcpClient client, T value, ResourceLoggerService logs, ILogger logger, CancellationToken cancellationToken)
        where T : DcpObject, IDcpKind
    {
        var follower = new DcpLogFollower(value.Metadata.Name, value.Metadata.Uid, logs, logger, cancellationToken);
        Task Follow(string stream, bool isError) => follower.FollowAsync<T>(client, stream, isError);
        if (value is Container)
        {
            _ = Follow(DcpLogStreams.StartupStdOut, isError: false);
            _ = Follow(DcpLogStreams.StartupStdErr, isError: false);
        }

        _ = Follow(DcpLogStreams.System, isError: false);
        _ = Follow(DcpLogStreams.StdOut, isError: false);
        _ = Follow(DcpLogStreams.StdErr, isError: true);
        return follower;
    }

    /// <summary>Waits until everything that an ended workload printed is in the console log.</summary>
    /// <remarks>The streams themselves end only seconds after the workload, so their end is no sign of it.</remarks>
    public async Task DrainAsync<T>(DcpClient client, TimeProvider timeProvider, CancellationToken cancellationToken)
        where T : DcpObject, IDcpKind
    {
        var output = await client.CountLogLinesAsync<T>(_name, DcpLogStreams.StdOut, cancellationToken);
        var errors = await client.CountLogLinesAsync<T>(_name, DcpLogStreams.StdErr, cancellationToken);
        while (Volatile.Read(ref _outputLines) < output || Volatile.Read(ref _errorLines) < errors)
        {
            await Task.Delay(s_pollInterval, timeProvider, cancellationToken);
        }
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private async Task FollowAsync<T>(DcpClient client, string stream, bool isError)
        where T : DcpObject, IDcpKind
    {
        var token = _stopping.Token;
        try
        {
            await foreach (var line in client.ReadLogAsync<T>(_name, stream, follow: true, token))
            {
                if (stream == DcpLogStreams.System)
                {
                    AppendSystemLine(line);
                }
                else
                {
                    var (time, text) = SplitTime(line, ' ');
                    // A program that redraws a line with carriage returns means its last state.
                    _logs.Append(_name, time, text.TrimEnd('\r').Split('\r')[^1], isError);
                    Count(stream);
                }
            }
        }
        catch (Exception exception) when (token.IsCancellationRequested || exception is HttpRequestException or IOException or HttpOperationException)
        {
            // Deleting the object, or the end of the engine, breaks the stream off.
            DcpLog.LogStreamBroken(_logger, stream, _name, exception.Message);
        }
    }

    private void Count(string stream)
    {
        if (stream == DcpLogStreams.StdOut)
        {
            Interlocked.Increment(ref _outputLines);
        }
        else if (stream == DcpLogStreams.StdErr)
        {
            Interlocked.Increment(ref _errorLines);
        }
    }

    // time <tab> level <tab> category <tab> message <tab> JSON
    private void AppendSystemLine(string line)
    {
        var parts = line.Split('\t', 5);
        if (parts.Length < 4)
        {
            _logs.Append(_name, timestamp: null, $"[sys] {line}", isErrorMessage: false);
            return;
        }

        var (time, _) = SplitTime(parts[0] + "\t", '\t');
        var details = parts.Length == 5 ? Describe(parts[4]) : string.Empty;
        _logs.Append(_name, time, $"[sys] {parts[3]}{details}", isErrorMessage: parts[1] == "error");
    }

    private static string Describe(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var known = s_systemDetails
                .Where(key => document.RootElement.TryGetProperty(key, out _))
                .Select(key => $"{key} = {document.RootElement.GetProperty(key)}");
            var text = string.Join(", ", known).ReplaceLineEndings(" ");
            return text.Length == 0 ? string.Empty : $": {text}";
        }
        catch (JsonException)
        {
            return $" {json}";
        }
    }

    private static (DateTimeOffset? Time, string Text) SplitTime(string line, char separator)
    {
        var end = line.IndexOf(separator, StringComparison.Ordinal);
        return end > 0 && DateTimeOffset.TryParse(line.AsSpan(0, end), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? (time, line[(end + 1)..])
            : (null, line);
    }
}
