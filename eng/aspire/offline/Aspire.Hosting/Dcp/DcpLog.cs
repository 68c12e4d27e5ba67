using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Dcp;

internal static partial class DcpLog
{
    [LoggerMessage(1, LogLevel.Debug, "Starting DCP: {Path} {Arguments}")]
    public static partial void StartingDcp(ILogger logger, string path, string arguments);

    [LoggerMessage(2, LogLevel.Debug, "The connection file {Path} is not complete yet: {Reason}")]
    public static partial void KubeconfigNotReady(ILogger logger, string path, string reason);

    [LoggerMessage(3, LogLevel.Debug, "The watch of {Plural} ended; connecting again. {Reason}")]
    public static partial void WatchEnded(ILogger logger, string plural, string reason);

    [LoggerMessage(4, LogLevel.Warning, "The orchestrator could not be stopped through its API; it stops by itself when this process ends.")]
    public static partial void StopFailed(ILogger logger, Exception exception);

    [LoggerMessage(5, LogLevel.Error, "An update of '{Name}' from the orchestrator could not be processed.")]
    public static partial void UpdateFailed(ILogger logger, Exception exception, string name);

    [LoggerMessage(6, LogLevel.Error, "Failed to start resource {Resource}: {Reason}")]
    public static partial void StartFailed(ILogger logger, Exception? exception, string resource, string reason);

    [LoggerMessage(7, LogLevel.Debug, "The log stream {Stream} of '{Name}' broke off: {Reason}")]
    public static partial void LogStreamBroken(ILogger logger, string stream, string name, string reason);

    [LoggerMessage(8, LogLevel.Warning, "{Problem}")]
    public static partial void ContainerRuntimeProblem(ILogger logger, string problem);

    [LoggerMessage(9, LogLevel.Error, "An error occurred while computing the URLs of resource '{Resource}'.")]
    public static partial void UrlsFailed(ILogger logger, Exception exception, string resource);

    [LoggerMessage(10, LogLevel.Error, "A subscriber of {Event} failed.")]
    public static partial void SubscriberFailed(ILogger logger, Exception exception, string @event);
}
