namespace SseApp.AppHost.Operations;

/// <summary>One replica of a <see cref="ReloadInfo"/>.</summary>
internal sealed record ReloadStepInfo(string Replica, string State, int Streams, double? Seconds);
